"""A server that others may reach: with a password, a token, a proxy before it, and a base address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_server.auth.security import passwd
from servers import Server, running

PASSWORD, TOKEN, BASE, NAME = "correct horse", "t" * 32, "/segments/", "shop.example"


@contextmanager
def guarded(folder: Path, *options: str) -> Iterator[Server]:
    (folder / "password").write_text(passwd(PASSWORD, algorithm="sha256") + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    files = ("--password-file", str(folder / "password"), "--token-file", str(folder / "token"))
    with running("wholesale", "serve", *files, "--base-url", BASE, *options, folder=folder) as server:
        yield server._replace(address=server.address[:-1] + BASE)
