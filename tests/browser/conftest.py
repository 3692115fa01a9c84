"""A real server and a real browser. Everything started here is stopped by its process group."""

import os
import shutil
from collections.abc import Iterator

import pytest
from door import NAME
from playwright.sync_api import Browser, Page, sync_playwright
from servers import running
from visit import open_page

from wholesale.app.server import HOST
from wholesale.manifest import ROOT

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
ARGUMENTS += [f"--host-resolver-rules=MAP {NAME} {HOST}"]


@pytest.fixture(scope="session")
def voila_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as plain Voila serves it, from the repository's root."""
    command, log = ("voila", "notebooks/05_predictor.ipynb", "--no-browser"), tmp_path_factory.mktemp("voila")
    with running(*command, folder=ROOT, log=log / "log") as server:
        yield server.address


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
        self.kernel_killed = False
        page.on("console", self._must_not_complain)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("requestfailed", self._must_not_fail)
        page.on("request", self._must_be_ours)
        page.on("response", self._must_be_granted)
        page.on("websocket", self._must_be_ours)

    def _must_not_complain(self, message: object) -> None:
        # What is typed to a dead kernel cannot be sent, says ipywidgets; the page says more.
        expected = self.kernel_killed and message.text.startswith("Could not send widget sync message")
        if message.type == "error" and not expected:
            self.faults.append(message.text)

    def _must_be_granted(self, answer: object) -> None:
        if answer.status >= 400:
            self.faults.append(f"refused: {answer.url}")

    def _must_not_fail(self, request: object) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that is left does not wait for its answers
            self.faults.append(f"failed: {request.url}")

    def _must_be_ours(self, request: object) -> None:
        if getattr(request, "is_navigation_request", bool)():  # a new fragment is none
            self.navigations.append(request.url)
        if f"//{HOST}:" not in request.url and not request.url.startswith("data:"):
            self.faults.append(f"foreign: {request.url}")


@pytest.fixture(params=[{"width": 1440, "height": 900}], ids=["1440"])
def blank(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page before it is opened; what its witness saw must be nothing in the end."""
    with browser.new_context(viewport=request.param) as context:
        page = context.new_page()
        page.witness = Witness(page)
        yield page
        assert page.witness.faults == []


@pytest.fixture
def page(blank: Page, address: str) -> Page:
    """The page, opened and answering."""
    open_page(blank, address)
    return blank
