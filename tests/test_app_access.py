"""What strangers to the page's server get: headers, refusals, and nothing at addresses it does not know."""

import contextlib
import http.client
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import websocket
from servers import Server, running
from visitor import PATIENCE, V1, Visitor
from voila.app import Voila

from wholesale.app.server.access import POLICY
from wholesale.manifest import ROOT

NO_KERNEL = "00000000-0000-4000-8000-000000000000"
ELSEWHERE = {"Host": "elsewhere.example"}
STYLE = "/voila/templates/wholesale/static/wholesale.css"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("wholesale", "serve", folder=tmp_path_factory.mktemp("serve")) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> SimpleNamespace:
    """Ask for exactly this path, without what a library would add; its answer is read to the end."""
    host, port = server.address.split("/")[2].split(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return SimpleNamespace(status=reply.status, headers=reply.headers, text=reply.read().decode())


def directives(policy: str) -> dict[str, str]:
    return dict(each.split(" ", 1) for each in policy.split("; "))


ANSWERS = [
    ("/", {}, 200),
    (STYLE, {}, 200),
    ("/voila/static/voila.js", {"If-None-Match": "*"}, 304),
    ("/api/health", {}, 200),
    ("/api/none", {}, 404),
    ("/none", {}, 404),
    ("/voila/static/none", {}, 404),
    (f"/api/kernels/{NO_KERNEL}", {}, 404),
    ("/", ELSEWHERE, 403),
    (STYLE, ELSEWHERE, 403),
]


@pytest.mark.parametrize(("path", "headers", "status"), ANSWERS)
def test_every_answer_says_what_browsers_may_do_with_it_and_not_which_server_it_is(
    server, path, headers, status
):
    reply = ask(server, path, **headers)
    assert (reply.status, reply.headers["Server"]) == (status, None)
    assert directives(reply.headers["Content-Security-Policy"]) == POLICY
    assert (reply.headers["X-Content-Type-Options"], reply.headers["Referrer-Policy"]) == (
        "nosniff",
        "same-origin",
    )
    for cookie in reply.headers.get_all("Set-Cookie", []):
        assert "SameSite=" in cookie, cookie


def test_scripts_come_from_this_server_only_and_nobody_frames_the_page():
    assert POLICY["default-src"] == POLICY["frame-ancestors"] == POLICY["base-uri"] == "'none'"
    assert POLICY["script-src"] == POLICY["connect-src"] == "'self'"
    assert not [name for name, sources in POLICY.items() if "*" in sources or "http" in sources]


def test_a_socket_s_handshake_carries_them_too(server):
    connection = Visitor(server).connect()
    with contextlib.closing(connection):
        assert connection.getheaders()["x-content-type-options"] == "nosniff"
        assert "server" not in connection.getheaders()


UNKNOWN = ["/logout", "/login", "/%0d%0aX:1", "/none", "//", "/index.html", "/voila/files/05_predictor.ipynb"]
UNKNOWN += [f"/voila/query/{NO_KERNEL}", "/voila/api/themes/x", "/voila/tree", "/static/x", "/x" * 4000]


@pytest.mark.parametrize("path", UNKNOWN, ids=lambda path: path[:30])
def test_an_unknown_address_is_not_found_in_the_page_s_own_look(server, path):
    reply = ask(server, path)
    assert reply.status == 404
    assert "There is no such page here." in reply.text and "wholesale.css" in reply.text
    assert not reply.headers["X"] and not reply.headers["Location"]


def test_a_socket_that_voila_has_for_other_purposes_is_not_there(server):
    url = server.address.replace("http", "ws", 1) + f"voila/query/{NO_KERNEL}"
    with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
        websocket.create_connection(url, subprotocols=[V1], timeout=PATIENCE)


def test_other_methods_than_a_page_uses_are_refused(server):
    for path, method in (("/", "POST"), ("/", "HEAD"), (f"/api/kernels/{NO_KERNEL}", "DELETE")):
        assert ask(server, path, method).status in (403, 405), path


STANDING_IN = {
    "KernelHandler": "Kernel",
    "VoilaKernelWebsocketHandler": "Channels",
    "VoilaShutdownKernelHandler": "Goodbye",
    "TornadoVoilaHandler": "LivePage",
    "TemplateStaticFileHandler": "Assets",
    "MultiStaticFileHandler": "Assets",
    "FileFindHandler": "Assets",
    "ThemesHandler": None,  # the page has one look, in its template
    "RequestInfoSocketHandler": None,  # tells of another visitor's request
    "AllowListFileHandler": None,  # the files beside the notebook
    "LogoutHandler": None,
}
"""For each handler of the locked Voila and Jupyter what is served in its place; None: it is refused."""


def test_every_handler_of_the_locked_voila_is_served_or_refused(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    voila = Voila(notebook_path=str(ROOT / "notebooks" / "05_predictor.ipynb"), config_file_paths=[str(ROOT)])
    voila.initialize(argv=[])
    voila.server_url, voila.identity_provider = "/", voila.identity_provider_class(token="")
    assert {kind.__name__ for _, kind, *_ in voila.init_handlers()} == set(STANDING_IN)
