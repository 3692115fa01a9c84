"""Who may come in when the page is on a network, and by what."""

import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from door import BASE, BEARER, NAME, PASSWORD, TOKEN, certificate, guarded
from jupyter_server.auth.security import passwd
from servers import Server, free_port, refused, running, wait_for
from visitor import NO_KERNEL, OPENING, PATIENCE, Visitor, connect, status

from wholesale.app.server import HOST, access, settle
from wholesale.app.server.access import GUESSES, OPEN, STATIC, Access
from wholesale.app.server.answers import description


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    written = {"hashed": passwd("x", algorithm="sha256"), "plain": "x", "token": "t" * 32, "short": "t"}
    for name, content in written.items():
        (tmp_path / name).write_text(content)
    return {name: tmp_path / name for name in (*written, "none")}


NAMED, OUT = {"allow_host": ["shop.example"]}, "0.0.0.0"
UNSETTLED = [
    (OUT, {}, "say whom, by --password-file FILE, --behind-proxy or --no-password"),
    (OUT, NAMED, "say whom"),
    ("192.0.2.1", NAMED, "say whom"),
    ("some.example", NAMED, "say whom"),
    (OUT, {"no_password": True}, "--allow-host"),
    ("127.0.0.1", {"behind_proxy": True}, "--allow-host"),
    (OUT, NAMED | {"behind_proxy": True}, "--proxy ADDRESS"),
    (OUT, NAMED | {"password_file": "hashed"}, "needs TLS"),
    (OUT, NAMED | {"password_file": "hashed", "no_password": True}, "either"),
    ("127.0.0.1", {"token_file": "token"}, "--token-file is for a server with a password"),
    ("127.0.0.1", {"password_file": "plain"}, "has no hashed password in it; make one by python -c"),
    ("127.0.0.1", {"password_file": "none"}, "cannot be used: No such file"),
    ("127.0.0.1", {"password_file": "hashed", "token_file": "short"}, "20 letters or more"),
    ("127.0.0.1", {"certfile": "plain"}, "go together"),
    ("127.0.0.1", {"certfile": "plain", "keyfile": "plain"}, "cannot be used"),
]
PROXIES = ("localhost", "10.0.0.0/8", "nginx.internal", "192.0.2.7:80", "")
UNSETTLED += [(OUT, NAMED | {"proxy": ["192.0.2.7", each]}, "--proxy takes one address") for each in PROXIES]
NAMES = (
    "https://shop.example/",
    "shop.example:9321",
    "shop.example/",
    "shop example",
    "*",
    "müller.example",
    "",
)
UNSETTLED += [
    (OUT, {"allow_host": [each], "no_password": True}, "--allow-host takes a name") for each in NAMES
]
BASES = ("seg ments/?x", "/a?b/", "/a#b/", "/%20/", "/müller/", "/../", "a/./b")
UNSETTLED += [("127.0.0.1", {"base_url": each}, "--base-url takes letters") for each in BASES]


@pytest.mark.parametrize(("host", "options", "said"), UNSETTLED)
def test_a_door_is_not_opened_before_all_is_settled(files, host, options, said):
    named = {name: files.get(value, value) for name, value in options.items() if isinstance(value, str)}
    with pytest.raises(ValueError, match=re.escape(said)):
        settle(host, **options | named)


def test_the_sentence_is_what_the_command_says(tmp_path):
    assert refused(free_port(), tmp_path, "--host", OUT).startswith("--host 0.0.0.0 lets other machines in;")


def test_what_is_settled(files):
    alone, proxied = settle("127.0.0.1"), settle("127.0.0.1", **NAMED, behind_proxy=True)
    assert (alone.password, alone.proxies, alone.base) == ("", (), "/")
    assert proxied.proxies == ("127.0.0.1", "::1")
    assert settle(OUT, **NAMED, proxy=["192.0.2.7"]).proxies == ("192.0.2.7",)
    many = settle(OUT, allow_host=["SHOP_1.example", "[2001:DB8::1]"], proxy=["2001:0DB8::0:7"])
    assert (many.names, many.proxies) == (("shop_1.example", "[2001:db8::1]"), ("2001:db8::7",))
    bases = {"a~b.c/": "/a~b.c/", "/": "/", "": "/", "a": "/a/", "/a/b/": "/a/b/"}
    assert {base: settle("::1", base_url=base).base for base in bases} == bases
    assert Access().secret != Access().secret


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_is_shown_as_browsers_take_it(host):
    assert settle(host).host == "::1" and settle(host).shown(80) == "http://[::1]:80/"
    assert Access("::", ("[2001:db8::1]",)).shown(80) == "http://[2001:db8::1]:80/"


