"""The page behind nginx when one of its two servers is killed."""

import signal
from collections.abc import Iterator

import pytest
from door import PASSWORD
from playwright.sync_api import Browser, Page, expect
from proxied import Proxied, pages_open, proxied
from visit import enter, field

from wholesale.wording import format_amount


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("nginx")) as site:
        yield site


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(ignore_https_errors=True) as context:
        yield context.new_page()


def test_visitors_of_a_killed_server_are_told_and_go_on_at_the_other(page, site):
    page.goto(site.address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=30_000)
    enter(page, "Milk", "777")
    expect(page.locator(".wc-whys")).to_contain_text("777", timeout=10_000)
    its, other = sorted(site.servers, key=pages_open, reverse=True)
    assert (pages_open(its), pages_open(other)) == (1, 0)
    its.process.send_signal(signal.SIGKILL)
    notice = page.locator("#wc-notice")
    expect(notice).to_contain_text("answers no longer follow", timeout=30_000)
    enter(page, "Fresh", "4321")
    notice.get_by_role("button", name="Reload").click()
    expect(page.locator(".wc-whys")).to_contain_text("777", timeout=30_000)
    expect(field(page, "Milk")).to_have_value("777")
    expect(field(page, "Fresh")).to_have_value(format_amount(4321))
    expect(notice).to_be_hidden()
    enter(page, "Milk", "888")
    expect(page.locator(".wc-whys")).to_contain_text("888", timeout=10_000)
    assert pages_open(other) == 1
