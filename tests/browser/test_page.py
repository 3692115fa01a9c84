"""One customer's answer, and the tabs beside it."""

import re

import pytest
from playwright.sync_api import Page, expect
from servers import wait_for
from visit import PHONE, enter, field, fits, kernel_id, open_page, predict

from wholesale.amounts import parse_amount
from wholesale.app import sentences, tabs
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.predict import Predictor, predict_segment
from wholesale.wording import format_amount, format_share

RETAILER = ["1200", "12000", "21000", "300", "9500", "1500"]
TABS = ("many", "segments", "about", "one")


def answers(page: Page, predictor: Predictor, amounts: list) -> None:
    """See that the page shows what `predict_segment` says."""
    answer = predict_segment(predictor, amounts)
    for model in ("kmeans", "gmm", "ward"):
        expect(page.locator(f".wc-{model} .wc-value")).to_have_text(getattr(answer, model).name)
    said = sentences.agreement(predictor, answer)
    expect(page.locator(".wc-agreement")).to_have_text(said[0].upper() + said[1:])
    expect(page.locator(".wc-verdict")).to_have_text(
        answer.kmeans.name + sentences.verdict(predictor, answer)
    )
    expect(page.locator(".wc-familiarity")).to_have_text(sentences.familiarity(answer))
    for probability in answer.gmm.scores:
        expect(page.locator(".wc-gmm")).to_contain_text(format_share(probability))
    expect(page.get_by_role("status").first).to_have_text(sentences.announcement(predictor, answer))


def test_amounts_change_the_answers_to_what_predict_segment_says_and_announce_it(page, address, predictor):
    answers(page, predictor, predictor.amounts[0])
    predict(page, RETAILER)
    answers(page, predictor, RETAILER)
    assert page.witness.navigations == [address]


def test_no_trace_of_a_notebook_or_a_failed_cell_is_on_the_page(page):
    traces = ("error when executing cell", "There was an error", "Traceback", "In [", "Six yearly amounts in")
    assert [trace for trace in traces if trace in page.content()] == []
    assert page.locator(".jp-InputPrompt, .jp-OutputPrompt, .jp-Cell, .prompt").count() == 0
    assert page.title() == "Wholesale customer segments"
    assert page.locator("html").get_attribute("lang") == "en"


