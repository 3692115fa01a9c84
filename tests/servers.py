"""Servers for tests: on a free port of this machine, stopped by their process group."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from wholesale.app.server import HOST

STARTING = 60  # seconds a server may take


class Server(NamedTuple):
    address: str
    process: subprocess.Popen
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def host_of(address: str) -> tuple[str, int]:
    host, port = address.split("/")[2].split(":")
    return host, int(port)


def kernels(server: Server) -> list[psutil.Process]:
    """The kernels of a server that are alive."""
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]


def state(server: Server, temporary: Path) -> dict[str, int]:
    """What a server holds: memory, open files, threads, kernels and temporary files."""
    process, alive = psutil.Process(server.process.pid), kernels(server)
    held = {"server, MB": process.memory_info().rss // 10**6, "kernels, MB": sum(map(_share, alive)) // 10**6}
    held |= {"open files": process.num_fds(), "threads": process.num_threads(), "kernels": len(alive)}
    return held | {"temporary files": sum(len(files) for _, _, files in os.walk(temporary))}


def _share(kernel: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return kernel.memory_full_info().pss  # of what it shares with others, its part
    return 0


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def refused(port: int, cwd: Path, *options: str, **env: str) -> str:
    """Run a server that cannot begin; give what it says."""
    command = [sys.executable, "-m", "wholesale", "serve", "--port", str(port), *options]
    env = {**os.environ, **env}
    run = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=STARTING)
    assert (run.returncode, run.stdout) == (1, "")
    return run.stderr


@contextlib.contextmanager
def running(
    *command: str, folder: Path, log: Path | None = None, scheme: str = "http", **env: str
) -> Iterator[Server]:
    """Run a server, on a free port if it names none, until it answers; stop it with all its kernels."""
    if "--port" not in command:
        command = (*command, "--port", str(free_port()))
    address, log = f"{scheme}://{HOST}:{command[command.index('--port') + 1]}/", log or folder / "log"
    words, env = [sys.executable, "-m", *command], {**os.environ, **env}
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(lambda: _answers(address) or process.poll() is not None, STARTING)
        assert process.poll() is None, log.read_text(errors="replace")
        yield Server(address, process, log)
    finally:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)


def _answers(address: str) -> bool:
    unchecked = ssl._create_unverified_context()
    try:
        urllib.request.urlopen(f"{address}voila/static/voila.js", timeout=5, context=unchecked).close()
    except OSError as error:
        return isinstance(error, urllib.error.HTTPError)  # it does not know us
    return True
