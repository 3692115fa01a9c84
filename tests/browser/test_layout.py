"""Every width and mode: nothing leaves its card, light and dark, on paper."""

import re

from playwright.sync_api import Page, expect
from visit import open_page

WIDTHS = (320, 390, 640, 768, 861, 960, 1024, 1060, 1440, 1920, 2560)
TABS = ("one", "many", "segments", "about")
LEAVING = """() => {
  const out = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["the page"] : [];
  for (const card of document.querySelectorAll(".wc-card")) {
    const box = card.getBoundingClientRect();
    const inside = card.querySelectorAll("*:not(.wc-scroll *):not(svg *):not(option):not(.wc-unseen)");
    for (const element of inside) {
      const { left, right, bottom, width, height } = element.getBoundingClientRect();
      if (!box.width || !width || !height) continue;
      if (left < box.left - 1 || right > box.right + 1 || bottom > box.bottom + 1) {
        out.push(`${element.tagName} ${element.className} of ${card.className}`);
      }
    }
  }
  for (const field of document.querySelectorAll(".wc-field .widget-text")) {
    const label = field.querySelector("label").getBoundingClientRect();
    const input = field.querySelector("input").getBoundingClientRect();
    if (label.right > input.left + 1 && label.bottom > input.top + 1) out.push(field.textContent);
  }
  return out;
}"""


def test_nothing_leaves_its_card_at_any_width(page: Page):
    page.locator(".wc-pin").click()
    page.locator("#wc-tab-many").click()
    page.locator(".wc-try").click()
    expect(page.locator(".wc-customers tbody tr").first).to_be_visible(timeout=15_000)
    for name in TABS:
        page.locator(f"#wc-tab-{name}").click()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(LEAVING) == [], (name, width)
    page.locator("#wc-tab-one").click()
    page.evaluate("document.querySelector('.wc-kmeans > div').style.width = '3000px'")
    assert page.evaluate(LEAVING) != [], "the check sees what leaves"


def test_why_and_what_would_change_it_are_on_the_first_screen(page: Page):
    for heading in (re.compile("^Why "), "What would change it"):
        box = page.get_by_role("heading", name=heading).bounding_box()
        assert box["y"] + box["height"] < 900 - 100


def background(page: Page) -> int:
    """How light the page is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(map(int, re.findall(r"\d+", colour)))


def test_the_page_is_light_or_dark_as_preferred_until_the_switch_is_pressed_and_then_so_for_good(
    page: Page, address
):
    page.emulate_media(color_scheme="dark")
    assert background(page) < 60
    page.emulate_media(color_scheme="light")
    assert background(page) > 200
    expect(page.locator(".wc-theme")).to_have_text("Dark theme")
    page.locator(".wc-theme").click()
    assert background(page) < 60
    open_page(page, address)
    assert background(page) < 60
    page.locator(".wc-theme").click()
    assert background(page) > 200


def test_an_answer_is_printed_on_two_pages_with_name_and_date_and_without_buttons(page: Page):
    def pages() -> int:
        return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))

    assert pages() == 2
    page.locator(".wc-pin").click()
    page.locator(".wc-picker input").fill("142")
    page.keyboard.press("Enter")
    expect(page.locator(".wc-besides")).to_contain_text("Customer 142")
    page.locator("#wc-called").fill("Café Rossi")
    page.emulate_media(media="print")
    assert pages() == 2
    expect(page.locator(".wc-names")).to_contain_text("A name says")
    printed = page.evaluate("getComputedStyle(document.querySelector('.wc-header'), '::after').content")
    assert printed.startswith('"Customer 142 on record, Café Rossi, ')
    assert printed.endswith(', beside Customer 1, pinned"')
    for hidden in (".wc-predict", ".wc-copy", ".wc-print", ".wc-tabs", ".wc-theme"):
        expect(page.locator(hidden)).to_be_hidden()
