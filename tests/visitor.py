"""A visitor without a browser: opens the page and talks to its kernel as the page's scripts do."""

import contextlib
import json
import re
import struct
from collections.abc import Callable
from itertools import accumulate
from uuid import uuid4

import pytest
import requests
import websocket
from servers import Server

from wholesale.app.server.kernels import FIELDS, V1, cut

NO_KERNEL = "00000000-0000-4000-8000-000000000000"
OPENING = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}  # as browsers say of an address typed
PATIENCE = 30  # seconds; four kernels may be starting at once


def request(**changes: object) -> dict:
    """A kernel_info_request as the page sends it."""
    header = {"msg_id": uuid4().hex, "msg_type": "kernel_info_request", "session": "s", "username": "u"}
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": {}}
    return message | changes


def v1(message: dict, *buffers: bytes) -> bytes:
    parts = [message["channel"].encode(), *(json.dumps(message[name]).encode() for name in FIELDS), *buffers]
    offsets = list(accumulate(map(len, parts), initial=8 * (len(parts) + 2)))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def connect(url: str, **how: object) -> websocket.WebSocket:
    return websocket.create_connection(url, subprotocols=[V1], timeout=PATIENCE, **how)


def status(connect: Callable, *where: str, **how: object) -> int:
    """What a connection is refused with."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(*where, **how)
    return refused.value.status_code


def send(connection: websocket.WebSocket, kind: str, **content: object) -> None:
    header = request()["header"] | {"msg_type": kind}
    connection.send_binary(v1(request(header=header, content=content)))


def receive(connection: websocket.WebSocket, kind: str) -> dict:
    while True:
        frame = connection.recv_frame()
        assert frame.opcode != websocket.ABNF.OPCODE_CLOSE, frame.data
        if frame.opcode == websocket.ABNF.OPCODE_PING:
            connection.pong(frame.data)
        elif json.loads((parts := cut(frame.data))[1])["msg_type"] == kind:
            return json.loads(parts[4])


class Visitor:
    """A page's kernel, and connections to it."""

    def __init__(self, server: Server, browser: requests.Session | None = None) -> None:
        self.server = server
        self.browser = browser or requests.Session()
        self.page = self.browser.get(server.address, headers=OPENING, timeout=PATIENCE).text
        self.kernel = re.search(r'"kernelId": *"([^"]+)"', self.page).group(1)
        self.url = f"{server.address}api/kernels/{self.kernel}/channels?session_id=".replace("http", "ws", 1)

    def connect(self, **how: object) -> websocket.WebSocket:
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.browser.cookies)
        return connect(self.url + uuid4().hex, cookie=cookie, **how)

    def closed_with(self, message: bytes | str) -> int | None:
        """The code that the server closes the connection with for `message`; None if it goes on answering."""
        with contextlib.closing(self.connect()) as connection:
            opcode = websocket.ABNF.OPCODE_TEXT if isinstance(message, str) else websocket.ABNF.OPCODE_BINARY
            connection.send(message, opcode)
            with contextlib.suppress(BrokenPipeError):
                connection.send_binary(v1(request()))
            while True:
                frame = connection.recv_frame()
                if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                    return struct.unpack(">H", frame.data[:2])[0]
                if b"kernel_info_reply" in frame.data:
                    return None

    def end(self) -> None:
        """Stop the kernel, as a page does that is left."""
        self.browser.cookies.set("_xsrf", "a")
        url, token = f"{self.server.address}voila/api/shutdown/{self.kernel}", {"X-XSRFToken": "a"}
        assert self.browser.post(url, headers=token, timeout=PATIENCE).status_code == 204

    def model(self) -> str:
        """The widget that the page shows; empty if there is none."""
        shown = re.search(r'"model_id": *"(\w+)"', self.page)
        return shown.group(1) if shown else ""

    def has_widgets(self) -> bool:
        """Whether the kernel knows the widgets that the page shows."""
        with contextlib.closing(self.connect()) as connection:
            send(connection, "comm_info_request")
            return self.model() in receive(connection, "comm_info_reply")["comms"]

    def is_answered(self) -> bool:
        return self.closed_with(v1(request())) is None


class Client(Visitor):
    """A visitor who uses the page's widgets: the wish of its script goes in, the answer's HTML comes out."""

    def begin(self) -> None:
        self.socket, states = self.connect(), {}
        send(self.socket, "comm_info_request")
        for comm in receive(self.socket, "comm_info_reply")["comms"]:
            send(self.socket, "comm_msg", comm_id=comm, data={"method": "request_state"})
            states[comm] = receive(self.socket, "comm_msg")["data"]["state"]
        classes = {name: comm for comm, state in states.items() for name in state.get("_dom_classes", ())}
        self.wish, parts = classes["wc-wish"], states[classes["wc-results"]]["children"]
        self.parts = [part.removeprefix("IPY_MODEL_") for part in parts]

    def answer(self, amounts: dict[str, float]) -> str:
        wish = json.dumps({"fill": [f"{amount:.0f}" for amount in amounts.values()]})
        send(self.socket, "comm_msg", comm_id=self.wish, data={"method": "update", "state": {"value": wish}})
        said: dict[str, str] = {}
        while self.parts != [part for part in self.parts if part in said]:
            told = receive(self.socket, "comm_msg")
            if value := told["data"]["state"].get("value"):
                said[told["comm_id"]] = value
        return re.sub('<i class="wc-late".*?</i>', "", "".join(said[part] for part in self.parts))
