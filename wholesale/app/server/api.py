"""The JSON API in the page's server: its addresses, and how bodies come in and answers go out."""

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import responses
from tornado.iostream import StreamClosedError
from tornado.log import access_log
from tornado.web import stream_request_body

from wholesale.app.server import answers, upload
from wholesale.app.server.answers import Refused, fault
from wholesale.app.tabs import LIMIT
from wholesale.predict import Predictor

GRACE, SLOWEST = 30, 50_000  # seconds that a body may take, and one more for so many bytes
AT_A_TIME = 2  # files scored; others wait
CSV, TEXT = "text/csv; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text
PIECE = 1 << 20  # bytes of an answer sent at a time


def handlers(predictor: Predictor, kernels: Any, base: str) -> list:
    """List the API's addresses, below `base`, for Tornado; `kernels` are the page's."""
    return [
        (r"/api/predict", Predict, {"predictor": predictor}),
        (r"/api/score", Score, {"predictor": predictor, "room": asyncio.Semaphore(AT_A_TIME)}),
        (r"/api/segments", Read, {"content": partial(answers.segments, predictor)}),
        (r"/api/customers", Read, {"content": partial(answers.customers, predictor), "kind": CSV}),
        (r"/api/health", Read, {"content": partial(answers.health, predictor, kernels)}),
        (r"/api/metrics", Read, {"content": partial(answers.metrics, predictor, kernels), "kind": TEXT}),
        (r"/api/openapi\.json", Read, {"content": partial(answers.description, predictor, base)}),
    ]


def as_json(content: Any) -> str:
    return json.dumps(content, allow_nan=False, default=asdict)


