"""A visitor's connection to a kernel: what arrives is checked before Jupyter reads it.

Jupyter believes a message: 8 bytes that announce 2⁶⁰ parts keep its reader, and with it the server, busy for
good. The formats are those of ``jupyter_server.services.kernels.connection.base``.
"""

import json
from itertools import pairwise
from typing import Any

from jupyter_client.jsonutil import extract_dates
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

LIMIT = 2**18
"""Bytes that a message may have; the page sends some 700, and more only where more is pasted into a field."""

V1 = "v1.kernel.websocket.jupyter.org"
CHANNELS = ("shell", "control", "stdin")
FIELDS = ("header", "parent_header", "metadata", "content")
NO_MESSAGE = 1007  # RFC 6455: data that are not of the message's type


class Channels(VoilaKernelWebsocketHandler):
    """Passes on kernel messages and nothing else, without waiting to send the next."""

    max_message_size = LIMIT

    async def open(self, kernel_id: str) -> None:
        """Send each message at once: held back until the last is acknowledged, an answer takes 40 ms more."""
        self.set_nodelay(True)
        await super().open(kernel_id)

    def on_message(self, message: bytes | str) -> None:
        """Pass a kernel message on; close the connection on anything else."""
        if self.ws_connection is None:
            return  # it was on its way when we closed
        if well_formed(message, self.selected_subprotocol == V1):
            super().on_message(message)
        else:
            self.close(NO_MESSAGE, "not a kernel message")


def well_formed(message: bytes | str, v1: bool) -> bool:
    """Say whether Jupyter can read a message, of its v1 protocol or of the one before."""
    try:
        channel, fields = _read_v1(message) if v1 else _read(message)
        extract_dates(fields[:2])  # the headers', as Jupyter does
    except (ValueError, OverflowError, RecursionError):
        return False
    if channel not in CHANNELS or not all(isinstance(field, dict) for field in fields):
        return False
    return all(isinstance(fields[0].get(name), str) for name in ("msg_id", "msg_type"))


def _read_v1(message: bytes | str) -> tuple[Any, list]:
    channel, *fields = _cut(message, 8, "little", at_least=len(FIELDS) + 2)
    return str(channel, "utf-8"), [json.loads(str(field, "utf-8")) for field in fields[: len(FIELDS)]]


def _read(message: bytes | str) -> tuple[Any, list]:
    text = message if isinstance(message, str) else str(_cut(message, 4, "big", at_least=1)[0], "utf-8")
    document = json.loads(text)
    if not isinstance(document, dict) or (isinstance(message, str) and document.get("buffers")):
        raise ValueError("no object, or buffers outside a binary message")
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # as Jupyter does for the kernel
    return document.get("channel"), [document.get(name) for name in FIELDS]


def _cut(message: bytes | str, width: int, order: Any, at_least: int) -> list[bytes]:
    """Cut a binary message at its offsets: numbers of `width` bytes, and one before them that counts them."""
    if isinstance(message, str):
        raise ValueError("text in place of a binary message")
    count = int.from_bytes(message[:width], order)
    start = width * (count + 1)
    places = range(width, min(start, len(message)), width)
    bounds = [start, *(int.from_bytes(message[i : i + width], order) for i in places), len(message)]
    if count < at_least or bounds != sorted(bounds):
        raise ValueError("the count or the offsets do not fit the message")
    return [message[a:b] for a, b in pairwise(bounds[1:])]
