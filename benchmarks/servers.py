"""The three servers: started on free ports, watched until they rest, stopped with all their kernels."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
RIVALS = Path(__file__).parent / "rivals"
STREAMLIT = (
    "--server.headless=true",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    f"--server.address={HOST}",
)
PATIENCE = 60  # seconds a server may take to start, or to come to rest
RESTING = 1.5  # seconds without work; Voila waits 0.5 s before it starts the next kernel of its pool


@dataclass(frozen=True)
class Site:
    """A running server, and where its page keeps what is measured (CSS selectors)."""

    name: str
    url: str
    pid: int
    field: str
    value: str
    results: str


@contextlib.contextmanager
def all_sites() -> Iterator[dict[str, Site]]:
    """Run ours, Streamlit's and Flask's at once; give them by name, at rest."""
    rivals = str(RIVALS / "streamlit_page.py"), str(RIVALS / "flask_page.py")
    with contextlib.ExitStack() as stack:

        def site(name: str, *command: str, field: str, value: str, results: str) -> Site:
            port = _free_port()
            words = [word.format(port=port) for word in command]
            pid = stack.enter_context(_running(words, port))
            return Site(name, f"http://{HOST}:{port}/", pid, field, value, results)

        ours = ("-m", "wholesale", "serve", "--port", "{port}")
        streamlit = ("-m", "streamlit", "run", rivals[0], "--server.port={port}", *STREAMLIT)
        sites = (
            site("ours", *ours, field=".wc-input-{} input", value=".wc-kmeans .wc-value", results=".wc-app"),
            site(
                "Streamlit",
                *streamlit,
                field=".st-key-{} input",
                value=".st-key-kmeans p",
                results=".st-key-results",
            ),
            site("Flask", rivals[1], "{port}", field="#{}", value="#kmeans", results="body"),
        )
        for each in sites:
            rest(each.pid)
        yield {each.name: each for each in sites}


def tree(pid: int) -> list[psutil.Process]:
    """List a process and all its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def rest(pid: int) -> None:
    """Wait until a server and its kernels have stopped working, a preheated pool refilled among it."""
    until, still_since = time.monotonic() + PATIENCE, time.monotonic()
    before = _work(pid)
    while time.monotonic() - still_since < RESTING and time.monotonic() < until:
        time.sleep(0.25)
        now = _work(pid)
        if now[0] != before[0] or now[1] - before[1] > 0.05:
            still_since = time.monotonic()
        before = now


def _work(pid: int) -> tuple[int, float]:
    seconds, count = 0.0, 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds, count = seconds + sum(process.cpu_times()[:2]), count + 1
    return count, seconds


@contextlib.contextmanager
def _running(words: list[str], port: int) -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, *words], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_for(port, server)
            yield server.pid
        finally:
            _stop(server)


def _wait_for(port: int, server: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no answer from {server.args!r}")


def _stop(server: subprocess.Popen) -> None:
    kernels = tree(server.pid) if server.poll() is None else []
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)
    for kernel in kernels:  # each leads a process group of its own
        with contextlib.suppress(psutil.NoSuchProcess):
            kernel.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
