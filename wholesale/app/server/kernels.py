"""Visitors' kernels: who gets one, when they are stopped, and what is passed on to them and from them.

``voila.json`` names `PageKernelManager`; `Channels` is a page's connection to a kernel. Jupyter believes a
message (``jupyter_server.services.kernels.connection.base``): 8 bytes that announce 2⁶⁰ parts keep the server
busy for good. So each is checked before.
"""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, ClassVar
from weakref import WeakSet

import psutil
from jupyter_client.jsonutil import extract_dates
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.web import HTTPError
from traitlets import Int
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

PER_ADDRESS = 5  # pages open at once whose browsers did not say that a person opened them
SPARE = 300 * 2**20  # bytes of memory that kernels leave to the rest of the machine
FULL = "All places at this server are taken."
CROWDED = "As many pages as one address may have are open at yours."

LIMIT = 2**18  # bytes of a message; the page sends some 700, and more only where more is pasted into a field
PATIENCE = 10  # messages refused before a visitor's kernel is ended
V1 = "v1.kernel.websocket.jupyter.org"
FIELDS = ("header", "parent_header", "metadata", "content")
OF_WIDGETS = {"comm_open", "comm_msg", "comm_close"}
ASKED = OF_WIDGETS | {"comm_info_request", "kernel_info_request"}
OPENED = "jupyter.widget.control"  # asks for all widgets; these the kernel opens
TOLD = OF_WIDGETS | {"comm_info_reply", "kernel_info_reply", "status", "shutdown_reply"}
"""What a page sends, and what is sent to it: no output of a kernel, which may be a traceback."""
GOING_AWAY, NO_MESSAGE = 1001, 1007  # RFC 6455; the latter is for data that are not of the message's type


@dataclass(eq=False)
class Visit:
    """A kernel that was handed out, or is about to be; `address` is that of doubtful visitors."""

    visitor: str
    address: str | None
    kernel_id: str | None = None
    refused: int = 0