def test_the_page_is_readable_before_a_kernel_answers(blank, address):
    blank.route("**/voila/static/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    blank.goto(address)
    expect(blank.get_by_role("heading", level=1)).to_have_text("Wholesale customer segments")
    expect(blank.get_by_text("Starting…")).to_be_visible()
    for label in WHOLESALE.labels:
        expect(blank.get_by_label(label)).to_be_editable()


def test_enter_and_leaving_a_field_both_answer(page):
    enter(page, "Fresh", "0", "Enter")
    expect(field(page, "Fresh")).to_be_focused()
    expect(page.locator(".wc-kmeans")).not_to_contain_text("close call")
    for column in SPEND_COLUMNS:
        field(page, column).fill("1000000000")
    field(page, "Delicassen").press("Tab")
    expect(page.locator(".wc-hero")).to_contain_text("Unlike 99% of the customers on record")


def test_a_bad_entry_is_named_and_the_last_good_answer_stays(page):
    models = page.locator(".wc-results .wc-three")
    before = models.inner_text()
    enter(page, "Milk", "abc")
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", "abc")
    expect(page.locator(".wc-error").filter(has_text="Milk")).to_have_text(str(sentence.value))
    expect(field(page, "Milk")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Milk")).to_have_accessible_description(str(sentence.value))
    expect(field(page, "Milk")).to_have_value("abc")
    expect(field(page, "Grocery")).to_be_focused()
    expect(page.locator(".wc-stale")).to_have_text(tabs.EARLIER)
    assert models.inner_text() == before
    enter(page, "Milk", "9656", "Enter")
    expect(page.locator(".wc-stale")).to_have_count(0)
    expect(field(page, "Milk")).to_have_attribute("aria-invalid", "false")


def test_reset_empties_the_fields_and_undo_brings_them_back(page, predictor):
    start = page.locator(".wc-kmeans").inner_text()
    field(page, "Grocery").fill("-5")
    page.locator(".wc-reset").click()
    expect(field(page, "Grocery")).to_have_value("")
    expect(page.locator(".wc-stale")).to_contain_text(tabs.BLANK)
    for _ in range(2):  # the fault was an entry, too
        page.locator(".wc-undo").click()
    expect(field(page, "Grocery")).to_have_value(format_amount(predictor.amounts[0][2]))
    expect(page.locator(".wc-stale")).to_have_count(0)
    assert page.locator(".wc-kmeans").inner_text() == start


def test_inputs_are_labelled_for_people_phones_and_screen_readers(page):
    for column, label in zip(WHOLESALE.columns, WHOLESALE.labels, strict=True):
        expect(field(page, column)).to_have_accessible_name(label)
        expect(field(page, column)).to_have_attribute("inputmode", "decimal")
        expect(page.locator(f".wc-input-{column}")).to_have_attribute("data-column", column)
        expect(field(page, column)).to_have_attribute("autocomplete", "off")


@pytest.mark.parametrize("blank", [PHONE], indirect=True, ids=["390"])
def test_a_phone_shows_every_tab_and_whatever_is_typed_without_scrolling_sideways(page):
    for name in TABS:
        page.locator(f"#wc-tab-{name}").click()
        assert fits(page), name
    typed = {"not an amount at all, however long it may be": ".wc-error:has-text('not an amount')",
             "1000000000": ".wc-warning",
             "9" * 300: ".wc-hero:has-text('spends 6e+300')",
             "9" * 16: ".wc-hero:has-text('spends 6e+16')"}  # fmt: skip
    for text, seen in typed.items():
        predict(page, [text] * 6)
        expect(page.locator(seen).last).to_be_visible()
        assert fits(page), text


def test_a_closed_page_takes_its_kernel_with_it(page, address):
    url = f"{address}api/kernels/{kernel_id(page)}"
    assert page.request.get(url).status == 200  # with the page's cookie
    page.goto("about:blank")
    wait_for(lambda: page.request.get(url).status == 404, 15)


def test_plain_voila_serves_the_same_page(blank, voila_address, predictor):
    open_page(blank, voila_address)
    expect(blank.get_by_role("heading", level=1)).to_have_text("Wholesale customer segments")
    answers(blank, predictor, predictor.amounts[0])


def test_pages_opened_at_once_are_all_drawn_though_models_come_late(blank, address):
    errors, pages = [], [blank, *(blank.context.new_page() for _ in range(7))]
    blank.context.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    for one in pages:
        one.goto(address, wait_until="commit")
    for one in pages:
        expect(one.locator(".wc-app .wc-kmeans")).to_be_attached(timeout=60_000)
    assert errors == []


def test_tabs_show_one_page_at_a_time_and_can_be_linked_to(page, address):
    for name in TABS:
        page.locator(f"#wc-tab-{name}").click()
        expect(page.locator(".wc-page:visible")).to_have_count(1)
        expect(page.locator(f"#wc-page-{name}")).to_be_visible()
        expect(page.locator(f"#wc-page-{name}")).to_have_role("tabpanel")
        assert page.url.startswith(f"{address}#tab={name}&a.Fresh=")
    page.goto("about:blank")
    page.goto(f"{address}#tab=about")
    expect(page.get_by_role("heading", name="Limits of use")).to_be_visible(timeout=30_000)
    expect(page.locator(".wc-form:visible")).to_have_count(0)


def test_every_model_s_segments_and_the_evidence_are_on_their_tabs(page, predictor):
    page.locator("#wc-tab-segments").click()
    for name in {name for names in predictor.names.values() for name in names}:
        expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()
    page.locator("#wc-tab-about").click()
    for sentence in predictor.evidence["sentences"]:
        expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.locator(".wc-tree:visible")).to_have_count(1)


def test_the_map_marks_the_customer_and_says_who_the_points_are(page, predictor):
    box = page.locator(".wc-map").bounding_box()
    ring = page.locator(".wc-map .wc-you").bounding_box()
    assert box["x"] < ring["x"] < box["x"] + box["width"]
    enter(page, "Fresh", "100", "Enter")
    page.wait_for_function(
        "was => Math.abs(document.querySelector('.wc-map .wc-you').getBoundingClientRect().y - was) > 5",
        arg=ring["y"],
    )
    page.locator(".wc-map").hover()
    expect(page.locator("#wc-tip")).to_have_text(re.compile(r"Customer \d+: .* m\.u\. a year"))


def test_the_answer_can_be_copied_as_text(page, predictor):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    today, _, answer = copied.partition("\n")
    assert answer == page.locator(".wc-text").text_content() and re.fullmatch(r"\d+ \w+ \d{4}", today)
    assert answer.startswith("Customer 1: Fresh ")
    assert predict_segment(predictor, predictor.amounts[0]).gmm.name in copied


def test_a_reload_keeps_what_was_typed_and_a_new_visit_starts_anew(page, address, predictor):
    field(page, "Milk").fill("1234")
    enter(page, "Frozen", "abc", "Enter")
    expect(page.locator(".wc-error").filter(has_text="Frozen")).to_be_visible()
    page.reload()
    expect(field(page, "Milk")).to_have_value("1\u00a0234", timeout=30_000)
    expect(field(page, "Frozen")).to_have_value("abc")
    expect(page.locator(".wc-error").filter(has_text="Frozen")).to_be_visible()
    page.goto("about:blank")
    open_page(page, address)
    expect(field(page, "Milk")).to_have_value(format_amount(predictor.amounts[0][1]))


def test_the_whole_task_can_be_done_by_keyboard(page, predictor):
    def next_is(selector: str) -> None:
        page.keyboard.press("Tab")
        expect(page.locator(selector)).to_be_focused()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    next_is(".wc-theme")
    next_is("#wc-tab-one")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#wc-page-many")).to_be_visible()
    expect(page.locator("#wc-tab-many")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    next_is(".wc-picker input")
    page.keyboard.type("142")
    page.keyboard.press("Enter")
    expect(page.locator(".wc-alike")).to_contain_text("Customer 142 on record has exactly")
    for column in SPEND_COLUMNS:
        next_is(f".wc-input-{column} input")
        page.keyboard.type("5000")
    next_is(".wc-predict")
    page.keyboard.press("Enter")
    expect(page.locator(".wc-name")).to_have_text(predict_segment(predictor, [5000] * 6).kmeans.name)
    terms = (".wc-form .wc-term", ".wc-sureness .wc-term", ".wc-familiarity .wc-term")
    acts = (".wc-pin", ".wc-copy", ".wc-copy-link", ".wc-print")
    for control in (".wc-undo", ".wc-reset", "#wc-called", *terms, *acts):
        next_is(control)
    page.locator(".wc-pin").press("Enter")
    expect(page.locator(".wc-beside")).to_be_visible()
    expect(page.locator(".wc-pin")).to_be_focused()  # though it has been drawn anew


@pytest.mark.parametrize("blank", [PHONE], indirect=True, ids=["390"])
def test_on_a_phone_enter_and_predict_bring_the_verdict_into_view(page):
    for act in (lambda: enter(page, "Milk", "5000", "Enter"), lambda: page.locator(".wc-predict").click()):
        page.evaluate("scrollTo(0, 0)")
        expect(page.locator(".wc-verdict")).not_to_be_in_viewport()
        act()
        expect(page.locator(".wc-verdict")).to_be_in_viewport()


def test_an_amount_that_is_entered_is_one_message_to_the_kernel(blank, address):
    sent = []
    blank.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(bytes(frame))))
    open_page(blank, address)
    for key in ("Enter", "Tab"):
        blank.wait_for_timeout(500)  # what was said before has gone
        sent.clear()
        enter(blank, "Milk", f"500{len(key)}", key)
        expect(blank.locator(".wc-whys")).to_contain_text(f"5\u00a000{len(key)}")
        blank.wait_for_timeout(300)
        assert len(sent) == 1, key


