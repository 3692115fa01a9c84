"""The JSON API in the page's server: its addresses, and how bodies come in and answers go out."""

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import responses
from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from wholesale.app.server import answers, openapi, upload
from wholesale.app.server.answers import Refused, fault
from wholesale.predict import Predictor

AT_A_TIME = 2
"""Files scored at a time; others wait."""

PIECE = 1 << 20
"""Bytes of an answer sent at a time."""


def handlers(predictor: Predictor) -> list:
    """List the API's addresses for Tornado."""
    read: dict[str, Callable[[Predictor], Any]] = {
        r"/api/segments": answers.segments,
        r"/api/health": answers.health,
        r"/api/openapi\.json": lambda _: openapi.document(),
    }
    return [
        (r"/api/predict", Predict, {"predictor": predictor}),
        (r"/api/score", Score, {"predictor": predictor, "room": asyncio.Semaphore(AT_A_TIME)}),
        *((path, Read, {"predictor": predictor, "content": content}) for path, content in read.items()),
    ]


def elsewhere(predictor: Predictor) -> tuple:
    """Give the rule for all other addresses under ``/api``; it goes after Jupyter's own."""
    return (r"/api(?:/.*)?", Nothing, {"predictor": predictor})


def as_json(content: Any) -> str:
    """Write an answer."""
    return json.dumps(asdict(content) if is_dataclass(content) else content, allow_nan=False)  # type: ignore[arg-type]


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
            raise Refused(403, fault("the Host header names another machine than this one"))

    def compute_etag(self) -> None:
        """Leave out Tornado's ETag: an answer is computed before it could be compared."""

    def reply(self, text: str, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(text)

    def refuse(self, error: Refused) -> None:
        """Send the faults of a request."""
        self.reply(as_json(error.content), error.status)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Leave out what is refused: it is no failure of ours."""
        if not isinstance(error, Refused):
            super().log_exception(kind, error, trace)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Say in JSON what is refused, by us or by Tornado: an unknown method, or a failure of ours."""
        error = about.get("exc_info", (None, None))[1]
        reason = responses.get(status_code, "unknown error")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed))
            reason = f"this address takes {' and '.join(self.allowed)} only"
        self.refuse(error if isinstance(error, Refused) else Refused(status_code, fault(reason)))


class Read(Api):
    """An address to read from: health, segments, or the description of this API."""

    def initialize(self, predictor: Predictor, content: Callable[[Predictor], Any]) -> None:  # type: ignore[override]
        super().initialize(predictor)
        self.content = content

    async def get(self) -> None:
        """Send the content."""
        content = await asyncio.get_running_loop().run_in_executor(None, self.content, self.predictor)
        self.reply(as_json(content))

    head = get


class Nothing(Api):
    """All other addresses under ``/api``."""

    async def prepare(self, **_: Any) -> None:
        """Say where the addresses are listed, whatever the method."""
        await super().prepare()
        raise Refused(404, fault("there is nothing at this address; see /api/openapi.json"))


@stream_request_body
class Posted(Api):
    """An address that takes a body, piece by piece."""

    allowed = ("POST",)
    kinds: tuple[str, ...] = ()  # of Content-Type; none may be one that a form of another site can send
    limit = 0  # bytes that a body may have
    read_at_most = (
        0  # bytes read and dropped of a larger body: who sends it all before reading gets the reason
    )

    async def prepare(self, **_: Any) -> None:
        """Refuse at once what is far too large; Tornado would read all of it first."""
        self.received = 0
        await super().prepare()
        length = self.request.headers.get("Content-Length", "0")
        if length.isdecimal() and float(length) > self.read_at_most:
            raise self.too_large()
        self.body = self.store()

    def store(self) -> BinaryIO:
        """Open what keeps the body."""
        return io.BytesIO()

    def data_received(self, chunk: bytes) -> None:
        """Keep what may be kept of the body."""
        self.received += len(chunk)
        if self._finished:
            return
        if self.received <= self.limit:
            self.body.write(chunk)
        elif self.received > self.read_at_most:
            self.refuse(self.too_large())

    def check_body(self) -> None:
        """Refuse a body that is at fault as a whole."""
        if self.received > self.limit:
            raise self.too_large()
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in self.kinds or "Content-Encoding" in self.request.headers:
            kinds = " or ".join(self.kinds)
            raise Refused(415, fault(f"the Content-Type must be {kinds}, and the body not compressed"))

    def too_large(self) -> Refused:
        """Say how much may be sent."""
        return Refused(413, fault(f"the body is too large; send at most {self.limit:,} bytes"))


