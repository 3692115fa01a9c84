"""Who may come in, and what browsers are told with each answer."""

import ipaddress
from typing import Any
from uuid import uuid4

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application, OutputTransform

from wholesale.app.server.api import Stranger

HOST = "127.0.0.1"

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",  # reads a scored file apart from the page
    "style-src": "'self' 'unsafe-inline'",  # JupyterLab's scripts add style elements; charts have style=
    "img-src": "'self' data:",  # icons in JupyterLab's style sheets
    "font-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(map(" ".join, POLICY.items())),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # an address may hold amounts
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer carries, and keeps browsers from misusing it."""


class Headers(OutputTransform):
    """Puts `HEADERS` on every answer, a socket's and a refusal too, and takes the server's version off."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers.update(HEADERS)
        headers.pop("Server", None)
        return status_code, headers, chunk


class Site(Application):
    """The door that every request comes in by, whatever answers it."""

    def find_handler(self, request: HTTPServerRequest, **how: Any) -> Any:
        """Turn away who asks for another machine: other sites' names may be pointed at this one."""
        if not local(request.host_name):
            refusal = {"status": 403, "reason": "the Host header names another machine than this one"}
            return self.get_handler_delegate(request, Stranger, refusal)
        return super().find_handler(request, **how)


def local(host: str) -> bool:
    """Say whether a name or an address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Visitors(IdentityProvider):
    """Tells visitors apart by a signed cookie, which the page sets, so that each gets at own kernels only."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, cookie_options={"samesite": "Lax"})

    def get_user(self, handler: Any) -> Any:
        return self.get_user_cookie(handler) or User(uuid4().hex)
