"""A real server and a real browser. Everything started here is stopped by its process group."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from wholesale.app.server import HOST
from wholesale.manifest import ROOT

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
STARTING = 60  # seconds a server may take


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*command: str, port: int, cwd: Path, log: Path) -> Iterator[str]:
    """Run a server until it answers, give its address, and stop it with all its kernels."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=cwd, stdout=output, stderr=output, start_new_session=True
        )
    try:
        address = f"http://{HOST}:{port}/"
        _wait_for(address, server, log)
        yield address
    finally:
        _stop(server)


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}voila/static/voila.js", timeout=5),
        ):
            return
        time.sleep(0.2)
    pytest.fail(f"no answer from {address}: {log.read_text(errors='replace')}")


def _stop(server: subprocess.Popen) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as `make app` serves it, from a folder that is not the repository's."""
    folder, port = tmp_path_factory.mktemp("serve"), free_port()
    command = ("wholesale", "serve", "--port", str(port))
    with running(*command, port=port, cwd=folder, log=folder / "log") as url:
        yield url


@pytest.fixture(scope="session")
def voila_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as plain Voila serves it, from the repository's root."""
    folder, port = tmp_path_factory.mktemp("voila"), free_port()
    command = ("voila", "notebooks/05_predictor.ipynb", "--no-browser", "--port", str(port))
    with running(*command, port=port, cwd=ROOT, log=folder / "log") as url:
        yield url


@pytest.fixture(scope="module")  # while it lives, no other test could run an event loop
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium is installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)


class Witness:
    """What went wrong on a page: failed or foreign requests, console errors, navigations."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.navigations: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))
        page.on("request", self._must_be_ours)
        page.on(
            "response", lambda answer: answer.status >= 400 and self.faults.append(f"refused: {answer.url}")
        )
        page.on("framenavigated", lambda frame: self.navigations.append(frame.url))
        page.on("websocket", self._must_be_ours)

    def _must_be_ours(self, request: object) -> None:
        if f"//{HOST}:" not in request.url and not request.url.startswith("data:"):
            self.faults.append(f"foreign: {request.url}")


@pytest.fixture(params=[{"width": 1440, "height": 900}], ids=["1440"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh page; what its witness saw must be nothing in the end."""
    with browser.new_context(viewport=request.param) as context:
        page = context.new_page()
        page.witness = Witness(page)
        yield page
        assert page.witness.faults == []
