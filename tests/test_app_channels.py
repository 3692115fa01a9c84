"""What is sent to a kernel's websocket reaches Jupyter only if it is a kernel message."""

import asyncio
import contextlib
import gc
import json
import random
import re
import signal
import struct
import time
from collections.abc import Iterator

import psutil
import pytest
import requests
import websocket
from servers import Server, running
from tornado.websocket import WebSocketClosedError
from visitor import PATIENCE, V1, Visitor, request, v1

from wholesale.app.server import kernels

NO_KERNEL = "00000000-0000-4000-8000-000000000000"


def with_number(message: bytes, at: int, number: int) -> bytes:
    """`message` with its little-endian number `at` (0 is the number of offsets) replaced."""
    return message[: 8 * at] + struct.pack("<Q", number) + message[8 * at + 8 :]


GOOD = v1(request())
NO_ID = {"msg_type": "kernel_info_request"}
HOSTILE = {
    "2**60 parts": struct.pack("<Q", 2**60),
    "nothing": b"",
    "seven bytes": b"\x01" * 7,
    "no parts": struct.pack("<Q", 0) + GOOD[8:],
    "all offsets beyond the end": struct.pack("<7Q", 6, *[2**63] * 6),
    "too few parts": v1(request())[:8].replace(b"\x06", b"\x05") + GOOD[8:],
    "last offset beyond the end": with_number(GOOD, 6, len(GOOD) + 1),
    "offsets that fall": with_number(GOOD, 3, 2**20),
    "a first offset inside the offsets": with_number(GOOD, 1, 8),
    "cut short": GOOD[:-1],
    "a channel that is none": v1(request(channel="iopub")),
    "a channel that no page uses": v1(request(channel="control")),
    "a request to end": v1(request(header=NO_ID | {"msg_id": "a", "msg_type": "shutdown_request"})),
    "code to run": v1(request(header=NO_ID | {"msg_id": "a", "msg_type": "execute_request"})),
    "a channel that is no text": GOOD.replace(b"shell", b"\xff\xfe\xfd\xfc\xfb"),
    "JSON that is none": GOOD.replace(b'"msg_id":', b'"msg_id"!'),
    "a header that is a list": v1(request(header=[])),
    "a header without an id": v1(request(header=NO_ID)),
    "a type that is a number": v1(request(header=NO_ID | {"msg_id": "a", "msg_type": 1})),
    "a date that is none": v1(request(header=NO_ID | {"msg_id": "a", "date": "2024-99-99T99:99:99.9"})),
    "a content that is null": v1(request(content=None)),
    "JSON nested deep": GOOD[: -len("{}")] + b"[" * 100_000,
    "text": json.dumps(request()),
}


def garbled(count: int) -> Iterator[bytes]:
    """Good messages with bytes of their offsets changed, cut and stretched."""
    draw = random.Random(15)
    for _ in range(count):
        message = bytearray(v1(request(), b"buffer"))
        for _ in range(draw.randint(1, 4)):
            message[draw.randrange(40)] = draw.randrange(256)
        del message[draw.randrange(1, len(message)) :]
        yield bytes(message)


def test_a_page_that_goes_without_a_word_leaves_no_traceback(monkeypatch):
    """Tornado notices only as it sends, in a task whose end Jupyter does not wait for."""

    async def gone() -> None:
        raise WebSocketClosedError

    async def send() -> list[dict]:
        complaints: list[dict] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        channels = kernels.Channels.__new__(kernels.Channels)
        channels.ws_connection = object()
        channels.write_message(v1(request(header=NO_ID | {"msg_type": "status"})), binary=True)
        await asyncio.sleep(0.01)
        gc.collect()
        return complaints

    task = lambda *_: asyncio.ensure_future(gone())  # noqa: E731
    monkeypatch.setattr(kernels.KernelWebsocketHandler, "write_message", task)
    assert asyncio.run(send()) == []


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_what_no_page_would_send_is_not_well_formed(message):
    assert not kernels.well_formed(message)


@pytest.mark.parametrize("buffers", [(), (b"",), (b"12", b"3")])
@pytest.mark.parametrize("kind", sorted(kernels.ASKED))
def test_what_a_page_sends_is_well_formed_whatever_was_typed(kind, buffers):
    header = request()["header"] | {"date": "2024-02-29T10:00:00.5Z", "msg_type": kind}
    message = request(header=header, content={"value": "2024-99-99T99:99:99.9"})
    assert kernels.well_formed(v1(message, *buffers))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("wholesale", "serve", folder=tmp_path_factory.mktemp("serve")) as server:
        yield server


def test_a_page_whose_kernel_is_gone_and_a_guess_at_jupyter_s_pages_get_404_without_a_traceback(server):
    visitor = Visitor(server)
    visitor.end()
    for url in (visitor.url, visitor.url.replace(visitor.kernel, NO_KERNEL)):
        with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
            websocket.create_connection(url, subprotocols=[V1], timeout=PATIENCE)
    paths = ("logout", "login", "static/x", "voila/api/themes/x", f"voila/query/{NO_KERNEL}")
    assert [requests.get(server.address + path, timeout=PATIENCE).status_code for path in paths] == [404] * 5
    assert re.fullmatch(r"The page is at .*\n", server.log.read_text())


def test_a_message_is_sent_without_waiting_for_the_last_to_be_acknowledged(server):
    connection = Visitor(server).connect()
    with contextlib.closing(connection):
        times = []
        for _ in range(40):  # at first, Linux acknowledges at once
            begun = time.monotonic()
            message = request()
            connection.send(v1(message), websocket.ABNF.OPCODE_BINARY)
            data = b""
            while b'"idle"' not in data or message["header"]["msg_id"].encode() not in data:
                data = connection.recv_frame().data
            times.append(time.monotonic() - begun)
    assert sorted(times)[10] < 0.03  # with Nagle's algorithm 0.04, the delay of an acknowledgement


def test_no_frame_stops_the_server_or_keeps_it_from_ending(server):
    visitor, before = Visitor(server), psutil.Process(server.process.pid).memory_info().rss
    for number, message in enumerate([*HOSTILE.values(), *garbled(30)]):
        if number % (kernels.PATIENCE - 1) == 0:
            visitor = Visitor(server)
        code = visitor.closed_with(message)
        assert code == (None if kernels.well_formed(message) else 1007), message
    with contextlib.suppress(ConnectionError):  # closed before all of it is sent
        assert visitor.closed_with(bytes(kernels.LIMIT + 1)) == 1009
    assert Visitor(server).is_answered()
    assert psutil.Process(server.process.pid).memory_info().rss - before < 50e6
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    assert "Traceback" not in server.log.read_text()
