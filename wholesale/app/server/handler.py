"""What the addresses of the JSON API share: JSON for errors too, no state, and bodies read in bounds."""

import io
import json
from typing import Any, BinaryIO

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import responses
from tornado.web import stream_request_body

from wholesale.app.server.answers import Refused, fault
from wholesale.predict import Predictor


class Api(JupyterHandler):
    """What all addresses share: JSON for errors too, and no state.

    Nothing here reads or sets a cookie, so there is none to forge a request with, and Jupyter's checks of
    identity and of its double-submit cookie are left out. A page of another site can neither read an
    answer, as no CORS header allows it, nor post, as the types of body that are taken here (JSON, CSV, bytes
    of no other name) need such a header beforehand.
    """

    allowed: tuple[str, ...] = ("GET", "HEAD")

    def initialize(self, predictor: Predictor) -> None:
        self.predictor = predictor

    async def prepare(self, **_: Any) -> None:
        """Keep Jupyter's check of the Host header: other sites' names may be pointed at this machine."""
        if not self.check_host():
            self.refuse(Refused(403, fault("the Host header names another machine than this one")))

    def compute_etag(self) -> None:
        """Leave out Tornado's ETag: an answer is computed before it could be compared."""

    def reply(self, text: str, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(text)

    def refuse(self, error: Refused, **more: Any) -> None:
        """Send the faults of a request."""
        self.reply(json.dumps({"errors": error.faults} | more), error.status)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say in JSON what Tornado refuses: an unknown method, or a failure of ours."""
        reason = responses.get(status_code, "unknown error")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed))
            reason = f"this address takes {' and '.join(self.allowed)} only"
        self.refuse(Refused(status_code, fault(reason)))


@stream_request_body
class Posted(Api):
    """An address that takes a body, piece by piece.

    Attributes
    ----------
    kinds : tuple of str
        The Content-Types that are taken. None may be one that a form of another site can send.
    limit : int
        Bytes that a body may have.
    read_at_most : int
        Bytes read and dropped of a larger body: who sends it all before reading gets the reason.
    """

    allowed = ("POST",)
    kinds: tuple[str, ...] = ()
    limit = read_at_most = 0

    async def prepare(self, **_: Any) -> None:
        """Refuse at once what is far too large; Tornado would read all of it first."""
        self.received = 0
        await super().prepare()
        length = self.request.headers.get("Content-Length", "0")
        if not self._finished and length.isdecimal() and float(length) > self.read_at_most:
            self.refuse(self.too_large())
        if not self._finished:
            self.body = self.store()

    def store(self) -> BinaryIO:
        """Open what keeps the body."""
        return io.BytesIO()

    def data_received(self, chunk: bytes) -> None:
        """Keep what may be kept of the body."""
        self.received += len(chunk)
        if self.received <= self.limit:
            self.body.write(chunk)
        elif self.received > self.read_at_most and not self._finished:
            self.refuse(self.too_large())

    def fault_of_body(self) -> Refused | None:
        """Say what is wrong with the body as a whole, if anything is."""
        if self.received > self.limit:
            return self.too_large()
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in self.kinds and "Content-Encoding" not in self.request.headers:
            return None
        kinds = " or ".join(self.kinds)
        return Refused(415, fault(f"the Content-Type must be {kinds}, and the body not compressed"))

    def too_large(self) -> Refused:
        """Say how much may be sent."""
        return Refused(413, fault(f"the body is too large; send at most {self.limit:,} bytes"))
