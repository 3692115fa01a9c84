"""The three pages: their servers on free ports, watched until they rest, and one Chromium that opens them."""

import base64
import contextlib
import json
import shutil
import socket
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, TimeoutError, sync_playwright

from wholesale.columns import SPEND_COLUMNS

HOST = "127.0.0.1"
HERE = Path(__file__).parent
PATIENCE = 60  # seconds a server may take to start, or to come to rest
RESTING = 1.5  # seconds without work; Voila waits 0.5 s before it starts the next kernel of its pool
WITHOUT = ("gpu", "quic", "background-networking", "component-update", "sync")
PROBE = (HERE / "probe.js").read_text(encoding="utf-8")
SLOW = 120_000  # ms a page may take to open


class Site(NamedTuple):
    """How a server is started, and where (CSS selectors) its page has what is measured; where it runs."""

    command: str
    field: str
    value: str
    results: str
    url: str = ""
    pid: int = 0


STREAMLIT = (
    "-m streamlit run {rivals}/streamlit_page.py --server.port={port} --server.address=127.0.0.1"
    " --server.headless=true --server.fileWatcherType=none --browser.gatherUsageStats=false"
    " --client.toolbarMode=minimal"
)
SITES = {
    "ours": Site("-m wholesale serve --port {port}", ".wc-input-{} input", ".wc-kmeans .wc-value", ".wc-app"),
    "Streamlit": Site(STREAMLIT, ".st-key-{} input", ".st-key-kmeans p", ".st-key-results"),
    "Flask": Site("{rivals}/flask_page.py {port}", "#{}", "#kmeans", "body"),
}


@contextlib.contextmanager
def running(site: Site) -> Iterator[Site]:
    """Run a server until it is done with, and give it at rest."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    words = [word.format(port=port, rivals=HERE / "rivals") for word in site.command.split()]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        server = psutil.Popen(
            [sys.executable, *words], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.monotonic() + PATIENCE
            while not _answers(port):
                if time.monotonic() > until or server.poll() is not None:
                    raise RuntimeError(f"no answer from {words}")
                time.sleep(0.1)
            rest(server.pid)
            yield site._replace(url=f"http://{HOST}:{port}/", pid=server.pid)
        finally:
            processes = [server]
            if server.is_running():
                processes += server.children(recursive=True)
                server.terminate()
            for process in psutil.wait_procs(processes, timeout=10)[1]:
                process.kill()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def rest(pid: int) -> None:
    """Wait until a server and its kernels have stopped working, a preheated pool refilled among it."""

    def work() -> list[float]:  # seconds of each process
        return _of_each(pid, lambda process: sum(process.cpu_times()[:2]))

    until, now = time.monotonic() + PATIENCE, work()
    while time.monotonic() < until:
        before = now
        time.sleep(RESTING)
        now = work()
        if len(now) == len(before) and sum(now) - sum(before) < 0.1:
            return


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
    """Run the system's Chromium as the browser tests do."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("No Chromium is installed")
    options = ["--headless=new", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in WITHOUT)]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=options)


def start_opening(context: BrowserContext, site: Site, errors: list[str]) -> tuple[Page, "Wire"]:
    """Open a page that counts its bytes and collects its errors; do not wait for it."""
    page = context.new_page()
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    selectors = site._asdict() | {"input": site.field.format(SPEND_COLUMNS[0])}
    page.add_init_script(f"({PROBE})({json.dumps(selectors)})")
    wire = Wire(context.new_cdp_session(page))
    page.goto(site.url, wait_until="commit", timeout=SLOW)
    return page, wire


def wait_until_usable(page: Page) -> None:
    """Wait until the first answer is painted."""
    until = time.monotonic() + SLOW / 1000
    while not page.evaluate("window.probe?.usable"):  # Playwright's own wait evaluates text in the page
        if time.monotonic() > until:
            raise TimeoutError("The page did not become usable")
        page.wait_for_timeout(100)


def open_page(context: BrowserContext, site: Site) -> tuple[Page, "Wire"]:
    page, wire = start_opening(context, site, [])
    wait_until_usable(page)
    return page, wire


def leave(page: Page) -> None:
    """Close a tab as a person does: the page may say goodbye. Playwright's plain close ends it unheard."""
    with page.expect_event("close"):
        page.close(run_before_unload=True)


class Wire:
    """Counts a page's bytes as they crossed the wire: responses, and WebSocket messages either way."""

    def __init__(self, session: CDPSession) -> None:
        self.bytes = 0
        self.packers: dict[tuple[str, str], zlib._Compress] = {}
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketHandshakeResponseReceived", self._agreed)
        for way in ("Received", "Sent"):
            session.on(f"Network.webSocketFrame{way}", partial(self._frame, way))
        session.send("Network.enable")

    def _finished(self, event: dict) -> None:
        self.bytes += event["encodedDataLength"]

    def _agreed(self, event: dict) -> None:
        if "permessage-deflate" in str(event["response"]["headers"]):
            for way in ("Received", "Sent"):
                self.packers[event["requestId"], way] = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def _frame(self, way: str, event: dict) -> None:
        payload, opcode = event["response"]["payloadData"], event["response"]["opcode"]
        message = base64.b64decode(payload) if opcode == 2 else payload.encode()
        if packer := self.packers.get((event["requestId"], way)):  # Chromium shows messages unpacked
            message = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.bytes += len(message)
