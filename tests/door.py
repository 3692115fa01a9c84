"""A server that others may reach: with a password, a token, a proxy before it, and a base address."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_server.auth.security import passwd
from servers import Server, running

from wholesale.app.server import HOST

PASSWORD, TOKEN, BASE, NAME = "correct horse", "t" * 32, "/segments/", "shop.example"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def guarded(folder: Path, *options: str, log: str = "log") -> Iterator[Server]:
    """Run a server with a password and a token; a second one in the same folder shares both."""
    if not (folder / "password").exists():
        (folder / "password").write_text(passwd(PASSWORD, algorithm="sha256") + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    files = ("--password-file", str(folder / "password"), "--token-file", str(folder / "token"))
    where = {"folder": folder, "log": folder / log}
    with running("wholesale", "serve", *files, "--base-url", BASE, *options, **where) as server:
        yield server._replace(address=server.address[:-1] + BASE)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for `NAME` and this machine, and its key."""
    made = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}"]
    command += ["-addext", f"subjectAltName=DNS:{NAME},IP:{HOST}", "-out", str(made[0])]
    subprocess.run([*command, "-keyout", str(made[1])], check=True, capture_output=True)
    return made
