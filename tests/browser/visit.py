"""What the browser's tests share: the way to the page, and what is entered there."""

from playwright.sync_api import Locator, Page, expect

from wholesale.columns import SPEND_COLUMNS

SAME = """html => { const right = Object.assign(document.createElement("div"), {innerHTML: html});
  return [".wc-kmeans", ".wc-gmm", ".wc-ward", ".wc-whys"].every(
    part => right.querySelector(part).textContent === document.querySelector(part).textContent) }"""
"""Whether the page shows the answer that this HTML is."""
PHONE = {"width": 390, "height": 844}


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=30_000)


def kernel_id(page: Page) -> str:
    return page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")


def field(page: Page, column: str) -> Locator:
    return page.locator(f".wc-input-{column} input")


def enter(page: Page, column: str, text: str, key: str = "Tab") -> None:
    field(page, column).fill(text)
    field(page, column).press(key)


def predict(page: Page, texts: list[str]) -> None:
    """Enter every amount, and press the button."""
    for column, text in zip(SPEND_COLUMNS, texts, strict=True):
        field(page, column).fill(text)
    page.locator(".wc-predict").click()


def values(page: Page) -> list[str]:
    return [field(page, column).input_value() for column in SPEND_COLUMNS]


def fits(page: Page) -> bool:
    """Whether a phone's page does not scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
