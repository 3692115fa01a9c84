"""An answer is never shown as current when it is not: a kernel that is killed, stopped, restarted or slow."""

import contextlib
import signal
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Page, expect
from visit import enter, field, kernel_id

from wholesale.app import tabs
from wholesale.wording import format_amount

NOTICE = "#wc-notice"
LATE = "No answer yet"


def kernel_of(page: Page) -> psutil.Process:
    """Find the process of this page's own kernel."""
    name = f"kernel-{kernel_id(page)}.json"
    processes = psutil.process_iter(["cmdline"])
    return next(each for each in processes if any(name in part for part in each.info["cmdline"] or ()))


@contextlib.contextmanager
def stopped(page: Page) -> Iterator[None]:
    process = kernel_of(page)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def press_slowly(page: Page) -> None:
    """Hold a button as long as a person does: an answer may come meanwhile, and move or redraw it."""
    page.mouse.down()
    page.wait_for_timeout(300)
    page.mouse.up()


def test_a_killed_kernel_is_noticed_and_a_reload_keeps_what_was_typed(page):
    kernel_of(page).send_signal(signal.SIGKILL)
    page.witness.kernel_killed = True
    enter(page, "Milk", "123")
    expect(page.get_by_text(tabs.EARLIER)).to_be_visible(timeout=500)
    expect(page.locator(NOTICE)).to_contain_text("stopped; answers no longer follow", timeout=15_000)
    page.wait_for_timeout(3000)  # the kernel that Jupyter starts in its place knows nothing of this page
    expect(page.locator(NOTICE)).to_be_visible()
    expect(page.get_by_text(tabs.EARLIER)).to_be_visible()
    page.locator(NOTICE).get_by_role("button", name="Reload").click()
    expect(page.locator(".wc-whys")).to_contain_text("123", timeout=30_000)
    expect(field(page, "Milk")).to_have_value("123")
    expect(page.get_by_text(tabs.EARLIER)).to_be_hidden()
    expect(page.locator(NOTICE)).to_be_hidden()


def test_a_kernel_that_dies_unused_is_noticed(page):
    kernel_of(page).send_signal(signal.SIGKILL)
    expect(page.locator(NOTICE).get_by_role("button", name="Reload")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("silently", [False, True])
def test_a_kernel_that_was_shut_down_is_noticed(page, address, silently):
    if silently:  # it is killed, after five seconds, before it can say that it ends
        kernel_of(page).send_signal(signal.SIGSTOP)
    token = page.evaluate("document.cookie.match(/_xsrf=([^;]*)/)[1]")
    url = f"{address}voila/api/shutdown/{kernel_id(page)}"
    assert page.request.post(url, headers={"X-XSRFToken": token}).ok
    expect(page.locator(NOTICE)).to_contain_text("answers no longer follow", timeout=20_000)
    page.witness.faults.clear()  # the browser's own words on a socket that closed


@pytest.mark.parametrize("ask", ["type", "open", "predict"])
def test_a_kernel_that_stalls_is_noticed_after_three_seconds_until_it_answers(page, ask):
    with stopped(page):
        if ask == "type":
            enter(page, "Fresh", "77", "Enter")
        elif ask == "open":
            page.locator(".wc-picker input").fill("7")
            page.locator(".wc-picker input").press("Enter")
        else:
            page.locator(f".wc-{ask}").click()
        expect(page.get_by_text(tabs.EARLIER)).to_be_visible(timeout=500)
        page.wait_for_timeout(1500)
        expect(page.locator(NOTICE)).to_be_hidden()
        expect(page.locator(NOTICE)).to_contain_text(LATE, timeout=2500)
        expect(page.locator(NOTICE).get_by_role("button", name="Reload")).to_be_visible()
    expect(page.locator(NOTICE)).to_be_hidden(timeout=10_000)
    expect(page.get_by_text(tabs.EARLIER)).to_be_hidden()


def test_a_fault_that_nobody_heard_is_not_taken_for_a_reply(page):
    enter(page, "Milk", "abc")
    expect(page.locator(".wc-error").filter(has_text="abc")).to_be_visible()
    with stopped(page):
        enter(page, "Fresh", "5")
        expect(page.locator(NOTICE)).to_contain_text(LATE, timeout=5000)


def test_what_is_being_typed_survives_a_late_reply(page):
    with stopped(page):
        enter(page, "Fresh", "12,3", "Enter")
        field(page, "Fresh").press("End")
        field(page, "Fresh").press("4")
        expect(page.get_by_text(tabs.EARLIER)).to_be_visible()
    heard = ".wc-results [data-heard*='{}']"  # what was typed is tried soon after
    expect(page.locator(f"{heard.format('12.3')}, {heard.format('12,34')}")).to_have_count(1)
    expect(field(page, "Fresh")).to_have_value("12,34")
    field(page, "Fresh").press("Tab")
    expect(field(page, "Fresh")).to_have_value(format_amount(12.34))
    expect(page.get_by_text(tabs.EARLIER)).to_be_hidden()


def test_a_click_that_takes_its_time_is_not_lost(page):
    field(page, "Fresh").fill("-5")
    box = page.locator(".wc-reset").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 4)
    press_slowly(page)
    expect(field(page, "Fresh")).to_have_value("")
    expect(page.locator(".wc-stale")).to_contain_text(tabs.BLANK)


def test_copying_works_at_once_after_typing(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    field(page, "Fresh").fill("4321")
    page.locator(".wc-copy").hover()
    press_slowly(page)
    expect(field(page, "Fresh")).to_have_value(format_amount(4321))
    assert "Customer: Fresh" in page.evaluate("navigator.clipboard.readText()")


FRAMES = """() => {
    window.frames = [];
    const look = () => {
        const [verdict, rest] = document.querySelectorAll(".wc-results .wc-answer");
        const marked = rest.matches(".wc-behind") || document.querySelector(".wc-results.wc-waits") !== null;
        window.frames.push([verdict.dataset.amounts, rest.dataset.amounts, marked]);
        requestAnimationFrame(look);
    };
    look();
}"""
ALONE = """() => {
    const holder = document.querySelector(".wc-results .wc-answer").parentElement;
    holder.innerHTML = holder.innerHTML.replace(/data-amounts="[^"]*"/, 'data-amounts="1 2 3 4 5 6"');
}"""


def test_no_frame_shows_a_verdict_beside_unmarked_cards_of_other_amounts(page):
    page.evaluate(FRAMES)
    for amount in range(1000, 1020):
        enter(page, "Milk", str(amount), "Enter")
        expect(page.locator(".wc-whys")).to_contain_text(format_amount(amount))
        page.evaluate("() => new Promise(requestAnimationFrame)")
    frames = page.evaluate("window.frames")
    assert len({verdict for verdict, _, _ in frames}) == 21
    assert all(marked for verdict, rest, marked in frames if verdict != rest)


def test_cards_are_marked_as_long_as_they_are_of_other_amounts_than_the_verdict(page):
    rest = page.locator(".wc-results .wc-answer").nth(1)
    expect(rest).not_to_have_class("wc-answer wc-behind")
    page.evaluate(ALONE)
    expect(rest).to_have_class("wc-answer wc-behind")
    assert rest.evaluate("element => getComputedStyle(element).opacity") == "0.8"
    enter(page, "Milk", "5")
    expect(rest).to_have_class("wc-answer")