def test_another_password_ends_the_logins_by_the_first_and_servers_that_share_a_secret_share_logins(files):
    shared = {"cookie_secret_file": files["token"], "password_file": files["hashed"]}
    one, two = (settle("::1", **shared).secret for _ in range(2))
    files["hashed"].write_text(passwd("another", algorithm="sha256"))
    assert one == two != settle("::1", **shared).secret


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with guarded(tmp_path_factory.mktemp("door"), "--behind-proxy", "--allow-host", NAME) as server:
        yield server


def get(server: Server, path: str, browser: object = requests, **headers: str) -> requests.Response:
    how = {"headers": OPENING | headers, "timeout": PATIENCE, "allow_redirects": False}
    return browser.get(server.address + path, **how)


@pytest.fixture(scope="module")
def browser(door: Server) -> requests.Session:
    """A browser that has logged in."""
    browser = requests.Session()
    reply = log_in(door, PASSWORD, browser)
    assert (reply.status_code, reply.headers["Location"]) == (303, BASE)
    return browser


def log_in(server: Server, password: str, browser: requests.Session | None = None, **headers: str):
    browser = browser or requests.Session()
    sent = {"password": password, "_xsrf": token(server, browser)}
    how = {"headers": headers, "timeout": PATIENCE, "allow_redirects": False}
    return browser.post(f"{server.address}login", data=sent, **how)


def token(server: Server, browser: requests.Session) -> str:
    return re.search(r'name="_xsrf" value="([^"]+)"', get(server, "login", browser).text)[1]


CLOSED = ["api/segments", "api/openapi.json", "api/none", f"api/kernels/{NO_KERNEL}", "none", "login/x"]
CLOSED += ["voila/labextensions/@jupyter-widgets/jupyterlab-manager/package.json", "voila/static/voila.js"]
CLOSED += [f"{STATIC}wholesale.js", f"{STATIC}../static/many.js", "../api/segments", "../login"]


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_login_there_is_nothing(door, path):
    reply = get(door, path)
    assert reply.status_code == 401 and reply.headers["WWW-Authenticate"] == "Bearer"
    assert reply.json()["errors"][0]["reason"].startswith("log in at /segments/login")


def test_the_page_without_a_login_is_the_login_which_is_in_the_page_s_look(door):
    reply = get(door, "?a=1")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/segments/login?a=1")
    assert all(get(door, path).status_code == 200 for path in OPEN)
    assert "wholesale.css" in get(door, "login").text


def test_posts_and_sockets_are_closed_too(door):
    amounts = {"json": {}, "timeout": PATIENCE}
    assert requests.post(door.address + "api/predict", **amounts).status_code == 401
    assert requests.post(f"{door.address}voila/api/shutdown/{NO_KERNEL}", timeout=PATIENCE).status_code == 401
    channels = f"{door.address}api/kernels/{NO_KERNEL}/channels"
    assert status(connect, channels.replace("http", "ws", 1)) == 401


def test_health_says_outside_only_that_the_server_answers(door, browser):
    said, whole = (get(door, "api/health", who).json() for who in (requests, browser))
    assert {name for name, value in said.items() if value is not None} == {"status"}
    assert set(said) == set(whole) and None not in whole.values()


def test_after_the_login_all_is_there_below_the_base_address(door, browser):
    visitor = Visitor(door, browser)
    assert visitor.has_widgets() and visitor.is_answered()
    assert f'"fullStaticUrl": "{BASE}voila/static/' in visitor.page
    assert get(door, "api/openapi.json", browser).json()["servers"] == [{"url": "/segments"}]
    assert get(door, "api/segments", browser).ok
    above = door._replace(address=door.address.removesuffix(BASE[1:]))
    assert get(above, "api/segments", browser).status_code == 401  # the cookie is for below


ODD = [(method, path) for method in ("TRACE", "PROPFIND", "FOO") for path in ("login", "", "none")]
ODD += [("FOO", f"api/kernels/{NO_KERNEL}/channels"), ("FOO", f"voila/api/shutdown/{NO_KERNEL}")]


def test_odd_methods_and_bodies_that_are_no_form_leave_no_traceback(door, browser):
    for who in (requests, browser):
        for method, path in ODD:
            assert who.request(method, door.address + path, timeout=PATIENCE).status_code == 405, path
        form = {"headers": {"Content-Type": "multipart/form-data; boundary=x"}, "timeout": PATIENCE}
        for path in dict(map(reversed, ODD)):
            assert who.post(door.address + path, b"none", **form).status_code == 400, path
    assert "Traceback" not in door.log.read_text()