def test_whatever_shows_a_customer_opens_it_and_back_returns(page, predictor):
    def opened(customer: str | int) -> None:
        expect(page.locator(".wc-picker input")).to_have_value(str(customer))
        expect(page.locator(".wc-alike")).to_contain_text(f"Customer {customer} on record has exactly")

    first = page.locator(".wc-alikes .wc-open").first
    alike = first.get_attribute("data-customer")
    first.click()
    opened(alike)
    expect(page).to_have_url(re.compile(f"a.Fresh={predictor.amounts[int(alike) - 1][0]}&"))
    page.go_back()
    expect(page.locator(".wc-alike")).to_contain_text("Customer 1 on record has exactly")
    expect(field(page, "Fresh")).to_have_value(format_amount(predictor.amounts[0][0]))
    page.go_forward()
    expect(page.locator(".wc-alike")).to_contain_text(f"Customer {alike} on record has exactly")
    page.locator(".wc-map").scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # scrolling takes tips away
    page.locator(".wc-map").hover()
    expect(page.locator("#wc-tip")).to_be_visible()
    number = re.search(r"Customer (\d+)", page.locator("#wc-tip").inner_text())[1]
    page.locator(".wc-map").click()
    opened(number)
    page.locator(".wc-chooser").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    number = re.search(r"Customer (\d+)", page.locator("#wc-tip").inner_text())[1]
    expect(page.get_by_role("status").first).to_contain_text(f"Customer {number}: ")
    page.keyboard.press("Enter")
    opened(number)


