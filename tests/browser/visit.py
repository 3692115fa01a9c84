"""What the browser's tests share: the way to the page."""

from playwright.sync_api import Locator, Page, expect

PHONE = {"width": 390, "height": 844}


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=30_000)


def field(page: Page, column: str) -> Locator:
    return page.locator(f".wc-input-{column} input")
