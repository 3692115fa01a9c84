"""Visitors' kernels: which are handed out and when they are stopped, and what is passed on to them.

``voila.json`` names `PageKernelManager`; `Channels` is a page's connection to a kernel. Jupyter believes a
message: 8 bytes that announce 2⁶⁰ parts keep its reader, and with it the server, busy for good. So each is
checked before. The formats are those of ``jupyter_server.services.kernels.connection.base``.
"""

import asyncio
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, ClassVar
from weakref import WeakSet

from jupyter_client.jsonutil import extract_dates
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

LIMIT = 2**18  # bytes of a message; the page sends some 700, and more only where more is pasted into a field
V1 = "v1.kernel.websocket.jupyter.org"
CHANNELS = ("shell", "control", "stdin")
FIELDS = ("header", "parent_header", "metadata", "content")
GOING_AWAY, NO_MESSAGE = 1001, 1007  # RFC 6455; the latter is for data that are not of the message's type


class PageKernelManager(AsyncMappingKernelManager):
    """Stops the kernels of closed pages, never one whose page is still opening, and hands out no dead one.

    A preheated kernel has been idle, with nobody connected, for as long as it waited. Voila protects it
    in its pool but not between leaving the pool and the browser's connection, so idleness is counted anew
    from when the culler first sees a kernel outside the pool.

    A kernel that died is not started again (``voila.json``), as another would know nothing of the widgets
    that its page has or is about to get.
    """

    handed_out: ClassVar[WeakSet] = WeakSet()
    fill_if_needed: Any  # this and the pools are Voila's, in a class that it derives from this one
    _pools: ClassVar[Any] = {}

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Stop a kernel that has long been idle and unconnected; Voila asks only about handed-out ones."""
        kernel = self.get_kernel(kernel_id)
        if kernel not in self.handed_out:
            self.handed_out.add(kernel)
            kernel.last_activity = datetime.now(UTC)  # type: ignore[attr-defined]  # Jupyter's own addition
        await super().cull_kernel_if_idle(kernel_id)

    async def renew(self) -> None:
        """Take kernels that have died, or never started, out of Voila's pools, and start others."""
        for notebook, pool in self._pools.items():
            ready = False
            for started in list(pool):
                if not ready:  # what is handed out next may die as it starts
                    await asyncio.wait([started])
                if not started.done() or await self._lives(started):
                    ready = True
                elif started in pool:  # it may have been handed out meanwhile
                    pool.remove(started)
                    _expect_failure(started)
            self.fill_if_needed(delay=0, notebook_name=notebook)

    async def _lives(self, started: asyncio.Task) -> bool:
        if started.cancelled() or started.exception():
            return False
        kernel_id = started.result()["kernel_id"]
        return kernel_id in self and await self.is_alive(kernel_id)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        super()._handle_kernel_died(kernel_id)
        self.renewing = asyncio.ensure_future(self.renew())

    async def end(self) -> None:
        """End every kernel, those that are just starting too, at once: they hold nothing to be saved."""
        starting = [task for pool in self._pools.values() for task in pool]
        await asyncio.gather(*starting, return_exceptions=True)
        for kernel in list(self._kernels.values()):  # Jupyter begins with an interrupt, which kernels report
            kernel.stop_restarter()
            if kernel.provisioner:
                await kernel.provisioner.kill()
        await self.shutdown_all(now=True)


def _expect_failure(dead: asyncio.Task) -> None:
    """Keep asyncio from complaining that nobody asks how a dead kernel's run of the notebook ended."""
    if not dead.cancelled() and not dead.exception():
        dead.result()["task"].add_done_callback(lambda run: run.cancelled() or run.exception())


class Channels(VoilaKernelWebsocketHandler):
    """Passes on kernel messages and nothing else, without waiting to send the next."""

    max_message_size = LIMIT
    connected: ClassVar[WeakSet] = WeakSet()

    async def open(self, kernel_id: str) -> None:
        """Send each message at once: held back until the last is acknowledged, an answer takes 40 ms more."""
        self.set_nodelay(True)
        self.connected.add(self)
        await super().open(kernel_id)

    @classmethod
    def close_all(cls, kernel_id: str) -> None:
        """Tell pages that still look at a kernel that it has ended; its last message may not have come."""
        for channels in [channels for channels in cls.connected if channels.kernel_id == kernel_id]:
            channels.close(GOING_AWAY, "the kernel has ended")

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