def test_a_link_holds_the_amounts_and_names_in_their_fields_what_is_wrong_or_missing(
    page, address, predictor
):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    predict(page, RETAILER)
    answers(page, predictor, RETAILER)
    page.locator(".wc-copy-link").click()
    expect(page.locator("#wc-tip")).to_have_text("It opens on this computer only: to others, send the text.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{address}#tab=one&" + "&".join(map("a.{}={}".format, SPEND_COLUMNS, RETAILER))
    page.goto("about:blank")
    open_page(page, link)
    answers(page, predictor, RETAILER)
    page.locator("#wc-called").fill("Bar Centrale")
    page.locator(".wc-pin").click()
    expect(page).to_have_url(re.compile("&p.Fresh="))  # an entry of its own in the history
    page.locator(".wc-picker input").fill("142")
    page.keyboard.press("Enter")
    expect(page.locator(".wc-besides")).to_contain_text("Customer 142")
    expect(page).to_have_url(re.compile(f"a.Fresh={predictor.amounts[141][0]}&"))
    page.locator("#wc-called").fill("Café & Söhne")
    page.locator(".wc-copy-link").click()
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    page.reload()
    answers(page, predictor, predictor.amounts[141])
    compared = page.locator(".wc-besides").inner_text()
    assert "Bar Centrale, pinned" in compared
    assert all(format_amount(float(amount)) in compared for amount in RETAILER)
    expect(page.locator("#wc-called")).to_have_value("Café & Söhne")
    above = page.evaluate("getComputedStyle(document.querySelector('.wc-results'), '::before').content")
    assert above == '"Café & Söhne"'
    for _ in ("name", "opened", "pinned"):
        expect(page.locator(".wc-beside")).to_have_count(1)
        page.go_back()
        page.wait_for_timeout(1000)  # each step has its answer
    expect(page.locator(".wc-beside")).to_have_count(0)
    page.goto("about:blank")
    open_page(page, f"{address}#tab=one&a.Fresh=12.5&a.Milk=x%20y&a.Grocery=1")
    expect(field(page, "Milk")).to_have_value("x y")
    expect(field(page, "Fresh")).to_have_value("12.5")
    faults = page.locator(".wc-error").filter(has_text="is not an amount")
    expect(faults).to_have_count(4)
    expect(faults.first).to_contain_text("Milk: x y is not")


def test_an_answer_follows_typing_without_rewriting_and_is_announced_after_a_second(page, predictor):
    spoken = page.get_by_role("status").first.text_content()
    field(page, "Fresh").fill("")
    field(page, "Fresh").press_sequentially("1,5", delay=20)
    answer = predict_segment(predictor, [1.5, *predictor.amounts[0][1:].tolist()])
    expect(page.locator(".wc-verdict")).to_contain_text(sentences.verdict(predictor, answer))
    assert page.get_by_role("status").first.text_content() == spoken
    assert field(page, "Fresh").input_value() == "1,5"
    expect(page.get_by_role("status").first).to_have_text(sentences.announcement(predictor, answer))
    field(page, "Fresh").press_sequentially("x")
    page.wait_for_timeout(400)
    expect(page.locator(".wc-error").filter(has_text="Fresh")).to_have_count(0)
    field(page, "Fresh").press("Tab")
    expect(page.locator(".wc-error").filter(has_text="Fresh")).to_have_count(1)


def test_a_pinned_customer_stands_beside_the_next_and_a_name_goes_with_copies(page, predictor):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".wc-pin").click()
    expect(page.locator(".wc-beside")).to_be_visible()
    page.locator(".wc-picker input").fill("142")
    page.keyboard.press("Enter")
    for customer in (0, 141):
        expect(page.locator(".wc-besides")).to_contain_text(format_amount(predictor.amounts[customer][1]))
    page.locator(".wc-pin").click()
    expect(page.locator(".wc-beside")).to_have_count(0)
    page.locator("#wc-called").fill("Café Rossi")
    page.locator(".wc-copy").click()
    expect(page.locator(".wc-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("Café Rossi, ")
    page.locator(".wc-picker input").fill("87")
    page.keyboard.press("Enter")
    expect(page.locator(".wc-by").first).to_have_text("Customer 87 on record")
    expect(page.locator("#wc-called")).to_have_value("")


def test_a_name_stays_with_its_customer_through_undo_reset_pinning_and_a_reload(page):
    name = page.locator("#wc-called")
    name.fill("Bar Rosa")
    name.press("Tab")
    expect(page).to_have_url(re.compile("name=Bar%20Rosa"))
    page.reload()
    expect(page.locator(".wc-verdict")).to_be_visible(timeout=30_000)
    expect(name).to_have_value("Bar Rosa")
    page.locator(".wc-alikes .wc-open").first.click()
    expect(name).to_have_value("")
    page.locator(".wc-undo").click()
    expect(page.locator(".wc-by").first).to_have_text("Customer 1 on record")
    expect(name).to_have_value("Bar Rosa")
    page.locator(".wc-pin").click()
    expect(page.locator(".wc-beside")).to_be_visible()
    expect(name).to_have_value("Bar Rosa")
    enter(page, "Milk", "5000", "Tab")
    expect(page.locator(".wc-besides")).to_contain_text("Bar Rosa, pinned")
    expect(name).to_have_value("")
    name.fill("Café Lux")
    page.locator(".wc-reset").click()
    expect(name).to_have_value("")


def test_amounts_typed_before_the_page_is_ready_are_answered_when_it_is(blank, address, predictor):
    held = []
    blank.route("**/voila/static/**/voila.js*", lambda route: held.append(route))
    blank.goto(address, wait_until="commit")
    early = blank.get_by_label("Milk")
    early.fill("1234")
    blank.get_by_label("Grocery").focus()
    blank.keyboard.type("77")
    for route in held:
        route.continue_()
    amounts = [*predictor.amounts[0]]
    amounts[1:3] = 1234, 77
    answer = predict_segment(predictor, amounts)
    expected = answer.kmeans.name + sentences.verdict(predictor, answer)
    expect(blank.locator(".wc-verdict")).to_have_text(expected, timeout=30_000)
    expect(field(blank, "Milk")).to_have_value("1\u00a0234")
    expect(field(blank, "Grocery")).to_be_focused()


def test_on_a_slow_line_it_is_told_how_much_has_come_and_nothing_comes_twice(blank, address):
    network, came = blank.context.new_cdp_session(blank), []
    network.send("Network.enable")
    slow = {"offline": False, "latency": 50, "downloadThroughput": 250_000, "uploadThroughput": 250_000}
    network.send("Network.emulateNetworkConditions", slow)
    network.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    blank.goto(address, wait_until="commit")
    expect(blank.locator(".wc-share")).to_have_text(re.compile("[1-9][0-9]% loaded"), timeout=15_000)
    expect(blank.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=30_000)
    assert max(came) < sum(came) < 1.3e6