class PageKernelManager(AsyncMappingKernelManager):
    """Hands out kernels that live, as many as there is room for, and stops those of closed pages.

    A preheated kernel has been idle for as long as it waited, and Voila protects it only in its pool. So
    idleness is counted anew from when the culler first sees it outside. A kernel that died is not started
    again (``voila.json``), as another would know nothing of its page's widgets.
    """

    at_most = Int(10**6, help="Kernels there may be, those that wait included.").tag(config=True)
    handed_out: ClassVar[WeakSet] = WeakSet()
    fill_if_needed: Any  # these are Voila's, in a class that it derives from this
    kernel_pools_config: Any
    parent: Any
    _pools: ClassVar[Any] = {}

    def __init__(self, **given: Any) -> None:
        self.visits: list[Visit] = []
        self.refused = Counter(messages=0, requests=0)
        self.died = False  # a kernel, before it was handed out
        super().__init__(**given)

    def open_visits(self) -> list[Visit]:
        """List the visits whose kernels live, or are about to."""
        return [each for each in self.visits if each.kernel_id is None or each.kernel_id in self]

    def visit(self, kernel_id: str, visitor: str) -> Visit | None:
        """Find the visit that a kernel was handed out for; None unless it was to this visitor."""
        its = (each for each in self.open_visits() if each.kernel_id == kernel_id)
        return next((each for each in its if {*each.visitor.split()} & {*visitor.split()}), None)

    def room(self, waiting: int) -> int:
        """Say how many kernels may wait to be handed out, when as many as these do."""
        short = psutil.virtual_memory().available < SPARE
        return waiting if short else self.at_most - len(self.open_visits())

    @property
    def pool(self) -> list[asyncio.Task]:
        """The kernels that wait, started or about to be: Voila's own list, as it has a single notebook."""
        return next(iter(self._pools.values()), [])

    @property
    def full(self) -> bool:
        """Whether the next visitor has to wait until another leaves."""
        return not self.pool and self.room(0) < 1

    @property
    def failing(self) -> bool:
        """Whether kernels do not start, die unused or cannot run the page, and none is ready."""
        fates = [*map(_fate, self.pool)]
        self.died = (self.died or False in fates) and True not in fates
        return self.died

    def refill(self, delay: float | None = None) -> None:
        """Start kernels until as many wait as should, or as there is room for."""
        for notebook, pool in self._pools.items():  # none any more when all has been shut down
            wanted = self.parent.voila_configuration.default_pool_size
            self.kernel_pools_config["default"]["pool_size"] = min(wanted, self.room(len(pool)))
            self.fill_if_needed(delay=delay, notebook_name=notebook)

    async def hand_out(self, visitor: str, address: str | None) -> dict:
        """Give a kernel and how far it is with the notebook, in Voila's words, or refuse with 503."""
        if address and [each.address for each in self.open_visits()].count(address) >= PER_ADDRESS:
            raise HTTPError(503, CROWDED)
        if not self.pool:
            self.refill(delay=0)
        if not self.pool:
            raise HTTPError(503, FULL)
        self.visits = [*self.open_visits(), visit := Visit(visitor, address)]
        try:
            started = self.pool.pop(0)
            self.refill()
            kernel = await started
            visit.kernel_id = kernel["kernel_id"]
        finally:
            if visit.kernel_id is None:
                self.visits.remove(visit)
        kernel["renderer"].stop_generator = True  # what it has written so far is sent at once
        return kernel

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Stop a kernel that has long been idle and unconnected; Voila asks only about handed-out ones."""
        with suppress(HTTPError):  # it may have ended meanwhile
            kernel = self.get_kernel(kernel_id)
            if kernel not in self.handed_out:
                self.handed_out.add(kernel)
                kernel.last_activity = datetime.now(UTC)  # type: ignore[attr-defined]  # Jupyter's own addition
            await super().cull_kernel_if_idle(kernel_id)

    async def renew(self) -> None:
        """Take kernels that have died, or never started, out of Voila's pools, and start others."""
        ready = False
        for started in [*self.pool]:
            if not ready:  # what is handed out next may die as it starts
                await asyncio.wait([started])
            its = started.result()["kernel_id"] if started.done() and _fate(started) is not False else ""
            if not started.done() or (its in self and await self.is_alive(its)):
                ready = True
            elif started in self.pool:  # it may have been handed out meanwhile
                self.died = True
                self.pool.remove(started)
                if _fate(started) is None:
                    _ask_how_it_ended(started.result()["task"])
                elif not (started.cancelled() or started.exception()):
                    self.end_if_raised(started.result())
        self.refill(delay=0)

    def end_if_raised(self, kernel: dict) -> None:
        """End a kernel that could not run the page: who got it is told so there, and needs no place."""
        if _raised(kernel):
            self.died = True
            self.ending = asyncio.ensure_future(self.shutdown_kernel(kernel["kernel_id"], now=True))

    def _handle_kernel_died(self, kernel_id: str) -> None:
        super()._handle_kernel_died(kernel_id)
        self.renewing = asyncio.ensure_future(self.renew())

    def refuse(self, kernel_id: str, visitor: str) -> None:
        """Count a message that was refused, and end the kernel of who sent too many."""
        self.refused["messages"] += 1
        if visit := self.visit(kernel_id, visitor):
            visit.refused += 1
            if visit.refused == PATIENCE:
                self.visits.remove(visit)
                self.ending = asyncio.ensure_future(self.shutdown_kernel(kernel_id, now=True))

    async def end(self) -> None:
        """End every kernel, those that are just starting too, at once: they hold nothing to be saved."""
        for started in await asyncio.gather(*self.pool, return_exceptions=True):
            if isinstance(started, dict):
                _ask_how_it_ended(started["task"])
        for kernel in list(self._kernels.values()):  # Jupyter begins with an interrupt, which kernels report
            kernel.stop_restarter()
            if kernel.provisioner:
                await kernel.provisioner.kill()
        await self.shutdown_all(now=True)


def _fate(started: asyncio.Task) -> bool | None:
    """Say whether a kernel has started and run the notebook; None while it is at it."""
    if not started.done():
        return None
    if started.cancelled() or started.exception():
        return False
    run = started.result()["task"]
    return not (run.cancelled() or run.exception() or _raised(started.result())) if run.done() else None


def _raised(kernel: dict) -> bool:
    """Say whether a cell raised: Voila goes on without a word, but for what the notebook's copy shows."""
    executor = getattr(kernel["renderer"], "executor", None)
    cells = executor.nb.cells if executor else ()
    return any(each.output_type == "error" for cell in cells for each in cell.get("outputs", ()))


def _ask_how_it_ended(task: asyncio.Future) -> None:
    """Leave asyncio no reason to complain of an exception that nobody asked for."""
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


class Unasked:
    """What is refused before Jupyter knows who asks, such as an odd method, gets its page all the same."""

    def get_current_user(self) -> Any:
        """Name nobody; Jupyter's own would raise."""


