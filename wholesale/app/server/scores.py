"""``POST /api/score``: how a file of customers comes to the server, and its answer from it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

from tornado.iostream import StreamClosedError

from wholesale.app.server import upload
from wholesale.app.server.answers import Refused, fault
from wholesale.app.server.handler import Posted
from wholesale.app.server.matching import Unmatched
from wholesale.app.server.results import result
from wholesale.predict import Predictor

AT_A_TIME = 2
"""Files scored at a time; others wait."""

PIECE = 1 << 20
"""Bytes of an answer sent at a time."""


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
        return Refused(413, fault(upload.too_large()))

    async def post(self) -> None:
        """Score in another thread, and send what was asked for."""
        if fault_of_body := self.fault_of_body():
            self.refuse(fault_of_body)
            return
        self.body.close()
        self.working = True
        try:
            async with self.room:
                scored = await asyncio.get_running_loop().run_in_executor(None, self._score)
            await self._send(scored)
        except Unmatched as error:
            self.refuse(error, header=error.header, columns=error.guess)
        except Refused as error:
            self.refuse(error)
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
            await self._send_pieces(_form(boundary, self._parts(scored)))
        elif "text/csv" in wanted:
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            await self._send_pieces([scored.scored])
        else:
            self.reply(json.dumps(scored.as_dict(), allow_nan=False))

    def _parts(self, scored: upload.Scored) -> dict[tuple[str, str], bytes | Path]:
        """Give all there is, by name and type."""
        summary = json.dumps(scored.as_dict(), allow_nan=False)
        parts: dict[tuple[str, str], bytes | Path] = {
            ("summary", "application/json"): summary.encode(),
            ("page", "text/html"): result(self.predictor, scored).encode(),
            ("lines", "application/json"): json.dumps(scored.lines).encode(),
            ("scored", "text/csv"): scored.scored,
        }
        if scored.summary.rejected:
            parts["rejected", "text/csv"] = scored.rejected
        return parts

    async def _send_pieces(self, contents: list[bytes | Path]) -> None:
        self.set_header("Content-Length", str(sum(_size(each) for each in contents)))
        for content in contents:
            for piece in _pieces(content):
                self.write(piece)
                await self.flush()
        self.finish()


def _form(boundary: str, parts: dict[tuple[str, str], bytes | Path]) -> list[bytes | Path]:
    """Write a multipart/form-data body (RFC 7578): its pieces in order, files as their paths."""
    body: list[bytes | Path] = []
    for (name, kind), content in parts.items():
        file = f'; filename="{content.name}"' if isinstance(content, Path) else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\nContent-Type: {kind}'
        body += [f"{head}; charset=utf-8\r\n\r\n".encode(), content, b"\r\n"]
    return [*body, f"--{boundary}--\r\n".encode()]


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
