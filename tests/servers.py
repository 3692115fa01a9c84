"""Servers for tests: on a free port of this machine, stopped by their process group."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from wholesale.app.server import HOST

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
