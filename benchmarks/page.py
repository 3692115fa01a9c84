"""The page against the same page in Streamlit and a bare one in Flask: ``python -m benchmarks.page``."""

import base64
import contextlib
import json
import shutil
import socket
import sys
import tempfile
import time
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from random import sample
from statistics import median
from subprocess import DEVNULL
from typing import Annotated, NamedTuple

import numpy as np
import psutil
import typer
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from benchmarks.results import HERE, Figures, conditions, table, write
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
HOST, RIVALS = "127.0.0.1", HERE / "rivals"
PATIENCE = 60  # seconds a server may take to start, or to come to rest
RESTING = 1.5  # seconds without work; Voila waits 0.5 s before it starts the next kernel of its pool
WITHOUT = ("gpu", "quic", "background-networking", "component-update", "sync")
PROBE = (HERE / "probe.js").read_text(encoding="utf-8")
SLOW = 120_000  # ms a page may take to open


class Site(NamedTuple):
    """What ``sites.toml`` says of a page, and where it runs."""

    command: str
    field: str
    value: str
    results: str
    url: str = ""
    pid: int = 0


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
        told = tomllib.loads((HERE / "sites.toml").read_text(encoding="utf-8"))
        sites = {name: stack.enter_context(running(Site(**its))) for name, its in told.items()}
        browser, ours = stack.enter_context(chromium()), sites["ours"]
        where = conditions("voila", "streamlit", "flask", "waitress", Chromium=browser.version)
        figures = measure_openings(browser, sites, opens)
        for name, changed in measure_changes(browser, sites, flips(predictor, changes)).items():
            figures[name] |= changed | {FURTHER: measure_memory(browser, sites[name], pages)}
        for how in ("closed", "crashed"):
            figures["ours"][f"tab {how}: kernel gone (s)"] = measure_goodbye(browser, ours, how)
        figures["ours"] |= measure_crowd(browser, ours, flips(predictor, 20, seed=1), visitors)
        figures["stock kernel"] = {FURTHER: measure_stock(pages)}
    counts = f"Openings: {opens}, changes: {changes}, visitors in the crowd: {visitors}.\n"
    rows = [[what, *(theirs.get(what) for theirs in figures.values())] for what in figures["ours"]]
    write("Page: beside Streamlit and Flask", where, figures, counts, table(["", *figures], rows))


def measure_openings(browser: Browser, sites: dict[str, Site], rounds: int) -> Figures:
    """Open each page in a new browser context and once more in the same; the pages take random turns."""
    taken: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in sites}
    for _ in range(rounds):
        for name in sample([*sites], len(sites)):
            with browser.new_context() as context:
                for state in ("first open", "later open"):
                    rest(sites[name].pid)
                    page, wire = open_page(context, sites[name])
                    page.wait_for_timeout(AFTERWARDS)
                    taken[name][f"{state}: first paint (ms)"].append(page.evaluate(FIRST_PAINT))
                    taken[name][f"{state}: usable (ms)"].append(page.evaluate("probe.usable"))
                    taken[name][f"{state}: over the wire (MB)"].append(sum(wire) / 1e6)
                    leave(page)
    return {name: {what: median(values) for what, values in each.items()} for name, each in taken.items()}


def measure_changes(browser: Browser, sites: dict[str, Site], steps: list[Step]) -> Figures:
    """Make the same changes on each page, in blocks, by Enter and Tab; the pages take random turns."""
    pages = {name: open_page(browser.new_context(), site)[0] for name, site in sites.items()}
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
        leave(page)
        answered = [each for each in times[name] if each is not None] or [np.nan]
        p50, p95 = np.percentile(answered, (50, 95)).tolist()
        painted = {"change: segment painted, p50 (ms)": p50, "change: segment painted, p95 (ms)": p95}
        figures[name] = painted | {"change: answers lost": times[name].count(None)}
    return figures


def flips(predictor: Predictor, n: int, seed: int = 0) -> list[Step]:
    """Choose `n` changes of one amount that all change the segment; every page starts with customer 1."""
    draw, spend, steps = np.random.default_rng(seed), predictor.amounts[0].astype(float), list[Step]()
    name = predict_segment(predictor, spend.tolist()).kmeans.name
    while len(steps) < n:
        column, customer = draw.integers(len(SPEND_COLUMNS)), draw.integers(len(predictor.amounts))
        changed = np.where(np.arange(len(spend)) == column, predictor.amounts[customer], spend)
        if (now := predict_segment(predictor, changed.tolist()).kmeans.name) != name:
            spend, name = changed, now
            steps.append((SPEND_COLUMNS[column], f"{changed[column]:.0f}", name))
    return steps


def measure_memory(browser: Browser, site: Site, most: int) -> float:
    """Weigh a server with one page open and with `most`; give what each further one weighs, in MB."""
    with browser.new_context() as context:
        used = []
        for _ in range(most):
            open_page(context, site)
            rest(site.pid)
            used.append(memory(site.pid))
        for page in context.pages:
            leave(page)
    return (used[-1] - used[0]) / (most - 1)


def measure_stock(most: int) -> float:
    """Weigh a further kernel with pandas, scikit-learn, ipywidgets and our pickled models, in MB."""
    with contextlib.ExitStack() as stack:
        pids, used = [], []
        for _ in range(most):
            manager, client = start_new_kernel(kernel_name="python3", stderr=DEVNULL)
            stack.callback(manager.shutdown_kernel, now=True)
            stack.callback(client.stop_channels)
            assert client.execute_interactive(STOCK, timeout=120)["content"]["status"] == "ok"
            pids.append(manager.provisioner.pid)  # type: ignore[union-attr]
            used.append(sum(map(memory, pids)))
        return (used[-1] - used[0]) / (most - 1)