class Api(JupyterHandler):
    """What all addresses share: JSON for errors too, and no state.

    Who may ask is settled at the door (`Site`), and nothing is kept of a visitor, so Jupyter's checks are
    left out. A page of another site can neither read an answer, as no CORS header allows it, nor post, as the
    types of body that are taken here (JSON, CSV, bytes) need such a header beforehand.
    """

    allowed: tuple[str, ...] = ("GET", "HEAD")

    def initialize(self, **given: Any) -> None:
        vars(self).update(given)

    async def prepare(self, **_: Any) -> None:
        """Leave out Jupyter's checks."""

    def compute_etag(self) -> None:
        """Leave out Tornado's ETag: an answer is computed before it could be compared."""

    def reply(self, content: str, status: int = 200, kind: str = "application/json") -> None:
        self.set_status(status)
        self.set_header("Content-Type", kind)
        self.finish(content)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Say in JSON what is refused, by us or by Tornado: an unknown method, or a failure of ours."""
        error = about.get("exc_info", (None, None))[1]
        reason = responses.get(status_code, "unknown error")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed))
            reason = f"this address takes {' and '.join(self.allowed)} only"
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        refused = error if isinstance(error, Refused) else Refused(status_code, fault(reason))
        self.reply(as_json(refused.content), status_code)


class Read(Api):
    """An address to read from: health, metrics, segments, customers, or the description of this API."""

    content: Callable[[], Any]
    kind = "application/json"

    async def get(self) -> None:
        content = await asyncio.to_thread(self.content)  # so that the page's visitors need not wait
        self.reply(content if isinstance(content, str) else as_json(content), kind=self.kind)

    head = get


class Stranger(Api):
    """No address: what is said to a request that is turned away."""

    status, reason = 404, "there is nothing at this address; see /api/openapi.json"

    async def prepare(self, **_: Any) -> None:
        raise Refused(self.status, fault(self.reason))


@stream_request_body
class Posted(Api):
    """An address that takes a body, piece by piece."""

    allowed = ("POST",)
    predictor: Predictor
    kinds: tuple[str, ...] = ()  # of Content-Type; none may be one that a form of another site can send
    limit = 0  # bytes that a body may have
    read_at_most = 0  # and that are read, and dropped: who sends it all before reading gets the reason
    too_large = full = ""

    async def prepare(self, **_: Any) -> None:
        """Refuse at once what is far too large; Tornado would read all of it first."""
        self.received = 0
        length = self.request.headers.get("Content-Length", "")
        size = float(length) if length.isdecimal() else self.read_at_most
        if size > self.read_at_most:
            raise Refused(413, fault(self.too_large))
        self.request.connection.set_body_timeout(GRACE + size / SLOWEST)  # type: ignore[union-attr]
        self.body = self.keep(self.store) or io.BytesIO()

    def store(self) -> BinaryIO:
        return io.BytesIO()

    def keep(self, do: Callable, *given: Any) -> Any:
        """Do what a full disk may stop; what comes then is dropped, so that the reason reaches its sender."""
        try:
            return None if self.full else do(*given)
        except OSError as error:
            self.full = f"the file could not be scored: {error.strerror}"

    def data_received(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self._finished:
            return
        if self.received <= self.limit:
            self.keep(self.body.write, chunk)
        elif self.received > self.read_at_most:
            self.reply(as_json({"errors": [fault(self.too_large)]}), 413)

    def check_body(self) -> None:
        if self.received > self.limit:
            raise Refused(413, fault(self.too_large))
        if self.full:
            raise Refused(507, fault(self.full))
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in self.kinds or "Content-Encoding" in self.request.headers:
            kinds = " or ".join(self.kinds)
            raise Refused(415, fault(f"the Content-Type must be {kinds}, and the body not compressed"))


class Predict(Posted):
    """``POST /api/predict``: the page's answer for one customer or for many."""

    kinds, limit, read_at_most = ("application/json",), answers.LIMIT, 20 * answers.LIMIT
    too_large = f"the body is too large; send at most {limit:,} bytes"

    async def post(self) -> None:
        self.check_body()
        self.reply(await asyncio.to_thread(self._answer))

    def _answer(self) -> str:
        self.body.seek(0)
        content = answers.answer(self.predictor, self.body.read())
        if "customers" not in content:
            return as_json(content)
        # Written one by one: in a single call no other thread would get a turn for a tenth of a second.
        return f'{{"customers": [{", ".join(map(as_json, content["customers"]))}]}}'


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class Score(Posted):
    """``POST /api/score``: a file of customers scored, of which nothing stays here."""

    kinds, limit, read_at_most = ("text/csv", "application/octet-stream"), LIMIT, 5 * LIMIT
    too_large = answers.TOO_LARGE
    room: asyncio.Semaphore
    folder: TemporaryDirectory | None = None
    gone = working = False

    def store(self) -> BinaryIO:
        self.folder = TemporaryDirectory(prefix="wholesale-upload-")  # on disk, and gone with the request
        return Path(self.folder.name, "customers.csv").open("wb")

    def on_connection_close(self) -> None:
        """End the work when nobody waits for it: the page does so when another file is chosen."""
        self.gone = True
        if not self.working:
            self.on_finish()

    def on_finish(self) -> None:
        if self.folder:
            with suppress(OSError):  # a full disk's, once more
                self.body.close()
            self.folder.cleanup()

    async def post(self) -> None:
        self.keep(self.body.close)
        self.check_body()
        self.working = True
        try:
            async with self.room:
                scored = await asyncio.to_thread(self._score)
            of, more = scored.summary, "scored %d customers of a file of %d bytes, rejected %d rows"
            access_log.info(more, of.accepted, self.received, of.rejected)
            await self._send(scored)
        except (Abandoned, StreamClosedError):
            self.on_finish()

    def _score(self) -> upload.Scored:
        arguments = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        settings = upload.read_query(arguments, self.predictor.categories)
        self._go_on()
        return upload.score_upload(self.predictor, Path(self.body.name), settings, self._go_on)

    def _go_on(self, *_: Any) -> None:
        if self.gone:
            raise Abandoned

    async def _send(self, scored: upload.Scored) -> None:
        wanted, kind = self.request.headers.get("Accept", ""), "application/json"
        said = as_json(scored.summary.as_dict() | {"rejected_rows": scored.rows}).encode()
        contents: list[bytes | Path] = [said]
        if "multipart/form-data" in wanted:
            kind = f"multipart/form-data; boundary={(boundary := uuid4().hex)}"
            contents = self._form(boundary, said, scored)
        elif "text/csv" in wanted:
            contents, kind = [scored.scored], CSV
        self.set_header("Content-Type", kind)
        sizes = (each.stat().st_size if isinstance(each, Path) else len(each) for each in contents)
        self.set_header("Content-Length", str(sum(sizes)))
        for each in contents:
            with each.open("rb") if isinstance(each, Path) else io.BytesIO(each) as content:
                while piece := content.read(PIECE):
                    self.write(piece)
                    await self.flush()
        self.finish()

    def _form(self, boundary: str, said: bytes, scored: upload.Scored) -> list[bytes | Path]:
        """Write a multipart/form-data body (RFC 7578) of all there is, in pieces."""
        fields: list[tuple[str, str, bytes | Path]] = [
            ("summary", "application/json", said),
            ("page", "text/html", upload.result(self.predictor, scored).encode()),
            ("lines", "application/json", as_json(scored.lines).encode()),
            ("scored", "text/csv", scored.scored),
            *([("rejected", "text/csv", scored.rejected)] if scored.rows else []),
        ]
        body: list[bytes | Path] = []
        for name, kind, content in fields:
            file = f'; filename="{content.name}"' if isinstance(content, Path) else ""
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'
            body += [f"{head}Content-Type: {kind}; charset=utf-8\r\n\r\n".encode(), content, b"\r\n"]
        return [*body, f"--{boundary}--\r\n".encode()]
