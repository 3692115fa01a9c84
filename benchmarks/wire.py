"""Bytes that a page exchanges with its server, as Chromium reports them."""

import base64
import zlib

from playwright.sync_api import CDPSession


class Wire:
    """Counts a page's bytes as they crossed the wire: responses, and WebSocket messages either way."""

    def __init__(self, session: CDPSession) -> None:
        self.http = self.messages = self.requests = 0
        self.deflate: dict[str, bool] = {}
        self.packers: dict[tuple[str, str], zlib._Compress] = {}
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketHandshakeResponseReceived", self._agreed)
        session.on("Network.webSocketFrameReceived", lambda event: self._frame("down", event))
        session.on("Network.webSocketFrameSent", lambda event: self._frame("up", event))
        session.send("Network.enable")

    def _finished(self, event: dict) -> None:
        self.http += event["encodedDataLength"]
        self.requests += event["encodedDataLength"] > 0

    def _agreed(self, event: dict) -> None:
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        agreed = headers.get("sec-websocket-extensions", "")
        self.deflate[event["requestId"]] = "permessage-deflate" in agreed

    def _frame(self, way: str, event: dict) -> None:
        payload, frame = event["response"]["payloadData"], event["response"]
        message = base64.b64decode(payload) if frame["opcode"] == 2 else payload.encode()
        if self.deflate.get(event["requestId"]):  # Chromium shows messages unpacked: pack them again
            packer = self.packers.setdefault(
                (event["requestId"], way), zlib.compressobj(wbits=-zlib.MAX_WBITS)
            )
            message = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.messages += len(message)
