"""Who is slow, or sends half of a request, is let go; what a server that was killed leaves goes, too."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests
from servers import Server, host_of, kernels, running, wait_for
from visitor import PATIENCE, Visitor

from wholesale.app.tabs import LIMIT

IMPATIENT = """import sys
from wholesale.app.server import api, page
page.HEADERS_WITHIN, api.GRACE, api.SLOWEST = 1, 1, 10**9
page.serve(int(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits a second for what others may take half a minute for."""
    folder = tmp_path_factory.mktemp("impatient")
    (folder / "impatient.py").write_text(IMPATIENT)
    with running("impatient", folder=folder) as server:
        yield server


HEAD = b"POST /api/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: "
HALVES = {
    "nothing": b"",
    "half of the headers": HEAD[:50],
    "no body": HEAD + b"30\r\n\r\n",
    "half of a body": HEAD + b"30\r\n\r\nFresh,Milk",
    "a body that never ends": HEAD.replace(b"Content-Length", b"Transfer-Encoding") + b"chunked\r\n\r\n",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_half_a_request_is_not_waited_for_for_ever(impatient, half):
    begun = time.monotonic()
    with socket.create_connection(host_of(impatient.address), timeout=PATIENCE) as connection:
        connection.sendall(half)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(100) == b""
    assert time.monotonic() - begun < 20


FULL = """import os, sys
from wholesale.app.server import api, page
keep = api.Score.store
def store(self):
    if "none" in self.request.query:
        raise OSError(28, os.strerror(28))
    keep(self).close()
    return open("/dev/full", "wb")
api.Score.store = store
page.serve(int(sys.argv[2]))
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is Linux that has a file that is always full")
def test_a_disk_that_is_full_is_said_however_large_the_file(tmp_path, temporary):
    (tmp_path / "full.py").write_text(FULL)
    with running("full", folder=tmp_path, TMPDIR=str(temporary)) as server:
        send = partial(requests.post, headers={"Content-Type": "text/csv"}, timeout=PATIENCE)
        for query in ("", "?none"):
            for size in (10, 10**6, LIMIT):  # of which the first is written as the file is closed
                reply = send(f"{server.address}api/score{query}", b"x" * size)
                (fault,) = reply.json()["errors"]
                said = (reply.status_code, fault["reason"])
                assert said == (507, "the file could not be scored: No space left on device")
        assert not [*temporary.rglob("wholesale-upload-*")]
        assert "Traceback" not in server.log.read_text()


def begin_upload(server: Server) -> socket.socket:
    connection = socket.create_connection(host_of(server.address), timeout=PATIENCE)
    connection.sendall(HEAD + b"3000\r\n\r\nFresh,Milk\n")
    return connection


def files(folder: Path) -> list[Path]:
    return [*folder.rglob("customers.csv")]


def test_a_terminal_that_closes_takes_what_was_uploaded_with_it(tmp_path, temporary):
    with running("wholesale", "serve", folder=tmp_path, TMPDIR=str(temporary)) as server:
        wait_for(lambda: server.log.read_text())
        with begin_upload(server):
            wait_for(lambda: files(temporary))
            server.process.send_signal(signal.SIGHUP)
            assert server.process.wait(PATIENCE) == 0
    assert list(temporary.iterdir()) == []


def test_what_a_killed_server_leaves_is_private_and_goes_when_the_next_begins(tmp_path, temporary):
    serve = partial(running, "wholesale", "serve", folder=tmp_path, TMPDIR=str(temporary))
    with serve() as alive:
        with serve() as server, begin_upload(server):
            wait_for(lambda: files(temporary))
            (left,) = {path for path in temporary.iterdir() if files(path)}
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(PATIENCE)
        assert left.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in temporary.iterdir()] == [0o700] * 2
        with serve():
            assert not left.exists()
            assert len(list(temporary.iterdir())) == 2  # the other's that lives, and its own
        assert Visitor(alive).has_widgets()


@pytest.mark.skipif(os.name != "posix", reason="kernels listen on ports where there are no other sockets")
def test_no_kernel_listens_on_a_port(tmp_path):
    with running("wholesale", "serve", folder=tmp_path) as server:
        wait_for(lambda: server.log.read_text())
        Visitor(server)
        sockets = [each for kernel in kernels(server) for each in kernel.net_connections("inet")]
        assert not [each for each in sockets if each.status == psutil.CONN_LISTEN]
