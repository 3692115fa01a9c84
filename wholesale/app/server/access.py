"""Who may come in, under which name and by which password, and what browsers are told with each answer."""

import asyncio
import hmac
import ipaddress
import os
import re
import ssl
import time
import tomllib
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.auth.security import passwd_check
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application, OutputTransform, RedirectHandler, decode_signed_value
from voila.handler import BaseVoilaHandler

from wholesale.app.server.api import Read, Stranger
from wholesale.app.server.kernels import Unasked

HOST = "127.0.0.1"
GUESSES, MINUTE = 10, 60  # wrong passwords or tokens that an address may send, and in how many seconds
HASH = "python -c 'from jupyter_server.auth import passwd; print(passwd())'"
STATIC = "voila/templates/wholesale/static/"
OPEN = ("login", STATIC + "wholesale.css", STATIC + "favicon.svg")  # a password does not hide these

NAME = re.compile(r"[\w.-]+|\[[\da-f:.]+]", re.ASCII)  # as browsers send it
PART = re.compile(r"(?!\.+$)[\w.~-]+", re.ASCII)  # of the base address, likewise

HEADERS, POLICY = tomllib.loads(Path(__file__).with_name("headers.toml").read_text(encoding="utf-8")).values()
HEADERS["Content-Security-Policy"] = "; ".join(map(" ".join, POLICY.items()))


class Headers(OutputTransform):
    """Puts `HEADERS` on every answer, a socket's and a refusal too, and takes the server's version off."""

    def transform_first_chunk(self, status_code: int, headers: HTTPHeaders, chunk: bytes, _: bool) -> Any:
        headers.update(HEADERS)
        headers.pop("Server", None)
        return status_code, headers, chunk


@dataclass(frozen=True)
class Access:
    """What the operator has settled; as it is here, whoever is at this machine may come in."""

    host: str = HOST  # to listen at
    names: tuple[str, ...] = ()  # by which browsers may ask for this server, beside those of this machine
    base: str = "/"  # before every address
    password: str = ""  # hashed
    token: str = ""  # in place of the password, for the API
    proxies: tuple[str, ...] = ()  # these alone may connect, and are believed for whom
    tls: ssl.SSLContext | None = None
    log: bool = False  # each request
    secret: bytes = field(default_factory=lambda: os.urandom(32))  # of the cookies' signatures

    def shown(self, port: int) -> str:
        host = self.host if self.proxies or not self.names else self.names[0]
        host = f"[{host}]" if ":" in host and "[" not in host else host
        return f"{'https' if self.tls else 'http'}://{host}:{port}{self.base}"


def settle(
    host: str,
    allow_host: Sequence[str] | None = None,
    base_url: str = "/",
    password_file: Path | None = None,
    no_password: bool = False,
    token_file: Path | None = None,
    behind_proxy: bool = False,
    proxy: Sequence[str] | None = None,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    cookie_secret_file: Path | None = None,
    log_requests: bool = False,
) -> Access:
    """Read the options of `serve` and the files that they name; a ValueError says what is not settled."""
    host, beyond, proxied = host.strip("[]"), not local(host), behind_proxy or bool(proxy)
    names, base = [name.lower() for name in allow_host or ()], [*filter(None, base_url.split("/"))]
    proxies = [*map(numeric, proxy or ())]
    alone = beyond and not (password_file or proxied or no_password)
    in_clear = beyond and password_file and not (certfile or proxied)
    who = "--password-file FILE, --behind-proxy or --no-password"
    rules = (
        (alone, f"--host {host} lets other machines in; say whom, by {who}"),
        (password_file and no_password, "either --password-file or --no-password"),
        ((beyond or proxied) and not allow_host, "say how browsers call the server: --allow-host NAME"),
        (beyond and behind_proxy and not proxy, "say where the proxy is: --proxy ADDRESS"),
        (in_clear, "a password needs TLS on its way: --certfile and --keyfile, or a proxy"),
        (token_file and not password_file, "--token-file is for a server with a password: --password-file"),
        ((certfile is None) != (keyfile is None), "--certfile and --keyfile go together"),
        (None in proxies, "--proxy takes one address, such as 192.0.2.7: no name, no range"),
        (not all(map(NAME.fullmatch, names)), "--allow-host takes a name alone, such as shop.example"),
        (
            not all(map(PART.fullmatch, base)),
            "--base-url takes letters, digits and . _ ~ - between its slashes",
        ),
    )
    for broken, sentence in rules:
        if broken:
            raise ValueError(sentence)
    try:
        files = (password_file, token_file, cookie_secret_file)
        password, token, secret = (file.read_text().strip() if file else "" for file in files)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certfile else None
        if certfile and tls:
            tls.load_cert_chain(certfile, keyfile)
    except (OSError, UnicodeDecodeError) as error:  # ssl.SSLError, which knows no file, is one
        name = getattr(error, "filename", None) or certfile
        raise ValueError(f"{name} cannot be used: {getattr(error, 'strerror', error)}") from None
    if password_file and not (password.startswith("argon2:") or password.count(":") == 2):
        raise ValueError(f"{password_file.name} has no hashed password in it; make one by {HASH}")
    if token_file and len(token) < 20:
        raise ValueError(f"{token_file.name} must hold a token of 20 letters or more")
    return Access(
        host, (*names,), "/".join(["", *base, ""]), password, token,
        proxies=(*map(str, proxies),) or (("127.0.0.1", "::1") if proxied else ()), tls=tls, log=log_requests,
        secret=hmac.digest(secret.encode() or os.urandom(32), password.encode(), "sha256"),
    )  # fmt: skip  # another password ends all logins


def numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; None of a name."""
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    return None


def local(host: str) -> bool:
    """Say whether a name or an address is this machine's own."""
    address = numeric(host.strip("[]"))
    return host == "localhost" or (address is not None and address.is_loopback)


class Site(Application):
    """The door that every request comes in by, whatever answers it."""

    def __init__(self, access: Access, bare_health: Any, **settings: Any) -> None:
        super().__init__(transforms=[Headers], **settings)
        self.access, self.bare_health = access, bare_health
        self.guesses: deque[tuple[float, str]] = deque()

    def find_handler(self, request: HTTPServerRequest, **how: Any) -> Any:
        """Let in who may come in, and show the others the way, or a refusal."""
        base, path = self.access.base, request.path.removeprefix(self.access.base)
        status, reason = self._refusal(request)
        if not status or (status == 401 and path in OPEN):
            return super().find_handler(request, **how)
        if status == 401 and path == "api/health":
            return self.get_handler_delegate(request, Read, {"content": self.bare_health})
        if status == 401 and request.path == base and request.method == "GET":
            there = {"url": base + "login", "permanent": False}
            return self.get_handler_delegate(request, RedirectHandler, there)
        self.settings["kernel_manager"].refused["requests"] += 1
        return self.get_handler_delegate(request, Stranger, {"status": status, "reason": reason})

    def _refusal(self, request: HTTPServerRequest) -> tuple[int, str]:
        access, peer = self.access, request.connection.context.address  # type: ignore[union-attr]
        if access.proxies and peer[0] not in access.proxies:
            return 403, "this server answers to its proxy only"
        # Other sites' names may be pointed at this machine.
        if not (local(request.host_name) or request.host_name in access.names):
            return 403, "the Host header names another machine than this one"
        if not access.password or self.logged_in(request):
            return 0, ""
        if not (said := request.headers.get("Authorization")):
            return 401, f"log in at {access.base}login, or send the API's token"
        if not self.may_guess(request):
            return 429, "too many wrong tokens came from this address; wait a minute"
        if not access.token or not hmac.compare_digest(said.encode(), f"Bearer {access.token}".encode()):
            return 401, "this is not the API's token"
        self.forgive(request)
        return (0, "") if request.path.startswith(access.base + "api/") else (401, "the token is for the API")

    def logged_in(self, request: HTTPServerRequest) -> bool:
        provider, asking = self.settings["identity_provider"], SimpleNamespace(request=request)
        cookie = request.cookies.get(name := provider.get_cookie_name(asking))
        return bool(cookie and decode_signed_value(self.access.secret, name, cookie.value))

    def may_guess(self, request: HTTPServerRequest) -> bool:
        """Count a guess before it is known to be wrong; say whether it is not one too many."""
        while self.guesses and self.guesses[0][0] < time.monotonic() - MINUTE:
            self.guesses.popleft()
        if sum(address == request.remote_ip for _, address in self.guesses) >= GUESSES:
            return False
        self.guesses.append((time.monotonic(), str(request.remote_ip)))
        return True

    def forgive(self, request: HTTPServerRequest) -> None:
        """Take a guess back that was right."""
        guess = next((each for each in self.guesses if each[1] == request.remote_ip), None)
        if guess:
            self.guesses.remove(guess)


class Login(Unasked, BaseVoilaHandler):
    """Asks for the password, in the page's look, and ends a login."""

    application: Any

    def get(self, wrong: str = "", status: int = 200) -> None:
        self.set_status(status)
        inside = self.application.logged_in(self.request)
        self.write(self.render_template("login.html", wrong=wrong, inside=inside))

    async def post(self) -> None:
        """Take the password; the cookie that it gives is what other requests show."""
        site = self.application
        if self.get_body_argument("out", ""):
            self.identity_provider.clear_login_cookie(self)
            self.redirect(site.access.base + "login", status=303)
            return
        if not site.may_guess(self.request):
            self.get("Too many wrong passwords came from your address. Wait a minute.", 429)
            return
        said = self.get_body_argument("password", "")
        if await asyncio.to_thread(passwd_check, site.access.password, said):
            site.forgive(self.request)
            if not site.logged_in(self.request):  # another cookie would part it from its open pages
                self.identity_provider.set_login_cookie(self, self.current_user)
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(site.access.base + query, status=303)
        else:
            self.get("This is not the password.", 401)


class Visitors(IdentityProvider):
    """Tells visitors apart by a cookie, so that each gets at its own kernels only.

    Without a password any will do, such as that of a server that ended; with one, `Site` has seen that it is
    a login's. Two pages opened at once get two of different names, so that neither replaces the other: a
    visitor has either.
    """

    def get_user(self, handler: Any) -> User:
        name, cookies = self.get_cookie_name(handler), handler.request.cookies
        return User(" ".join(cookies[each].value for each in cookies if each.startswith(name)) or uuid4().hex)

    def remember(self, handler: Any) -> None:
        """Give a new visitor a cookie, which the browser forgets when it ends."""
        name, visitor = self.get_cookie_name(handler), handler.current_user.username
        if not any(each.startswith(name) for each in handler.request.cookies):
            how = {"path": handler.base_url, "httponly": True, "secure": handler.request.protocol == "https"}
            handler.set_cookie(f"{name}-{visitor[:8]}", visitor, **self.cookie_options, **how)
