"""The page against the same page in Streamlit and a bare one in Flask: ``python -m benchmarks.page``."""

import contextlib
import time
from collections import defaultdict
from random import sample
from statistics import median
from subprocess import DEVNULL
from typing import Annotated

import numpy as np
import psutil
import typer
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import Browser, Error, TimeoutError

from benchmarks import sites as on
from benchmarks.results import Figures, conditions, side_by_side, write
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import Predictor, load_predictor, predict_segment

BLOCK = 20  # changes made on one page before it is the next one's turn
AFTERWARDS = 2_000  # ms in which a page may fetch more once it is usable
FORGOTTEN = 180  # seconds after which a kernel counts as never stopped
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
STOCK = """
import ipywidgets, pandas, sklearn.cluster, sklearn.mixture
from wholesale.bundle import load_bundle
bundle = load_bundle()
"""
FURTHER = "memory: each further page (MB)"
Sites = dict[str, on.Site]
Step = tuple[str, str, str]  # a column, its new amount, the K-Means name that it leads to


def main(
    opens: Annotated[int, typer.Option(min=1, help="Openings of each page, cold and warm.")] = 10,
    changes: Annotated[int, typer.Option(min=2, help="Changes of an amount on each page.")] = 200,
    pages: Annotated[int, typer.Option(min=2, help="Pages open at once, for memory.")] = 10,
    visitors: Annotated[int, typer.Option(min=1, help="Visitors at once, on our page only.")] = 25,
) -> None:
    """Measure all three pages in turn, in one browser; about twenty minutes."""
    predictor = load_predictor()
    with contextlib.ExitStack() as stack:
        sites = {name: stack.enter_context(on.running(site)) for name, site in on.SITES.items()}
        browser, ours = stack.enter_context(on.chromium()), sites["ours"]
        where = conditions("voila", "streamlit", "flask", "waitress", Chromium=browser.version)
        figures = measure_openings(browser, sites, opens)
        for name, changed in measure_changes(browser, sites, flips(predictor, changes)).items():
            figures[name] |= changed | {FURTHER: measure_memory(browser, sites[name], pages)}
        for how in ("closed", "crashed"):
            figures["ours"][f"tab {how}: kernel gone (s)"] = measure_goodbye(browser, ours, how)
        figures["ours"] |= measure_crowd(browser, ours, flips(predictor, 20, seed=1), visitors)
        figures["stock kernel"] = {FURTHER: measure_stock(pages)}
    counts = f"Openings: {opens}, changes: {changes}, visitors in the crowd: {visitors}.\n"
    write("Page: beside Streamlit and Flask", where, figures, counts, side_by_side(figures))


def measure_openings(browser: Browser, sites: Sites, rounds: int) -> Figures:
    """Open each page in a new browser context and once more in the same; the pages take random turns."""
    taken: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in sites}
    for _ in range(rounds):
        for name in sample([*sites], len(sites)):
            with browser.new_context() as context:
                for state in ("first open", "later open"):
                    on.rest(sites[name].pid)
                    page, wire = on.open_page(context, sites[name])
                    page.wait_for_timeout(AFTERWARDS)
                    taken[name][f"{state}: first paint (ms)"].append(page.evaluate(FIRST_PAINT))
                    taken[name][f"{state}: usable (ms)"].append(page.evaluate("probe.usable"))
                    taken[name][f"{state}: over the wire (MB)"].append(wire.bytes / 1e6)
                    on.leave(page)
    return {name: {what: median(values) for what, values in each.items()} for name, each in taken.items()}