class Owned(Unasked):
    """What is asked about a kernel is answered to the visitor it was handed to, and to nobody else."""

    async def prepare(self: Any, **how: Any) -> None:
        await super().prepare(**how)  # type: ignore[misc]
        if not self.kernel_manager.visit(self.path_kwargs["kernel_id"], self.current_user.username):
            raise HTTPError(404, "Kernel does not exist")


class Kernel(Owned, KernelHandler):
    """What a page asks of its kernel before it connects."""

    SUPPORTED_METHODS = ("GET",)


class Goodbye(VoilaShutdownKernelHandler):
    """Ends the kernel of a page that is left, and is content where it has ended already."""

    async def post(self, kernel_id: str) -> None:
        """Answer 204 either way, as nobody is left to tell."""
        self.set_status(204)
        if self.kernel_manager.visit(kernel_id, self.current_user.username):
            await super().post(kernel_id)
            for channels in [each for each in Channels.connected if each.kernel_id == kernel_id]:
                channels.close(GOING_AWAY, "the kernel has ended")  # its last message may not have come


class Channels(Owned, KernelWebsocketHandler):
    """Passes on what widgets say to each other and nothing else, without waiting to send the next."""

    max_message_size = LIMIT
    connected: ClassVar[WeakSet] = WeakSet()
    kernel_manager: Any

    async def prepare(self, **how: Any) -> None:
        """Refuse the protocol before v1, which pages no longer speak."""
        await super().prepare(**how)
        if V1 not in self.request.headers.get("Sec-WebSocket-Protocol", ""):
            raise HTTPError(400, f"the protocol must be {V1}")

    async def open(self, kernel_id: str) -> None:
        """Send each message at once: held back until the last is acknowledged, an answer takes 40 ms more."""
        self.set_nodelay(True)
        self.connected.add(self)
        await super().open(kernel_id)

    def on_message(self, message: bytes | str) -> None:
        """Pass on what a page sends; close the connection on anything else, and for good if that goes on."""
        if self.ws_connection is None:
            return  # it was on its way when we closed
        if well_formed(message):
            super().on_message(message)
        else:
            self.close(NO_MESSAGE, "not a message of the page")
            self.kernel_manager.refuse(self.kernel_id, self.current_user.username)

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Send what a page waits for; to one that has gone, Jupyter would send text."""
        if not (self.ws_connection and awaited(message)):
            return None
        _ask_how_it_ended(sent := super().write_message(message, binary))  # Jupyter does not
        return sent


def awaited(message: bytes) -> bool:
    """Say whether a page waits for a message of its kernel, which says it is busy before each answer."""
    _, header, _, _, content, *_ = cut(message)
    kind = json.loads(header)["msg_type"]
    return kind in TOLD and not (kind == "status" and json.loads(content).get("execution_state") == "busy")


def well_formed(message: bytes | str) -> bool:
    """Say whether Jupyter can read a message of its v1 protocol, and whether a page would send it."""
    try:
        channel, *parts = cut(message)
        fields = [json.loads(str(part, "utf-8")) for part in parts[: len(FIELDS)]]
        extract_dates(fields[:2])  # the headers', as Jupyter does
        json.dumps(fields[0], ensure_ascii=False).encode()  # as in the kernel's answers
    except (ValueError, OverflowError, RecursionError):
        return False
    if channel != b"shell" or not all(isinstance(field, dict) for field in fields):
        return False
    header, _, _, content = fields
    kind, ids = str(header.get("msg_type")), [header.get("msg_id")]
    if kind in OF_WIDGETS:
        ids += [content.get("comm_id")]
    if kind == "comm_open" and content.get("target_name") != OPENED:
        return False
    return kind in ASKED and all(isinstance(each, str) and each.isascii() for each in ids)


def cut(message: bytes | str) -> list[bytes]:
    """Cut a message of the v1 protocol at its offsets: numbers of 8 bytes, after one that counts them."""
    if isinstance(message, str):
        raise ValueError("text in place of a binary message")
    count = int.from_bytes(message[:8], "little")
    start = 8 * (count + 1)
    places = range(8, min(start, len(message)), 8)
    bounds = [start, *(int.from_bytes(message[i : i + 8], "little") for i in places), len(message)]
    if count < len(FIELDS) + 2 or bounds != sorted(bounds):
        raise ValueError("the count or the offsets do not fit the message")
    return [message[a:b] for a, b in pairwise(bounds[1:])]
