"""axe, on every tab and in every state of the page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from servers import running
from visit import PHONE, enter, field, open_page, predict

from wholesale.columns import SPEND_COLUMNS

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=WCAG).response["violations"]
    return [f"{its['id']}: {node['html'][:200]}" for its in found for node in its["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("blank", [{"width": 1440, "height": 900}, PHONE], indirect=True, ids=["1440", "390"])
def test_no_tab_and_no_answer_violates_a_rule(page: Page, theme):
    page.emulate_media(color_scheme=theme)
    page.locator(".wc-pin").click()
    expect(page.locator(".wc-beside")).to_be_visible()
    assert violations(page) == []
    for name in ("many", "segments", "about", "one"):
        page.locator(f"#wc-tab-{name}").click()
        assert violations(page) == [], name
    predict(page, ["1000000000"] * 6)
    expect(page.locator(".wc-warning")).to_be_visible()
    assert violations(page) == []
    enter(page, "Milk", "abc")
    expect(page.locator(".wc-stale")).to_be_visible()
    assert violations(page) == []


def test_no_state_of_a_file_that_is_scored_violates_a_rule(page: Page):
    page.locator("#wc-tab-many").click()
    head = ",".join(SPEND_COLUMNS)
    states = {
        ".wc-customers tbody tr": f"{head}\n1,2,3,4,5,6\n1,2,3,4,5,x\n",
        ".wc-mapping": f"{head.replace('Milk', 'Dairy')}\n1,2,3,4,5,6\n",
        ".wc-failure": "",
        ".wc-warning": f"{head}\n" + "900000,1,900000,1,900000,1\n" * 50,
    }
    for seen, content in states.items():
        file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.locator("#wc-file").set_input_files(file)
        expect(page.locator(f".wc-page-many {seen}").first).to_be_visible()
        assert violations(page) == [], seen
    page.witness.faults.clear()  # two files were refused


def test_the_outline_violates_no_rule(blank: Page, address):
    blank.route("**/voila/static/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    blank.goto(address)
    expect(blank.get_by_text("Starting…")).to_be_visible()
    assert violations(blank) == []


def test_a_lost_connection_is_said_keeps_what_was_typed_and_violates_no_rule(browser, tmp_path):
    with browser.new_context() as context:
        page = context.new_page()
        with running("wholesale", "serve", folder=tmp_path) as server:
            open_page(page, server.address)
            field(page, "Milk").fill("4321")
        notice = page.get_by_role("alert").filter(has_text="connection to the server is lost")
        expect(notice).to_be_visible(timeout=30_000)
        expect(notice.get_by_role("button", name="Reload")).to_be_visible()
        expect(field(page, "Milk")).to_have_value("4321")
        assert violations(page) == []
