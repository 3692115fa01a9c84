"""The tab that scores a file, as somebody with one finds it."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from visit import PHONE, fits, open_page

from wholesale.app.server import upload
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.manifest import SHIPPED
from wholesale.predict import Predictor
from wholesale.reading import read_customers
from wholesale.scoring import score_table
from wholesale.scoring.output import csv_header, to_csv
from wholesale.wording import rounded

HEAD = ",".join(("Name", *SPEND_COLUMNS))


@pytest.fixture
def page(page: Page) -> Page:
    """The page, open at its tab."""
    page.locator("#wc-tab-many").click()
    return page


def choose(page: Page, name: str, content: str | bytes) -> None:
    body = content.encode() if isinstance(content, str) else content
    page.locator("#wc-file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": body})


def only_of_the_file(page: Page) -> None:
    """See that nothing failed but what was asked about a file, which the page told in its own words."""
    assert [fault for fault in page.witness.faults if "/api/score" not in fault] == []
    page.witness.faults.clear()


def answered(page: Page, name: str) -> None:
    expect(page.locator(".wc-page-many .wc-by")).to_have_text(name, timeout=20_000)
    expect(page.locator(".wc-customers tbody tr").first).to_be_visible(timeout=20_000)


def shown(page: Page, column: str) -> list[str]:
    heads = [head.split("\n")[0] for head in page.locator(".wc-customers thead th").all_inner_texts()]
    return page.locator(f".wc-customers tbody td:nth-child({heads.index(column) + 1})").all_inner_texts()


def downloaded(page: Page, name: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_a_file_is_scored_filtered_sorted_and_downloaded(page: Page, predictor: Predictor):
    choose(page, "mine.csv", SHIPPED.read_bytes())
    answered(page, "mine.csv")
    table = score_table(predictor, read_customers(SHIPPED)[0])
    assert downloaded(page, "Download all") == (
        "mine.scored.csv",
        csv_header(table.column_names) + to_csv(table),
    )
    expect(page.locator(".wc-range")).to_have_text("1–50 of 440")
    assert shown(page, "Gaussian mixture") == table["gmm_name"].to_pylist()[:50]
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".wc-range")).to_have_text("51–100 of 440")
    assert shown(page, "Line")[0] == "52"

    clearest = page.get_by_role("columnheader", name="Times clearer")
    for order, down in (("ascending", False), ("descending", True)):
        clearest.get_by_role("button").click()
        expect(clearest).to_have_attribute("aria-sort", order)
        clarity = table["clarity"].to_pylist()
        ranked = sorted(range(440), key=lambda i: -clarity[i] if down else clarity[i])[:50]
        expect(page.locator(".wc-customers tbody tr td").first).to_have_text(str(ranked[0] + 2))
        assert shown(page, "Line") == [str(i + 2) for i in ranked]

    name = predictor.names["ward"][2]
    in_segment = table["ward_name"].to_pylist().count(name)
    page.locator("#wc-segment").select_option(label=f"{MODELS['ward']}: {name} ({in_segment})")
    expect(page.locator(".wc-range")).to_have_text(
        f"1–50 of {in_segment} found among 440, {MODELS['ward']} {name}"
    )
    assert set(shown(page, MODELS["ward"])) == {name}
    page.locator("#wc-segment").select_option(label="All")
    page.get_by_label("Only the unfamiliar").check()
    unfamiliar = sum(table["unfamiliar"].to_pylist())
    expect(page.locator(".wc-range")).to_have_text(
        f"1–{unfamiliar} of {unfamiliar} found among 440, unfamiliar"
    )
    page.get_by_label("Only the unfamiliar").uncheck()


def test_text_of_any_kind_is_shown_as_it_is_and_rejects_can_be_downloaded(page: Page):
    names = ['<b>"x"</b>', "two\nlines", "ü, é", "=1+1"]
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(
        [HEAD.split(","), *([name, 1, 2, 3, 4, 5, 6] for name in names), ["bad", 1, 2, "<i>", 4, 5, 6]]
    )
    choose(page, "odd.csv", out.getvalue())
    answered(page, "odd.csv")
    cells = page.locator(".wc-customers tbody td:nth-child(2)").all_text_contents()
    assert cells == names
    assert shown(page, "Line") == ["2", "3", "5", "6"]  # as the rejected row's: a name has two lines
    page.get_by_label("Other columns contain").fill('"X"')
    expect(page.locator(".wc-range")).to_have_text("1–1 of 1 found among 4")
    assert shown(page, "Line") == ["2"]
    page.get_by_label("Other columns contain").fill("Few")  # only in our columns
    expect(page.locator(".wc-range")).to_have_text("None among 4")
    row = page.locator(".wc-rejects tbody tr")
    rejected = ["7", "Grocery", "<i>", "Grocery: <i> is not an amount ≥ 0"]
    assert row.locator("th, td").all_inner_texts() == rejected
    file, content = downloaded(page, "Download rejected rows")
    assert file == "odd.scored.rejected.csv" and b"bad,1,2,<i>,4,5,6" in content


def test_names_that_differ_are_asked_for_and_a_sign_can_be_told(page: Page):
    content = f"{HEAD}\nA,1.234,2,3,4,5,6\n".replace("Fresh", "fresh_products").replace("Milk", "Dairy")
    choose(page, "renamed.csv", content)
    mapping = page.locator(".wc-mapping")
    expect(mapping).to_contain_text("no column for Fresh (nearest: fresh_products), Milk")
    expect(mapping.get_by_label("Fresh")).to_have_value("fresh_products")
    expect(mapping.get_by_label("Milk")).to_be_focused()  # the first for which nothing is near
    mapping.get_by_label("Milk").select_option("fresh_products")
    mapping.get_by_role("button").click()
    expect(mapping).to_contain_text("fresh_products cannot be both Fresh and Milk")
    expect(mapping.get_by_label("Milk")).to_have_value("fresh_products")
    mapping.get_by_label("Milk").select_option("Dairy")
    mapping.get_by_role("button").click()
    answered(page, "renamed.csv")
    assert b'"A",1234,2,' in downloaded(page, "Download all")[1]
    expect(page.locator(".wc-verdict-card")).to_contain_text("1.234 is read as 1234")
    page.get_by_label("Decimal sign").select_option("point")
    expect(page.locator(".wc-verdict-card")).not_to_contain_text("1.234 is read as 1234")
    answered(page, "renamed.csv")
    assert b'"A",1.234,2,' in downloaded(page, "Download all")[1]
    only_of_the_file(page)  # the 422 that asked for the names


def test_a_second_file_replaces_the_first_and_a_failure_is_one_sentence(page: Page, tmp_path):
    large, huge = tmp_path / "large.csv", tmp_path / "huge.csv"
    large.write_text(HEAD + "\n" + "A,1,2,3,4,5,6\n" * 500_000)
    huge.write_bytes(b"1" * (upload.LIMIT + 1))
    page.locator("#wc-file").set_input_files(large)
    expect(page.locator(".wc-progress")).to_be_visible()
    choose(page, "small.csv", f"{HEAD}\nA,1,2,3,4,5,6\nB,1,2,3,4,5,6\n")
    answered(page, "small.csv")
    choose(page, "empty.csv", b"")
    failure = page.locator(".wc-failure")
    expect(failure).to_have_text("empty.csv: it is empty.")
    expect(page.locator(".wc-page-many .wc-by")).to_have_text("small.csv")
    expect(page.locator(".wc-range")).to_have_text("1–2 of 2")
    page.get_by_role("columnheader", name="Fresh").get_by_role("button").click()  # the last good one lives on
    expect(page.locator(".wc-customers [aria-sort=descending]")).to_contain_text("Fresh")
    page.locator("#wc-file").set_input_files(huge)
    expect(failure).to_contain_text("huge.csv is too large for the page: it has 20.0 MB")
    expect(failure).to_contain_text("python -m wholesale score")
    page.route("**/api/score*", lambda route: route.abort())
    choose(page, "lost.csv", "x")
    expect(failure).to_contain_text("lost.csv could not be sent")
    only_of_the_file(page)


def test_a_file_can_be_dropped_and_the_example_scored(page: Page):
    expect(page.locator(".wc-without")).to_be_hidden()
    page.get_by_role("button", name="Score this example").click()
    answered(page, "example.csv")
    page.locator(".wc-drop").evaluate(
        """(target, text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "dropped.csv"));
          const how = { dataTransfer: data, bubbles: true, cancelable: true };
          target.dispatchEvent(new DragEvent("drop", how));
        }""",
        f"{HEAD}\nA,1,2,3,4,5,6\n",
    )
    answered(page, "dropped.csv")
    assert page.locator("#wc-file").evaluate("field => field.files[0].name") == "dropped.csv"


def test_it_is_done_by_keyboard_and_announced(page: Page):
    page.locator("#wc-tab-many").focus()
    for name in ("wc-file", "wc-decimal"):
        page.keyboard.press("Tab")
        expect(page.locator(f"#{name}")).to_be_focused()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answered(page, "example.csv")
    expect(page.locator(".wc-said")).to_contain_text("6 scored")
    page.locator("#wc-unfamiliar").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".wc-save-shown")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".wc-customers th button").first).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Line")).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".wc-customers tbody td").first).to_have_text("7")


@pytest.mark.parametrize("blank", [PHONE], indirect=True, ids=["390"])
def test_a_phone_shows_an_answer_without_scrolling_sideways_and_a_failure_where_it_is_seen(page: Page):
    choose(page, f"{'long' * 20}.csv", f"{HEAD}\n{'word' * 50},1,2,3,4,5,6\nB,{'x' * 99},2,3,4,5,6\n")
    answered(page, f"{'long' * 20}.csv")
    assert fits(page)
    choose(page, "empty.csv", b"")
    expect(page.locator(".wc-failure")).to_be_in_viewport()
    only_of_the_file(page)


def test_names_are_sorted_as_in_a_dictionary_and_found_without_their_accents(page: Page):
    names = ["Zeta", "anna", "Élan", "émile", "Bert", "Ötzi", "=x", "Otto"]
    choose(page, "names.csv", HEAD + "\n" + "".join(f"{name},1,2,3,4,5,6\n" for name in names))
    answered(page, "names.csv")
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".wc-customers tbody td:nth-child(2)")).to_have_text(
        ["=x", "anna", "Bert", "Élan", "émile", "Otto", "Ötzi", "Zeta"]
    )
    page.get_by_label("Other columns contain").fill("elan")
    expect(page.locator(".wc-range")).to_have_text("1–1 of 1 found among 8")


def test_plain_voila_says_what_scores_files_instead(blank: Page, voila_address):
    open_page(blank, voila_address)
    blank.locator("#wc-tab-many").click()
    expect(blank.locator(".wc-without")).to_contain_text("Serve it with make app")
    expect(blank.locator("#wc-file")).to_be_hidden()


def test_a_segment_shows_its_customers_who_are_filtered_downloaded_and_opened(
    page: Page, predictor: Predictor
):
    found, filters = page.locator(".wc-range"), page.locator(".wc-filters")
    page.get_by_role("button", name="Show the 440 customers on record").click()
    expect(found).to_have_text("1–50 of 440", timeout=15_000)
    page.locator("#wc-tab-one").click()
    page.get_by_role("button", name=f"Show all {predictor.sizes['kmeans'][1]} of this segment").click()
    expect(found).to_contain_text(f"of {predictor.sizes['kmeans'][1]} found among 440", timeout=15_000)
    assert filters.bounding_box()["y"] < 400, "the list is in view"
    expect(page.locator("#wc-segment")).to_be_focused()
    for _ in range((predictor.sizes["kmeans"][1] - 1) // 50):
        page.locator("[data-step='1']").press("Enter")
    expect(page.locator("[data-step='-1']")).to_be_focused()
    page.locator("#wc-tab-segments").click()
    page.get_by_role("button", name=f"Show its {predictor.sizes['kmeans'][2]} customers").first.click()
    expect(found).to_contain_text(f"of {predictor.sizes['kmeans'][2]} found among 440", timeout=15_000)
    name = predictor.names["kmeans"][2]
    expect(found).to_contain_text(f"K-Means {name}")
    typical = rounded(predictor.typical["kmeans"][2][0])
    expect(page.locator("#wc-least")).to_have_attribute("placeholder", f"typical {typical}")
    expect(page.locator(".wc-beside-record")).to_be_hidden()
    save = page.locator(".wc-save-shown")
    for unclear in ("5,000", "5.000", "5k"):
        page.locator("#wc-least").fill(unclear)
        expect(found).to_have_text(f"{unclear} is not clear: write it without a mark of thousands")
        expect(save).to_be_disabled()
    page.locator("#wc-least").fill("5 000")
    members = predictor.amounts[predictor.segments["kmeans"] == 3]
    many = int((members[:, 0] >= 5000).sum())
    expect(found).to_contain_text(f"of {many} found among 440, K-Means {name}, Fresh from 5 000")
    expect(save).to_be_enabled()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download these {many}", exact=True).click()
    saved = pd.read_csv(download.value.path())
    assert download.value.suggested_filename == f"customers on record.K-Means {name}, Fresh from 5 000.csv"
    assert len(saved) == many and (saved["Fresh"] >= 5000).all() and (saved["kmeans_segment"] == 3).all()
    page.locator(".wc-customers .wc-open").first.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.locator(".wc-customers .wc-open").first.click()
    expect(page.locator(".wc-picker input")).to_have_value(str(saved["Customer"][0]))
    expect(page.locator(".wc-alike")).to_contain_text(
        f"Customer {saved['Customer'][0]} on record has exactly"
    )
    page.locator(".wc-back").click()
    expect(page.locator(".wc-customers .wc-open").first).to_be_focused()
    assert page.evaluate("scrollY") == before
    page.locator(".wc-customers .wc-open").first.click()
    expect(page.locator(".wc-verdict")).to_be_in_viewport()
    page.wait_for_timeout(500)  # until the address says who is open
    page.go_back()
    expect(found).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == before, "and so does the browser's own way back"
    page.locator("#wc-least").fill("")
    page.locator("#wc-unfamiliar").check()
    page.locator("#wc-segment").select_option(
        label=f"K-Means: {predictor.names['kmeans'][1]} ({predictor.sizes['kmeans'][1]})"
    )
    expect(found).to_contain_text(
        f"None among 440, K-Means {predictor.names['kmeans'][1]}, unfamiliar. Sort by How typical"
    )
    expect(save).to_be_disabled()


@pytest.mark.parametrize("blank", [PHONE, {"width": 900, "height": 800}], indirect=True, ids=["390", "900"])
def test_who_it_is_and_the_segment_stay_in_view_where_the_list_is_scrolled(page: Page):
    page.get_by_role("button", name="Show the 440 customers on record").click()
    expect(page.locator(".wc-range")).to_have_text("1–50 of 440", timeout=15_000)
    page.locator(".wc-scroll:has(.wc-customers)").evaluate("each => each.scrollLeft = 9999")
    row = page.locator(".wc-customers tbody tr").nth(3)
    places = [cell.bounding_box() for cell in (row.locator(".wc-open"), row.locator(".wc-stays"))]
    card = page.locator(".wc-scroll:has(.wc-customers)").bounding_box()
    assert all(card["x"] <= place["x"] < card["x"] + card["width"] / 2 for place in places)
    assert places[0]["x"] + places[0]["width"] <= places[1]["x"], "neither hides the other"