def measure_changes(browser: Browser, sites: Sites, steps: list[Step]) -> Figures:
    """Make the same changes on each page, in blocks, by Enter and Tab; the pages take random turns."""
    pages = {name: on.open_page(browser.new_context(), site)[0] for name, site in sites.items()}
    times: dict[str, list[float | None]] = {name: [] for name in sites}
    for begin in range(0, len(steps), BLOCK):
        for name in sample([*sites], len(sites)):
            pages[name].bring_to_front()
            for i, (column, amount, expected) in enumerate(steps[begin : begin + BLOCK]):
                field = pages[name].locator(sites[name].field.format(column))
                field.fill(amount)
                pages[name].evaluate("name => { probe.expect(name) }", expected)
                field.press(("Enter", "Tab")[i % 2])
                times[name].append(pages[name].evaluate("probe.answer()"))
    figures: Figures = {}
    for name, page in pages.items():
        on.leave(page)
        answered = [each for each in times[name] if each is not None] or [np.nan]
        figures[name] = {
            f"change: segment painted, p{share} (ms)": float(np.percentile(answered, share))
            for share in (50, 95)
        } | {"change: answers lost": times[name].count(None)}
    return figures


def flips(predictor: Predictor, n: int, seed: int = 0) -> list[Step]:
    """Choose `n` changes of one amount that all change the segment; every page starts with customer 1."""
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


def measure_memory(browser: Browser, site: on.Site, most: int) -> float:
    """Weigh a server with one page open and with `most`; give what each further one weighs, in MB."""
    used = []
    with browser.new_context() as context:
        for _ in range(most):
            on.open_page(context, site)
            on.rest(site.pid)
            used.append(on.memory(site.pid))
        for page in context.pages:
            on.leave(page)
    return (used[-1] - used[0]) / (most - 1)


def measure_stock(most: int) -> float:
    """Weigh a further kernel with pandas, scikit-learn, ipywidgets and our pickled models, in MB."""
    with contextlib.ExitStack() as stack:
        pids, used = [], []
        for _ in range(most):
            manager, client = start_new_kernel(kernel_name="python3", stderr=DEVNULL)
            stack.callback(manager.shutdown_kernel, now=True)
            stack.callback(client.stop_channels)
            reply = client.execute_interactive(STOCK, timeout=120)
            assert reply["content"]["status"] == "ok"
            pids.append(manager.provisioner.pid)  # type: ignore[union-attr]
            used.append(sum(map(on.memory, pids)))
        return (used[-1] - used[0]) / (most - 1)


def measure_goodbye(browser: Browser, site: on.Site, how: str) -> float:
    """Close a page, or crash its tab, and wait for its kernel's process to end; seconds."""
    with browser.new_context() as context:
        page, _ = on.open_page(context, site)
        name = page.evaluate(KERNEL)
        kernels = psutil.Process(site.pid).children(recursive=True)
        (kernel,) = (one for one in kernels if any(name in word for word in one.cmdline()))
        on.rest(site.pid)
        if how == "closed":
            on.leave(page)
        else:
            with contextlib.suppress(Error):  # the tab is gone before it could answer
                page.goto("chrome://crash", timeout=2_000)
        started = time.monotonic()
        psutil.wait_procs([kernel], timeout=FORGOTTEN)
        return time.monotonic() - started


def measure_crowd(browser: Browser, site: on.Site, steps: list[Step], visitors: int) -> dict[str, float]:
    """Let many visitors open the page at once, then predict at once; count what went wrong."""
    errors: list[str] = []
    pages = [on.start_opening(browser.new_context(), site, errors)[0] for _ in range(visitors)]
    opened = []
    for page in pages:
        try:
            on.wait_until_usable(page)
            opened.append(page)
        except TimeoutError as error:
            errors.append(str(error))
    for page in opened:
        page.evaluate("steps => { window.visited = probe.visit(steps) }", steps)
    lost = sum(page.evaluate("window.visited") for page in opened)
    for page in pages:
        on.leave(page)
    for message in sorted(set(errors))[:5]:
        typer.echo(message, err=True)
    lost += (visitors - len(opened)) * len(steps)
    return {"crowd: answers lost": lost, "crowd: errors": len(errors)}


if __name__ == "__main__":
    typer.run(main)
