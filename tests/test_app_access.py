"""What strangers to the page's server get: headers, refusals, and nothing at addresses it does not know.

What is sent to a kernel's websocket reaches Jupyter only if it is a message that a page sends.
"""

import asyncio
import contextlib
import gc
import http.client
import json
import random
import re
import signal
import struct
import time
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import uuid4

import psutil
import pytest
import requests
from servers import Server, host_of, running, wait_for
from servers import kernels as processes
from tornado.websocket import WebSocketClosedError
from visitor import NO_KERNEL, OPENING, PATIENCE, Visitor, connect, request, send, status, v1
from voila.app import Voila

from wholesale.app.server import kernels
from wholesale.app.server.access import POLICY
from wholesale.manifest import ROOT

ELSEWHERE = {"Host": "elsewhere.example"}
STYLE = "/voila/templates/wholesale/static/wholesale.css"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("wholesale", "serve", folder=tmp_path_factory.mktemp("serve")) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> SimpleNamespace:
    """Ask for exactly this path, without what a library would add; its answer is read to the end."""
    connection = http.client.HTTPConnection(*host_of(server.address), timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return SimpleNamespace(status=reply.status, headers=reply.headers, text=reply.read().decode())


def health(server: Server) -> dict:
    return json.loads(ask(server, "/api/health").text)


NONE = ("/api/none", "/none", "/voila/static/none", f"/api/kernels/{NO_KERNEL}")
ANSWERS = [*((path, {}, 200) for path in ("/", STYLE, "/api/health")), *((path, {}, 404) for path in NONE)]
ANSWERS += [(path, ELSEWHERE, 403) for path in ("/", STYLE)]
ANSWERS += [("/voila/static/voila.js", {"If-None-Match": "*"}, 304)]


@pytest.mark.parametrize(("path", "headers", "code"), ANSWERS)
def test_every_answer_says_what_browsers_may_do_with_it_and_not_which_server_it_is(
    server, path, headers, code
):
    reply = ask(server, path, **headers)
    policy, told = reply.headers["Content-Security-Policy"], ("X-Content-Type-Options", "Referrer-Policy")
    assert (reply.status, reply.headers["Server"]) == (code, None)
    assert dict(each.split(" ", 1) for each in policy.split("; ")) == POLICY
    assert [reply.headers[name] for name in told] == ["nosniff", "same-origin"]
    assert all("SameSite=" in cookie for cookie in reply.headers.get_all("Set-Cookie", []))


def test_scripts_come_from_this_server_only_and_nobody_frames_the_page():
    assert POLICY["default-src"] == POLICY["frame-ancestors"] == POLICY["base-uri"] == "'none'"
    assert POLICY["script-src"] == POLICY["connect-src"] == "'self'"
    assert not [name for name, sources in POLICY.items() if "*" in sources or "http" in sources]


def test_a_socket_s_handshake_carries_them_too(server):
    with contextlib.closing(Visitor(server).connect()) as connection:
        assert connection.getheaders()["x-content-type-options"] == "nosniff"
        assert "server" not in connection.getheaders()


UNKNOWN = ["/logout", "/login", "/%0d%0aX:1", "/none", "//", "/index.html", "/voila/files/05_predictor.ipynb"]
UNKNOWN += ["/models/kmeans.pkl", "/voila/files/secret", "/voila/templates/lab/static/voila.js"]
UNKNOWN += [f"/voila/query/{NO_KERNEL}", "/voila/api/themes/x", "/voila/tree", "/static/x", "/x" * 4000]


@pytest.mark.parametrize("path", UNKNOWN, ids=lambda path: path[:30])
def test_an_unknown_address_is_not_found_in_the_page_s_own_look(server, path):
    reply = ask(server, path)
    assert reply.status == 404
    assert "There is no such page here." in reply.text and "wholesale.css" in reply.text
    assert not reply.headers["X"] and not reply.headers["Location"]


def test_there_is_no_socket_for_other_purposes_nor_to_a_kernel_that_is_gone(server):
    visitor, query = Visitor(server), server.address.replace("http", "ws", 1) + f"voila/query/{NO_KERNEL}"
    visitor.end()
    for url in (query, visitor.url, visitor.url.replace(visitor.kernel, NO_KERNEL)):
        assert status(connect, url) == 404
    wait_for(lambda: re.fullmatch(r"The page is at .*\n", server.log.read_text()))


def test_other_methods_than_a_page_uses_are_refused(server):
    for path, method in (("/", "POST"), ("/", "HEAD"), (f"/api/kernels/{NO_KERNEL}", "DELETE")):
        assert ask(server, path, method).status in (403, 405), path


SERVED = {"KernelHandler": "Kernel", "VoilaKernelWebsocketHandler": "Channels"}
SERVED |= {"VoilaShutdownKernelHandler": "Goodbye", "TornadoVoilaHandler": "LivePage"}
SERVED |= dict.fromkeys(("TemplateStaticFileHandler", "MultiStaticFileHandler", "FileFindHandler"), "Assets")
"""For each handler of the locked Voila and Jupyter what is served in its place."""

# A page has one look, in its template; no request of another visitor is told of; nor are there other files.
REFUSED = {"ThemesHandler", "RequestInfoSocketHandler", "AllowListFileHandler", "LogoutHandler"}


def test_every_handler_of_the_locked_voila_is_served_or_refused(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    voila = Voila(notebook_path=str(ROOT / "notebooks" / "05_predictor.ipynb"), config_file_paths=[str(ROOT)])
    voila.initialize(argv=[])
    voila.server_url, voila.identity_provider = "/", voila.identity_provider_class(token="")
    assert {kind.__name__ for _, kind, *_ in voila.init_handlers()} == {*SERVED, *REFUSED}


def test_a_kernel_answers_its_visitor_and_nobody_else(server):
    visitor, other = Visitor(server), Visitor(server)
    other.kernel, other.url = visitor.kernel, visitor.url
    about = f"{server.address}api/kernels/{visitor.kernel}"
    assert visitor.browser.get(about, timeout=PATIENCE).json()["id"] == visitor.kernel
    assert other.browser.get(about, timeout=PATIENCE).status_code == 404
    assert status(other.connect) == 404
    other.end()  # it is told that all is well, and nothing happens
    assert visitor.is_answered()
    visitor.end()
    assert status(visitor.connect) == 404


@pytest.mark.parametrize("cookie", [None, "of-a-server-that-ended"])
def test_one_browser_may_have_several_pages_and_an_old_cookie(server, cookie):
    browser = requests.Session()
    if cookie:
        browser.cookies.set(f"username-127-0-0-1-{server.address.split(':')[2][:-1]}", cookie)
    first, second = Visitor(server, browser), Visitor(server, browser)
    assert first.kernel != second.kernel and first.is_answered() and second.is_answered()


def test_pages_that_a_browser_without_a_cookie_opens_at_once_are_one_visitor_s(server):
    first, second = Visitor(server), Visitor(server)  # neither has seen the other's answer
    first.browser.cookies.update(second.browser.cookies)
    second.browser = first.browser
    assert first.is_answered() and second.is_answered()
    first.end()
    assert second.is_answered() and Visitor(server, first.browser).is_answered()


def test_a_kernel_s_traceback_reaches_nobody(server):
    visitor = Visitor(server)
    wrong = {"comm_id": visitor.model(), "data": {"method": "update", "state": {"_dom_classes": 5}}}
    with contextlib.closing(visitor.connect()) as connection:
        send(connection, "comm_msg", **wrong)
        send(connection, "kernel_info_request")
        received = b""
        while b"kernel_info_reply" not in received:
            received += connection.recv_frame().data
    assert b"Traceback" not in received and b"site-packages" not in received


def test_a_visitor_who_goes_on_sending_what_no_page_would_loses_the_kernel(server):
    visitor, before = Visitor(server), health(server)["refused_messages"]
    assert {visitor.closed_with(b"") for _ in range(10)} == {1007}
    assert status(visitor.connect) == 404
    assert health(server)["refused_messages"] == before + 10
    assert "Traceback" not in server.log.read_text()


GOOD = v1(request())
NO_ID = {"msg_type": "kernel_info_request"}
ID = NO_ID | {"msg_id": "a"}


CONTROL = {"target_name": "jupyter.widget.control", "data": {}}


def with_number(at: int, number: int) -> bytes:
    """`GOOD` with its little-endian number `at` (0 is the number of offsets) replaced."""
    return GOOD[: 8 * at] + struct.pack("<Q", number) + GOOD[8 * at + 8 :]


HOSTILE = {
    "2**60 parts": struct.pack("<Q", 2**60),
    "nothing": b"",
    "seven bytes": b"\x01" * 7,
    "no parts": with_number(0, 0),
    "all offsets beyond the end": struct.pack("<7Q", 6, *[2**63] * 6),
    "too few parts": with_number(0, 5),
    "last offset beyond the end": with_number(6, len(GOOD) + 1),
    "offsets that fall": with_number(3, 2**20),
    "a first offset inside the offsets": with_number(1, 8),
    "cut short": GOOD[:-1],
    "a channel that is no text": GOOD.replace(b"shell", b"\xff\xfe\xfd\xfc\xfb"),
    "JSON that is none": GOOD.replace(b'"msg_id":', b'"msg_id"!'),
    "a header that is a list": v1(request(header=[])),
    "a header without an id": v1(request(header=NO_ID)),
    "a date that is none": v1(request(header=ID | {"date": "2024-99-99T99:99:99.9"})),
    "a content that is null": v1(request(content=None)),
    "JSON nested deep": GOOD[: -len("{}")] + b"[" * 100_000,
    "text": json.dumps(request()),
}
HOSTILE |= {f"channel {name}": v1(request(channel=name)) for name in ("iopub", "control")}  # no page uses it
TYPES = ("shutdown_request", "execute_request", 1, [])  # to end, and code to run
HOSTILE |= {f"type {kind}": v1(request(header=ID | {"msg_type": kind})) for kind in TYPES}
HOSTILE |= {f"id {name!a}": v1(request(header=NO_ID | {"msg_id": name})) for name in ("\ud800", [], None)}
HOSTILE["a header that no encoding has"] = v1(request(header=request()["header"] | {"session": "\ud800"}))
HOSTILE |= {
    f"{kind} of {name!a}": v1(request(header=ID | {"msg_type": kind}, content={"comm_id": name} | CONTROL))
    for kind in sorted(kernels.OF_WIDGETS)
    for name in ("\ud800", ["a"], 1, None)
}
HOSTILE |= {
    f"comm_open to {name}": v1(
        request(header=ID | {"msg_type": "comm_open"}, content={"comm_id": "a", "target_name": name})
    )
    for name in ("jupyter.widget", "none", [], None)
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
    said = {"comm_id": uuid4().hex, "value": "2024-99-99T99:99:99.9 \ud800"}
    message = request(header=header, content=said | CONTROL)
    assert kernels.well_formed(v1(message, *buffers))


def test_a_message_is_sent_without_waiting_for_the_last_to_be_acknowledged(server):
    with contextlib.closing(Visitor(server).connect()) as connection:
        times = []
        for _ in range(40):  # at first, Linux acknowledges at once
            begun, message, data = time.monotonic(), request(), b""
            connection.send_binary(v1(message))
            while b'"idle"' not in data or message["header"]["msg_id"].encode() not in data:
                data = connection.recv_frame().data
            times.append(time.monotonic() - begun)
    assert sorted(times)[10] < 0.03  # with Nagle's algorithm 0.04, the delay of an acknowledgement


OTHERS = [{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Mode": "cors"}]
OTHERS += [OPENING | {"Sec-Fetch-Dest": "iframe"}, OPENING | {"Sec-Purpose": "prefetch"}]


@pytest.mark.parametrize("headers", [OPENING, *OTHERS])
def test_only_who_opens_the_page_takes_a_kernel(server, headers):
    before = health(server)["open_pages"]
    assert ask(server, "/", **headers).status == (403 if headers in OTHERS else 200)
    assert health(server)["open_pages"] == before + (headers not in OTHERS)


def test_a_look_in_the_address_is_ignored(server):
    for look in ("template=lab", "theme=light", "template=none"):
        assert 'class="wc-header"' in ask(server, f"/?{look}", **OPENING).text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with places for seven pages."""
    with running("wholesale", "serve", "--pages", "7", folder=tmp_path_factory.mktemp("small")) as server:
        wait_for(lambda: health(server)["open_pages"] == 0)
        yield server


def test_places_are_counted_by_address_and_in_all_and_are_free_again(small):
    assert [ask(small, "/").status for _ in range(6)] == [200] * 5 + [503]
    assert ask(small, "/", **{"X-Forwarded-For": "192.0.2.1"}).status == 503  # no proxy says so
    visitors = [Visitor(small) for _ in range(2)]
    said, reply = health(small), ask(small, "/", **OPENING)
    assert (said["status"], said["open_pages"], said["open_pages_at_most"]) == ("full", 7, 7)
    assert reply.status == 503 and 'http-equiv="refresh"' in reply.text and kernels.FULL in reply.text
    assert len(processes(small)) == 7
    visitors[0].end()
    assert health(small)["status"] == "ok"
    assert Visitor(small).has_widgets()


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
