"""The page with a password before it, and below a base address."""

from collections.abc import Iterator

import pytest
from door import PASSWORD, guarded
from playwright.sync_api import expect
from servers import Server
from visit import enter


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with guarded(tmp_path_factory.mktemp("door")) as server:
        yield server


def test_a_visitor_logs_in_and_predicts_and_sends_a_file(blank, door):
    blank.goto(door.address)
    blank.get_by_label("Password").fill("wrong")
    blank.get_by_role("button", name="Log in").click()
    expect(blank.get_by_role("alert")).to_have_text("This is not the password.")
    blank.witness.faults.clear()  # the browser's own words on it
    blank.get_by_label("Password").fill(PASSWORD)
    blank.get_by_role("button", name="Log in").click()
    expect(blank.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=30_000)
    enter(blank, "Milk", "777")
    expect(blank.locator(".wc-whys")).to_contain_text("777", timeout=10_000)
    blank.locator("#wc-tab-many").click()
    blank.locator(".wc-try button, button.wc-try").first.click()
    expect(blank.locator(".wc-scored-answer")).to_contain_text("example.csv", timeout=30_000)
    blank.get_by_role("link", name="Log out").click()
    blank.get_by_role("button", name="Log out").click()
    expect(blank.get_by_label("Password")).to_be_visible()
