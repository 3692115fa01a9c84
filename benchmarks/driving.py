"""One Chromium, three pages: opening them, changing an amount, being many visitors."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, sync_playwright

from benchmarks.servers import Site, rest
from benchmarks.wire import Wire
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import Predictor, predict_segment

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
SLOW = 120_000  # ms a page may take to open
AFTERWARDS = 2_000  # ms in which a page may fetch more once it is usable

Step = tuple[str, str, str]  # a column, its new amount, the K-Means name that it leads to


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium as the browser tests do."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("No Chromium is installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


def open_page(context: BrowserContext, site: Site) -> tuple[Page, Wire]:
    """Open a page and wait until its first answer is painted."""
    page = context.new_page()
    _prepare(page, site)
    wire = Wire(context.new_cdp_session(page))
    page.goto(site.url, wait_until="commit", timeout=SLOW)
    page.wait_for_function("window.probe?.usable", polling=100, timeout=SLOW)
    return page, wire


def measure_opening(context: BrowserContext, site: Site) -> dict[str, float]:
    """Open a page once and close it: milliseconds until painted and usable, bytes, requests."""
    rest(site.pid)
    page, wire = open_page(context, site)
    page.wait_for_timeout(AFTERWARDS)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    opening = {
        "first_paint_ms": page.evaluate(paint),
        "usable_ms": page.evaluate("probe.usable"),
        "http_bytes": wire.http,
        "message_bytes": wire.messages,
        "requests": wire.requests,
    }
    leave(page)
    return opening


def leave(page: Page) -> None:
    """Close a tab as a person does: the page may say goodbye. Playwright's plain close ends it unheard."""
    with page.expect_event("close"):
        page.close(run_before_unload=True)


def flips(predictor: Predictor, n: int, seed: int = 0) -> list[Step]:
    """Choose `n` changes of one amount, each to some customer's, that each change the K-Means segment.

    The first changes the first customer on record.
    """
    draw = np.random.default_rng(seed)
    spend = predictor.amounts[0].astype(float)
    name = predict_segment(predictor, spend.tolist()).kmeans.name
    steps: list[Step] = []
    while len(steps) < n:
        column, customer = draw.integers(len(SPEND_COLUMNS)), draw.integers(len(predictor.amounts))
        changed = spend.copy()
        changed[column] = predictor.amounts[customer, column]
        if (now := predict_segment(predictor, changed.tolist()).kmeans.name) != name:
            spend, name = changed, now
            steps.append((SPEND_COLUMNS[column], f"{changed[column]:.0f}", name))
    return steps


def first_customer(predictor: Predictor) -> dict[str, str]:
    """Write the amounts of the first customer on record, from which `flips` start."""
    return {
        column: f"{amount:.0f}"
        for column, amount in zip(SPEND_COLUMNS, predictor.amounts[0].tolist(), strict=True)
    }


def start_over(page: Page, site: Site, start: dict[str, str]) -> None:
    """Fill in six amounts, whatever the page began with."""
    for column, amount in start.items():
        page.locator(site.field.format(column)).fill(amount)
        page.locator(site.field.format(column)).press("Tab")
        page.wait_for_timeout(300)


def measure_change(page: Page, site: Site, step: Step, key: str) -> tuple[float, float] | None:
    """Commit one amount with a key; milliseconds until the K-Means name, and until the last change."""
    column, amount, name = step
    field = page.locator(site.field.format(column))
    field.fill(amount)
    page.evaluate("name => { probe.expect(name) }", name)
    field.press(key)
    return page.evaluate("probe.answer()")


def crowd(
    browser: Browser, site: Site, start: dict[str, str], steps: list[Step], visitors: int
) -> dict[str, object]:
    """Let many visitors open the page at once, then predict at once; count what went wrong."""
    errors: list[str] = []
    visit = {"start": start, "steps": steps}
    started = time.perf_counter()
    pages = [_visitor(browser, site, errors) for _ in range(visitors)]
    open_pages = [page for page in pages if _opened(page, errors)]
    opened = time.perf_counter()
    for page in open_pages:
        page.evaluate("visit => { window.visited = probe.visit(visit) }", visit)
    lost = sum(page.evaluate("window.visited") for page in open_pages)
    answered = time.perf_counter()
    for page in pages:
        leave(page)
    return {
        "visitors": visitors,
        "not_opened": visitors - len(open_pages),
        "predictions": visitors * len(steps),
        "lost": lost + (visitors - len(open_pages)) * len(steps),
        "errors": len(errors),
        "opening_s": opened - started,
        "predicting_s": answered - opened,
        "messages": sorted(set(errors))[:5],
    }


def _visitor(browser: Browser, site: Site, errors: list[str]) -> Page:
    page = browser.new_context().new_page()
    _prepare(page, site)
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site.url, wait_until="commit", timeout=SLOW)
    return page


def _opened(page: Page, errors: list[str]) -> bool:
    try:
        page.wait_for_function("window.probe?.usable", polling=100, timeout=SLOW)
    except TimeoutError as error:
        errors.append(str(error))
        return False
    return True


def _prepare(page: Page, site: Site) -> None:
    selectors = {**asdict(site), "input": site.field.format(SPEND_COLUMNS[0])}
    page.add_init_script(f"({PROBE})({json.dumps(selectors)})")
