"""The three pages: their servers on free ports, watched until they rest, and one Chromium that opens them."""

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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from wholesale.columns import SPEND_COLUMNS

HOST = "127.0.0.1"
RIVALS = Path(__file__).parent / "rivals"
PATIENCE = 60  # seconds a server may take to start, or to come to rest
RESTING = 1.5  # seconds without work; Voila waits 0.5 s before it starts the next kernel of its pool
WITHOUT = ("gpu", "quic", "background-networking", "component-update", "sync")
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
SLOW = 120_000  # ms a page may take to open


@dataclass(frozen=True)
class Site:
    """A server, as ``rivals/sites.toml`` has it, and where it is once it runs."""

    command: list[str]
    field: str
    value: str
    results: str
    url: str = ""
    pid: int = 0


SITES = {
    name: Site(**site) for name, site in tomllib.loads((RIVALS / "sites.toml").read_text("utf-8")).items()
}


@contextlib.contextmanager
def running(site: Site) -> Iterator[Site]:
    """Run a server until it is done with, and give it at rest."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *(word.format(port=port, rivals=RIVALS) for word in site.command)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        server = psutil.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        processes = [server]
        try:
            until = time.monotonic() + PATIENCE
            while not _answers(port):
                if time.monotonic() > until or server.poll() is not None:
                    raise RuntimeError(f"no answer from {command}")
                time.sleep(0.1)
            rest(server.pid)
            yield replace(site, url=f"http://{HOST}:{port}/", pid=server.pid)
        finally:
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
    until, before = time.monotonic() + PATIENCE, _work(pid)
    while time.monotonic() < until:
        time.sleep(RESTING)
        now = _work(pid)
        if len(now) == len(before) and sum(now) - sum(before) < 0.1:
            return
        before = now


def _work(pid: int) -> list[float]:
    """Give the seconds that each process has worked."""
    return _of_each(pid, lambda process: sum(process.cpu_times()[:2]))


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
    selectors = {**asdict(site), "input": site.field.format(SPEND_COLUMNS[0])}
    page.add_init_script(f"({PROBE})({json.dumps(selectors)})")
    wire = Wire(context.new_cdp_session(page))
    page.goto(site.url, wait_until="commit", timeout=SLOW)
    return page, wire


def wait_until_usable(page: Page) -> None:
    """Wait until the first answer is painted."""
    page.wait_for_function("window.probe?.usable", polling=100, timeout=SLOW)


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
        session.on("Network.webSocketFrameReceived", lambda event: self._frame("down", event))
        session.on("Network.webSocketFrameSent", lambda event: self._frame("up", event))
        session.send("Network.enable")

    def _finished(self, event: dict) -> None:
        self.bytes += event["encodedDataLength"]

    def _agreed(self, event: dict) -> None:
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        if "permessage-deflate" in headers.get("sec-websocket-extensions", ""):
            for way in ("down", "up"):
                self.packers[event["requestId"], way] = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def _frame(self, way: str, event: dict) -> None:
        payload, opcode = event["response"]["payloadData"], event["response"]["opcode"]
        message = base64.b64decode(payload) if opcode == 2 else payload.encode()
        if packer := self.packers.get((event["requestId"], way)):  # Chromium shows messages unpacked
            message = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.bytes += len(message)
