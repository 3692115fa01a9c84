"""The JSON API in the page's server. ``openapi.json`` beside this file describes it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import responses
from tornado.web import stream_request_body

from wholesale.app.answers import Refused, answer, fault, segments
from wholesale.predict import Predictor

LIMIT = 1_000_000
"""Bytes that a body may have."""

READ_AT_MOST = 20 * LIMIT
"""Bytes read and dropped of a body that is too large: who sends it all before reading gets the reason."""

DESCRIPTION = Path(__file__).with_name("openapi.json")


def handlers(predictor: Predictor) -> list:
    """List the API's addresses for Tornado."""
    return [
        (r"/api/predict", Predict, {"predictor": predictor}),
        (r"/api/segments", Segments, {"predictor": predictor}),
        (r"/api/health", Health, {"predictor": predictor}),
        (r"/api/openapi\.json", Description, {"predictor": predictor}),
    ]


def elsewhere(predictor: Predictor) -> tuple:
    """Give the rule for all other addresses under ``/api``; it goes after Jupyter's own."""
    return (r"/api(?:/.*)?", Nothing, {"predictor": predictor})


class Api(JupyterHandler):
    """What all addresses share: JSON for errors too, and no state.

    Nothing here reads or sets a cookie, so there is none to forge a request with, and Jupyter's checks of
    identity and of its double-submit cookie are left out. A page of another site can neither read an
    answer, as no CORS header allows it, nor post, as ``application/json`` needs such a header beforehand.
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

    def refuse(self, error: Refused) -> None:
        """Send the faults of a request."""
        self.reply(json.dumps({"errors": error.faults}), error.status)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say in JSON what Tornado refuses: an unknown method, or a failure of ours."""
        reason = responses.get(status_code, "unknown error")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed))
            reason = f"this address takes {' and '.join(self.allowed)} only"
        self.refuse(Refused(status_code, fault(reason)))


class Health(Api):
    """``GET /api/health``: whether the server answers, and with which models."""

    def get(self) -> None:
        """Send the models' date and extent."""
        manifest = self.predictor.manifest
        state = {"status": "ok", "trained": manifest["trained"], "customers": manifest["customers"]}
        self.reply(json.dumps(state | {"segments": self.predictor.n_segments}))

    head = get


class Segments(Api):
    """``GET /api/segments``: what the segments are called, and what is typical of them."""

    def get(self) -> None:
        """Send each model's segments."""
        self.reply(json.dumps(segments(self.predictor), allow_nan=False))

    head = get


class Description(Api):
    """``GET /api/openapi.json``: this API, for machines."""

    def get(self) -> None:
        """Send the description."""
        self.reply(DESCRIPTION.read_text(encoding="utf-8"))

    head = get


class Nothing(Api):
    """All other addresses under ``/api``."""

    async def prepare(self, **_: Any) -> None:
        """Say where the addresses are listed, whatever the method."""
        await super().prepare()
        if not self._finished:
            self.refuse(Refused(404, fault("there is nothing at this address; see /api/openapi.json")))


@stream_request_body
class Predict(Api):
    """``POST /api/predict``: the page's answer for one customer or for many."""

    allowed = ("POST",)

    async def prepare(self, **_: Any) -> None:
        """Refuse at once what is far too large; Tornado would read all of it first."""
        self.body, self.received = bytearray(), 0
        await super().prepare()
        length = self.request.headers.get("Content-Length", "0")
        if not self._finished and length.isdecimal() and float(length) > READ_AT_MOST:
            self._too_large()

    def data_received(self, chunk: bytes) -> None:
        """Keep what may be kept of the body."""
        self.received += len(chunk)
        if self.received <= LIMIT:
            self.body += chunk
        elif self.received > READ_AT_MOST and not self._finished:
            self._too_large()

    async def post(self) -> None:
        """Answer, in another thread so that the page's visitors need not wait."""
        if self.received > LIMIT:
            self._too_large()
        elif self._is_json():
            loop = asyncio.get_running_loop()
            self.reply(*await loop.run_in_executor(None, _answer, self.predictor, bytes(self.body)))
        else:
            self.refuse(
                Refused(415, fault("the Content-Type must be application/json, and the body not compressed"))
            )

    def _is_json(self) -> bool:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return kind == "application/json" and "Content-Encoding" not in self.request.headers

    def _too_large(self) -> None:
        self.refuse(Refused(413, fault(f"the body is too large; send at most {LIMIT:,} bytes")))


def _answer(predictor: Predictor, body: bytes) -> tuple[str, int]:
    try:
        content = answer(predictor, body)
    except Refused as error:
        return json.dumps({"errors": error.faults}), error.status
    if "customers" not in content:
        return json.dumps(content, allow_nan=False), 200
    # Written one by one: in a single call no other thread would get a turn for a tenth of a second.
    several = ", ".join(json.dumps(one, allow_nan=False) for one in content["customers"])
    return f'{{"customers": [{several}]}}', 200
