"""Two servers behind nginx, by the very file in docs/; only ports and certificate are the test's own."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from door import BEARER, NAME, certificate, guarded
from servers import Server, free_port, wait_for

from wholesale.app.server import HOST
from wholesale.manifest import ROOT

CONFIGURATION = ROOT / "docs" / "nginx.conf"
AROUND = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/wholesale.conf;
}}
"""
"""What Debian's own nginx.conf is to a file in conf.d, without root and in a folder of its own."""


class Proxied(NamedTuple):
    address: str  # of the page, as browsers know it
    plain: int  # port of http
    servers: list[Server]
    folder: Path


def pages_open(server: Server) -> int:
    """Ask one of the servers, not the proxy."""
    return requests.get(f"{server.address}api/health", headers=BEARER, timeout=30).json()["open_pages"]


@contextlib.contextmanager
def proxied(folder: Path) -> Iterator[Proxied]:
    """Run them; meanwhile this process finds the name on this machine, and trusts the certificate."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no nginx is installed")
    (folder / "secret").write_text("s" * 40)
    shared = ("--behind-proxy", "--allow-host", NAME, "--cookie-secret-file", str(folder / "secret"))
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        servers = [stack.enter_context(guarded(folder, *shared, log=name)) for name in ("one", "two")]
        plain, https = free_port(), free_port()
        cert, key = certificate(folder)
        text = configured(plain, https, [server.address for server in servers], cert, key)
        (folder / "wholesale.conf").write_text(text)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
        stack.enter_context(_nginx([nginx, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"], https))
        patch.setattr(socket, "getaddrinfo", _at_this_machine(socket.getaddrinfo))
        for variable in ("REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"):
            patch.setenv(variable, str(cert))
        yield Proxied(f"https://{NAME}:{https}/segments/", plain, servers, folder)


def configured(plain: int, https: int, addresses: list[str], cert: Path, key: Path) -> str:
    """The file with other ports and another certificate."""
    text, ours = CONFIGURATION.read_text(), [address.split("/")[2] for address in addresses]
    changes = {r"listen 80\b": f"listen {HOST}:{plain}", r"listen 443\b": f"listen {HOST}:{https}"}
    changes |= {rf"127\.0\.0\.1:{8866 + i}\b": address for i, address in enumerate(ours)}
    changes |= {r"https://shop\.example\$": f"https://shop.example:{https}$"}
    changes |= {r"/etc/ssl/shop\.example\.pem": str(cert), r"/etc/ssl/private/shop\.example\.key": str(key)}
    for old, new in changes.items():
        text, found = re.subn(old, new, text)
        assert found, old
    return text


@contextlib.contextmanager
def _nginx(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, process.stderr.read()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _at_this_machine(ask: object) -> object:
    return lambda host, *more, **how: ask(HOST if host == NAME else host, *more, **how)
