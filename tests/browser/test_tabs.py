import pytest
from playwright.sync_api import Page, expect
from visit import PHONE, field, open_page

from wholesale.app.view import presets
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import Predictor, predict_segment
from wholesale.wording import format_amount


def test_tabs_show_one_page_at_a_time_and_can_be_linked_to(page: Page, address):
    open_page(page, address)
    for name in ("many", "segments", "about", "one"):
        page.locator(f"#wc-tab-{name}").click()
        expect(page.locator(".wc-page:visible")).to_have_count(1)
        expect(page.locator(f"#wc-page-{name}")).to_be_visible()
        expect(page.locator(f"#wc-page-{name}")).to_have_role("tabpanel")
        assert page.url == f"{address}#{name}"
    page.goto("about:blank")
    page.goto(f"{address}#about")
    expect(page.get_by_role("heading", name="Limits of use")).to_be_visible(timeout=30_000)
    expect(page.locator(".wc-form:visible")).to_have_count(0)


def test_every_model_s_segments_and_the_evidence_are_on_their_tabs(page: Page, address, predictor: Predictor):
    open_page(page, address)
    page.locator("#wc-tab-segments").click()
    for names in predictor.names.values():
        for name in names:
            expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()
    page.locator("#wc-tab-about").click()
    for sentence in predictor.evidence["sentences"]:
        expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.locator(".wc-tree:visible")).to_have_count(1)


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["390"])
def test_no_tab_scrolls_sideways_on_a_phone(page: Page, address):
    open_page(page, address)
    for name in ("many", "segments", "about", "one"):
        page.locator(f"#wc-tab-{name}").click()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for column in SPEND_COLUMNS:
        field(page, column).fill("1000000000")
    page.locator(".wc-predict").click()
    expect(page.locator(".wc-warning")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_real_customer_can_be_started_from(page: Page, address, predictor: Predictor):
    open_page(page, address)
    for label, customer in presets(predictor).items():
        page.locator(".wc-preset select").select_option(label=label)
        amounts = predictor.amounts[customer - 1]
        for column, amount in zip(SPEND_COLUMNS, amounts.tolist(), strict=True):
            expect(field(page, column)).to_have_value(format_amount(amount))
        expect(page.locator(".wc-name")).to_have_text(predict_segment(predictor, amounts).kmeans.name)
        expect(page.locator(".wc-alike")).to_contain_text(f"Customer {customer} on record has exactly")


def test_the_map_marks_the_customer_and_says_who_the_points_are(page: Page, address, predictor: Predictor):
    open_page(page, address)
    box = page.locator(".wc-map").bounding_box()
    ring = page.locator(".wc-map .wc-you").bounding_box()
    assert box["x"] < ring["x"] < box["x"] + box["width"]
    before = ring
    field(page, "Fresh").fill("100")
    field(page, "Fresh").press("Enter")
    expect(page.locator(".wc-name")).not_to_have_text("")
    page.wait_for_function(
        "was => Math.abs(document.querySelector('.wc-map .wc-you').getBoundingClientRect().y - was) > 5",
        arg=before["y"],
    )
    assert page.locator("#wc-cloud-hover title").count() == len(predictor.amounts)


def test_the_answer_can_be_copied_as_text(page: Page, address, predictor: Predictor):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, address)
    page.get_by_role("button", name="Copy as text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(".wc-text").text_content()
    assert predict_segment(predictor, predictor.amounts[0]).gmm.name in copied


def test_a_reload_keeps_what_was_typed_and_a_new_visit_starts_anew(page: Page, address, predictor: Predictor):
    open_page(page, address)
    field(page, "Milk").fill("1234")
    field(page, "Frozen").fill("abc")
    field(page, "Frozen").press("Enter")
    expect(page.locator(".wc-error").filter(has_text="Frozen")).to_be_visible()
    page.reload()
    expect(field(page, "Milk")).to_have_value("1\u00a0234", timeout=30_000)
    expect(field(page, "Frozen")).to_have_value("abc")
    expect(page.locator(".wc-error").filter(has_text="Frozen")).to_be_visible()
    page.goto("about:blank")
    open_page(page, address)
    expect(field(page, "Milk")).to_have_value(format_amount(predictor.amounts[0][1]))


def test_the_whole_task_can_be_done_by_keyboard(page: Page, address, predictor: Predictor):
    open_page(page, address)
    _tab_to(page, "#wc-tab-one")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#wc-page-many")).to_be_visible()
    expect(page.locator("#wc-tab-many")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    _tab_to(page, ".wc-preset select")
    page.keyboard.type("Contested")
    contested = list(presets(predictor).values())[-2]
    name = predict_segment(predictor, predictor.amounts[contested - 1]).kmeans.name
    expect(page.locator(".wc-name")).to_have_text(name)
    for column in SPEND_COLUMNS:
        page.keyboard.press("Tab")
        expect(field(page, column)).to_be_focused()
        page.keyboard.type("5000")
    page.keyboard.press("Tab")
    expect(page.locator(".wc-predict")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".wc-name")).to_have_text(predict_segment(predictor, [5000] * 6).kmeans.name)
    page.keyboard.press("Tab")
    expect(page.locator(".wc-reset")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".wc-copy")).to_be_focused()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus shows."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    pytest.fail(f"Tab does not reach {selector}")