class Predict(Posted):
    """``POST /api/predict``: the page's answer for one customer or for many."""

    kinds, limit, read_at_most = ("application/json",), answers.LIMIT, 20 * answers.LIMIT

    async def post(self) -> None:
        """Answer, in another thread so that the page's visitors need not wait."""
        self.check_body()
        self.body.seek(0)
        self.reply(await asyncio.get_running_loop().run_in_executor(None, self._answer, self.body.read()))

    def _answer(self, body: bytes) -> str:
        content = answers.answer(self.predictor, body)
        if "customers" not in content:
            return as_json(content)
        # Written one by one: in a single call no other thread would get a turn for a tenth of a second.
        return f'{{"customers": [{", ".join(as_json(one) for one in content["customers"])}]}}'


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class Score(Posted):
    """``POST /api/score``: a file of customers scored. Nothing of it stays here."""

    kinds, limit, read_at_most = ("text/csv", "application/octet-stream"), upload.LIMIT, 5 * upload.LIMIT

    def initialize(self, predictor: Predictor, room: asyncio.Semaphore) -> None:  # type: ignore[override]
        super().initialize(predictor)
        self.room, self.gone, self.working = room, threading.Event(), False
        self.folder: TemporaryDirectory | None = None

    def store(self) -> BinaryIO:
        """Keep the file on disk, in a folder that goes with the request."""
        self.folder = TemporaryDirectory(prefix="wholesale-upload-")
        return Path(self.folder.name, "customers.csv").open("wb")

    def on_connection_close(self) -> None:
        """End the work when nobody waits for it: the page does so when another file is chosen."""
        self.gone.set()
        if not self.working:
            self.on_finish()

    def on_finish(self) -> None:
        """Leave nothing behind."""
        if self.folder:
            self.body.close()
            self.folder.cleanup()

    def too_large(self) -> Refused:
        """Say what takes larger files."""
        return Refused(413, fault(upload.TOO_LARGE))

    async def post(self) -> None:
        """Score in another thread, and send what was asked for."""
        self.check_body()
        self.body.close()
        self.working = True
        try:
            async with self.room:
                scored = await asyncio.get_running_loop().run_in_executor(None, self._score)
            await self._send(scored)
        except (Abandoned, StreamClosedError):
            self.on_finish()

    def _score(self) -> upload.Scored:
        arguments = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        settings = upload.read_query(arguments)
        self._go_on()
        return upload.score_upload(self.predictor, Path(self.body.name), settings, self._go_on)

    def _go_on(self, *_: Any) -> None:
        if self.gone.is_set():
            raise Abandoned

    async def _send(self, scored: upload.Scored) -> None:
        wanted = self.request.headers.get("Accept", "")
        if "multipart/form-data" in wanted:
            boundary = uuid4().hex
            self.set_header("Content-Type", f"multipart/form-data; boundary={boundary}")
            await self._send_pieces(_form(boundary, self._fields(scored)))
        elif "text/csv" in wanted:
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            await self._send_pieces([scored.scored])
        else:
            self.reply(as_json(scored.said))

    def _fields(self, scored: upload.Scored) -> dict[tuple[str, str], bytes | Path]:
        """Give all there is, by name and type."""
        fields: dict[tuple[str, str], bytes | Path] = {
            ("summary", "application/json"): as_json(scored.said).encode(),
            ("page", "text/html"): upload.result(self.predictor, scored).encode(),
            ("lines", "application/json"): as_json(scored.lines).encode(),
            ("scored", "text/csv"): scored.scored,
        }
        return fields | ({("rejected", "text/csv"): scored.rejected} if scored.rows else {})

    async def _send_pieces(self, contents: list[bytes | Path]) -> None:
        sizes = (len(each) if isinstance(each, bytes) else each.stat().st_size for each in contents)
        self.set_header("Content-Length", str(sum(sizes)))
        for content in contents:
            for piece in _pieces(content):
                self.write(piece)
                await self.flush()
        self.finish()


def _form(boundary: str, fields: dict[tuple[str, str], bytes | Path]) -> list[bytes | Path]:
    """Write a multipart/form-data body (RFC 7578): its pieces in order, files as their paths."""
    body: list[bytes | Path] = []
    for (name, kind), content in fields.items():
        file = f'; filename="{content.name}"' if isinstance(content, Path) else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\nContent-Type: {kind}'
        body += [f"{head}; charset=utf-8\r\n\r\n".encode(), content, b"\r\n"]
    return [*body, f"--{boundary}--\r\n".encode()]


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
