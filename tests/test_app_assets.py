import asyncio
import contextlib
import gzip
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from wholesale.app.server.page import ASK_AGAIN, CHUNKS, FOR_GOOD, Assets, fingerprint, shared_scripts

SCRIPT = b"let answer = 42;\n" * 200
SECRET = b"not to be served"
GZIP = {"Accept-Encoding": "gzip, deflate"}
FILES = {
    "secret.js": SECRET,
    "firstborn/secret.js": SECRET,
    "first/voila.js": SCRIPT,
    "first/plain.js": SCRIPT,
    "first/tiny.css": b"a{}",
    "second/plain.js": b"the second",
    "second/deep/12.0123456789abcdef.js": SCRIPT,
    "second/0123456789abcdef0123.woff2": bytes(range(256)),
    "joined.js": b"first();",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two roots, ``first`` and ``second``, and a secret beside them."""
    folder = tmp_path_factory.mktemp("assets")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "first/out.js").symlink_to(folder / "secret.js")
    return folder


@pytest.fixture(scope="module")
def get(folder: Path) -> Iterator:
    """Ask a server in a thread of its own: in this one, another test's event loop may be running."""
    roots = [folder / "first", folder / "second"]
    versioned = {"roots": roots, "for_good": True, "joined": [folder / "joined.js"]}
    rules = [(r"/files/(.*)", Assets, {"roots": roots}), (r"/v1/(.*)", Assets, versioned)]
    (listening, port), done = bind_unused_port(), threading.Event()

    async def serve() -> None:
        (server := HTTPServer(Application(rules))).add_socket(listening)
        await asyncio.to_thread(done.wait)
        server.stop()

    def ask(path: str, headers: dict | None = None, method: str = "GET") -> tuple[int, dict, bytes]:
        """Ask for exactly this path; browsers and libraries would tidy it up first."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request(method, path, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()

    thread = threading.Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    yield ask
    done.set()
    thread.join(timeout=10)


HASHED = ["/files/deep/12.0123456789abcdef.js", "/files/0123456789abcdef0123.woff2", "/files/plain.js?v=0123"]


@pytest.mark.parametrize("path", [*HASHED, "/v1/plain.js", "/v1/voila.js"])
def test_a_file_whose_address_changes_with_it_is_kept_for_good(get, path):
    status, headers, _ = get(path)
    assert (status, headers["Cache-Control"]) == (200, FOR_GOOD)


@pytest.mark.parametrize("path", ["/files/plain.js", "/files/voila.js", "/files/tiny.css?w=1"])
def test_any_other_file_is_asked_for_again_and_sent_only_if_it_changed(get, path):
    status, headers, _ = get(path)
    assert (status, headers["Cache-Control"]) == (200, ASK_AGAIN)
    status, again, body = get(path, {"If-None-Match": headers["ETag"]})
    assert (status, again["Cache-Control"], body) == (304, ASK_AGAIN, b"")
    assert get(path, {"If-None-Match": '"another"'})[0] == 200


def test_a_changed_file_is_sent_anew(get, folder: Path):
    (changing := folder / "first/changing.js").write_bytes(SCRIPT)
    _, before, _ = get("/files/changing.js")
    changing.write_bytes(SCRIPT * 2)
    status, after, body = get("/files/changing.js", {"If-None-Match": before["ETag"]})
    assert (status, body) == (200, SCRIPT * 2)
    assert after["ETag"] != before["ETag"]


ACCEPTED = {"gzip, deflate": "gzip", "gzip, deflate, br, zstd": "br", "deflate, gzip;q=1.0, *;q=0.5": "gzip"}
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}


@pytest.mark.parametrize(("accepted", "how"), ACCEPTED.items())
def test_a_browser_gets_what_is_shortest_of_what_it_reads_and_another_the_plain_file(get, accepted, how):
    _, packed, body = get("/files/plain.js", {"Accept-Encoding": accepted})
    assert (packed["Content-Encoding"], packed["Content-Length"]) == (how, str(len(body)))
    assert UNPACK[how](body) == SCRIPT and len(body) < len(SCRIPT) / 10
    _, plain, body = get("/files/plain.js")
    assert (plain["Content-Encoding"], body) == (None, SCRIPT)
    assert packed["ETag"] != plain["ETag"]
    assert packed["Vary"] == plain["Vary"] == "Accept-Encoding"


def test_types_are_those_of_the_names_and_what_compression_does_not_shorten_is_sent_as_it_is(get):
    types = [get(f"/files/{name}")[1]["Content-Type"] for name in ("plain.js", "tiny.css")]
    assert types == ["text/javascript", "text/css"]
    for name in ("tiny.css", "0123456789abcdef0123.woff2"):
        assert get(f"/files/{name}", GZIP)[1]["Content-Encoding"] is None


def test_the_head_of_a_file_is_that_of_its_whole(get):
    (status, headers, body), (_, full, _) = (get("/files/plain.js", GZIP, how) for how in ("HEAD", "GET"))
    assert (status, body) == (200, b"")
    assert dict(headers) | {"Date": ""} == dict(full) | {"Date": ""}


def test_shared_scripts_come_before_the_main_one_and_only_at_the_versioned_address(get):
    assert get("/v1/voila.js")[2] == b"(()=>{first();\n})();\n" + SCRIPT
    assert get("/v1/plain.js")[2] == SCRIPT  # of the first folder that has it
    assert get("/files/voila.js")[2] == SCRIPT


OUTSIDE = ["../secret.js", "..%2fsecret.js", "%2e%2e/secret.js", "deep/../../secret.js", "out.js"]
OUTSIDE += ["..\\secret.js", "../firstborn/secret.js", "{folder}/secret.js", "/{folder}/secret.js"]
NONE = ["%00", "plain.js%00", "a" * 5000, "deep", "deep/", "", "missing.js"]


@pytest.mark.parametrize("path", OUTSIDE + NONE)
def test_nothing_but_files_below_the_folders_is_served(get, folder: Path, path):
    for start in ("/files/", "/v1/"):
        status, _, body = get(start + path.format(folder=folder))
        assert status == 404 and SECRET not in body


def test_the_fingerprint_changes_with_any_file_and_with_the_joined_scripts(tmp_path: Path):
    root, two = tmp_path / "root", tmp_path / "two.js"
    root.mkdir()
    two.write_text("2")
    found = [(root / "one.js").write_text(text) and fingerprint([root], []) for text in "131"]
    assert found[0] == found[2] != found[1]
    assert fingerprint([root], [two]) != found[0]


def test_shared_scripts_that_do_not_exist_are_left_out(tmp_path: Path):
    assert shared_scripts([tmp_path], [tmp_path]) == []
    first = tmp_path / f"{CHUNKS['voila'].split()[0]}.voila.js"
    name, numbers = next(iter(CHUNKS["extensions"].items()))
    other = tmp_path / name / "static" / f"{numbers.split()[0]}.0123456789abcdef.js"
    other.parent.mkdir(parents=True)
    for file in (first, other):
        file.write_text("")
    assert shared_scripts([tmp_path], [tmp_path]) == [first, other]