def test_the_login_s_cookie_is_for_this_site_and_for_no_script(door):
    for protocol, secure in (("http", False), ("https", True)):
        said = log_in(door, PASSWORD, **{"X-Forwarded-Proto": protocol}).headers["Set-Cookie"]
        assert said.startswith("username-") and "HttpOnly" in said
        assert "SameSite=Lax" in said and f"Path={BASE}" in said
        assert ("Secure" in said) == secure


def test_a_login_can_be_ended(door):
    browser, form = requests.Session(), f"{door.address}login"
    assert "Log out" not in get(door, "login", browser).text
    log_in(door, PASSWORD, browser)
    cookie = {name: value for name, value in browser.cookies.items() if name.startswith("username")}
    log_in(door, PASSWORD, browser)
    assert cookie.items() <= browser.cookies.get_dict().items()  # that of its open pages
    assert browser.post(form, {"out": "1"}, timeout=PATIENCE).status_code == 403  # another site's
    out = {"out": "1", "_xsrf": token(door, browser)}
    assert browser.post(form, out, timeout=PATIENCE).url == form
    assert get(door, "api/segments", browser).status_code == 401


def test_a_token_is_for_the_api_and_no_guess_where_it_is_right(door):
    mine = {"X-Forwarded-For": "192.0.2.9"}
    assert {get(door, "api/segments", **BEARER, **mine).status_code for _ in range(GUESSES + 2)} == {200}
    assert get(door, "", **BEARER).status_code == 302
    assert get(door, "api/segments", Authorization=f"Bearer {TOKEN}x").status_code == 401
    assert get(door, f"api/segments?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("by", ["password", "token"])
def test_ten_wrong_guesses_a_minute_are_all_that_an_address_may_make(door, predictor, by):
    mine, other = ({"X-Forwarded-For": f"192.0.2.{len(by)}{number}"} for number in (1, 2))

    def guess(right: bool, **address: str) -> int:
        if by == "password":
            return log_in(door, PASSWORD if right else "wrong", **address).status_code
        said = BEARER["Authorization"] if right else "Bearer wrong"
        return get(door, "api/segments", Authorization=said, **address).status_code

    assert {guess(False, **mine) for _ in range(GUESSES)} == {401}
    assert guess(False, **mine) == guess(True, **mine) == 429
    assert guess(True, **other) in (200, 303)
    if by == "token":
        refusals = description(predictor)["components"]["responses"]
        for reply in (get(door, "api/segments", **BEARER, **mine), get(door, "api/segments")):
            examples = refusals[str(reply.status_code)]["content"]["application/json"]["examples"]
            said = json.loads(reply.text.replace(BASE, "/"))
            assert said in [example["value"] for example in examples.values()]


def test_there_are_no_sixty_seconds_in_which_an_address_has_more_guesses(monkeypatch):
    site, request = SimpleNamespace(guesses=deque()), SimpleNamespace(remote_ip="192.0.2.7")
    allowed = []
    for now in [*range(50, 60), *range(61, 71), 200]:
        monkeypatch.setattr(access.time, "monotonic", lambda now=now: float(now))
        allowed += [now] if access.Site.may_guess(site, request) else []
    assert allowed == [*range(50, 60), 200]


def test_the_server_answers_by_its_names_only_and_no_form_of_another_site_can_log_in(door):
    for host, code in ((NAME, 401), (NAME.upper(), 401), ("other.example", 403)):
        assert get(door, "api/segments", Host=host).status_code == code
    form = {"data": {"password": PASSWORD}, "timeout": PATIENCE}
    assert requests.post(f"{door.address}login", **form).status_code == 403


def test_an_open_door_is_open_by_its_name_and_speaks_https_with_a_certificate(tmp_path):
    cert, key = map(str, certificate(tmp_path))
    options = ("--host", OUT, "--no-password", "--allow-host", NAME, "--certfile", cert, "--keyfile", key)
    with running("wholesale", "serve", *options, folder=tmp_path, scheme="https") as server:
        for host, code in ((NAME, 200), ("other.example", 403)):
            asked = {"headers": {"Host": host}, "verify": cert, "timeout": PATIENCE}
            assert requests.get(f"{server.address}api/segments", **asked).status_code == code
        wait_for(lambda: server.log.read_text())
        assert f"The page is at {server.address.replace(HOST, NAME)} (" in server.log.read_text()