def measure_goodbye(browser: Browser, site: Site, how: str) -> float:
    """Close a page, or crash its tab, and wait for its kernel's process to end; seconds."""
    with browser.new_context() as context:
        page, _ = open_page(context, site)
        name = page.evaluate(KERNEL)
        kernels = psutil.Process(site.pid).children(recursive=True)
        (kernel,) = (one for one in kernels if any(name in word for word in one.cmdline()))
        rest(site.pid)
        if how == "closed":
            leave(page)
        else:
            with contextlib.suppress(Error):  # the tab is gone before it could answer
                page.goto("chrome://crash", timeout=2_000)
        started = time.monotonic()
        psutil.wait_procs([kernel], timeout=FORGOTTEN)
        return time.monotonic() - started


def measure_crowd(browser: Browser, site: Site, steps: list[Step], visitors: int) -> dict[str, float]:
    """Let many visitors open the page at once, then predict at once; count what went wrong."""
    errors: list[str] = []
    pages = [start_opening(browser.new_context(), site, errors)[0] for _ in range(visitors)]
    opened = [page for page in pages if becomes_usable(page)]
    errors += ["The page did not become usable"] * (visitors - len(opened))
    for page in opened:
        page.evaluate("steps => { window.visited = probe.visit(steps) }", steps)
    lost = sum(page.evaluate("window.visited") for page in opened) + (visitors - len(opened)) * len(steps)
    for page in pages:
        leave(page)
    typer.echo("\n".join(sorted(set(errors))[:5]), err=True)
    return {"crowd: answers lost": lost, "crowd: errors": len(errors)}


@contextlib.contextmanager
def running(site: Site) -> Iterator[Site]:
    """Run a server until it is done with, and give it at rest."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, *(word.format(port=port, rivals=RIVALS) for word in site.command.split())]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        server = psutil.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            until = time.monotonic() + PATIENCE
            while not any(its.laddr.port == port for its in server.net_connections()):
                if time.monotonic() > until or server.poll() is not None:
                    raise RuntimeError(f"no answer from {command}")
                time.sleep(0.1)
            rest(server.pid)
            yield site._replace(url=f"http://{HOST}:{port}/", pid=server.pid)
        finally:
            if server.is_running():
                processes = [server, *server.children(recursive=True)]
                server.terminate()
                for process in psutil.wait_procs(processes, timeout=10)[1]:
                    process.kill()


def rest(pid: int) -> None:
    """Wait until a server and its kernels have stopped working, a preheated pool refilled among it."""
    until, now = time.monotonic() + PATIENCE, list[float]()
    while time.monotonic() < until:
        before, now = now, _of_each(pid, lambda process: sum(process.cpu_times()[:2]))  # seconds of each
        if len(now) == len(before) and sum(now) - sum(before) < 0.1:
            return
        time.sleep(RESTING)


def memory(pid: int) -> float:
    """Sum the PSS of a process and its descendants, in MB: memory shared between them is counted once."""
    return sum(_of_each(pid, lambda process: process.memory_full_info().pss)) / 1e6


def _of_each(pid: int, measure: Callable[[psutil.Process], float]) -> list[float]:
    process, values = psutil.Process(pid), []
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            values.append(measure(one))
    return values


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("No Chromium is installed")
    options = ["--headless=new", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in WITHOUT)]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=options)


def start_opening(context: BrowserContext, site: Site, errors: list[str]) -> tuple[Page, list[int]]:
    """Open a page that collects its errors, and the bytes of what crosses its wire; do not wait for it."""
    page = context.new_page()
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    selectors = site._asdict() | {"input": site.field.format(SPEND_COLUMNS[0])}
    page.add_init_script(f"({PROBE})({json.dumps(selectors)})")
    wire = watch_wire(page)
    page.goto(site.url, wait_until="commit", timeout=SLOW)
    return page, wire


def becomes_usable(page: Page) -> bool:
    """Wait until the first answer is painted, or too long."""
    until = time.monotonic() + SLOW / 1000
    while not (usable := page.evaluate("window.probe?.usable")) and time.monotonic() < until:
        page.wait_for_timeout(100)  # Playwright's own wait evaluates text in the page
    return bool(usable)


def open_page(context: BrowserContext, site: Site) -> tuple[Page, list[int]]:
    page, wire = start_opening(context, site, [])
    assert becomes_usable(page), "The page did not become usable"
    return page, wire


def leave(page: Page) -> None:
    """Close a tab as a person does: the page may say goodbye. Playwright's plain close ends it unheard."""
    with page.expect_event("close"):
        page.close(run_before_unload=True)


def watch_wire(page: Page) -> list[int]:
    """Collect the bytes that cross a page's wire: of responses, and of WebSocket messages either way."""
    sizes, packers = list[int](), dict[tuple[str, str], "zlib._Compress"]()

    def agreed(event: dict) -> None:
        if "permessage-deflate" in str(event["response"]["headers"]):
            for way in ("Received", "Sent"):
                packers[event["requestId"], way] = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def frame(way: str, event: dict) -> None:
        payload, opcode = event["response"]["payloadData"], event["response"]["opcode"]
        message = base64.b64decode(payload) if opcode == 2 else payload.encode()
        if packer := packers.get((event["requestId"], way)):  # Chromium shows messages unpacked
            message = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        sizes.append(len(message))

    session = page.context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.on("Network.webSocketHandshakeResponseReceived", agreed)
    for way in ("Received", "Sent"):
        session.on(f"Network.webSocketFrame{way}", partial(frame, way))
    session.send("Network.enable")
    return sizes


if __name__ == "__main__":
    typer.run(main)
