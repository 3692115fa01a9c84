"""The page behind nginx, by the configuration in docs/."""

from collections.abc import Iterator

import pytest
import requests
from door import BASE, BEARER, NAME, PASSWORD
from proxied import Proxied, pages_open, proxied
from servers import Server
from test_app_door import log_in
from visitor import PATIENCE, Visitor, status

from wholesale.app.server import HOST, answers
from wholesale.app.tabs import LIMIT
from wholesale.manifest import SHIPPED

ROUTE = "wholesale_route"
MADE_UP = {"X-Scheme": "http", "X-Forwarded-Proto": "http"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("nginx")) as site:
        yield site


@pytest.fixture
def door(site: Proxied) -> Server:
    """The page, as one server."""
    return site.servers[0]._replace(address=site.address)


def logged_in(door: Server) -> requests.Session:
    browser = requests.Session()
    assert log_in(door, PASSWORD, browser).headers["Location"] == BASE
    return browser


def test_http_leads_to_https_and_other_names_nowhere(site):
    asked = {"allow_redirects": False, "timeout": PATIENCE}
    reply = requests.get(f"http://{NAME}:{site.plain}/segments/?a=1", **asked)
    assert (reply.status_code, reply.headers["Location"]) == (301, f"{site.address}?a=1")
    assert requests.get(site.address[:-1], **asked).headers["Location"] == site.address
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{HOST}:{site.plain}/segments/", **asked)
    with pytest.raises(requests.exceptions.SSLError):  # no name, no certificate
        requests.get(site.address.replace(NAME, HOST), **asked)
    with pytest.raises(requests.ConnectionError):  # the right name in the handshake, another in the request
        requests.get(site.address, headers={"Host": "other.example"}, **asked)


def test_page_socket_and_api_are_below_the_base_address(site, door):
    visitor = Visitor(door, logged_in(door))
    assert visitor.has_widgets() and visitor.is_answered()
    visitor.end()
    known = requests.get(f"{site.address}api/segments", headers=BEARER, timeout=PATIENCE)
    assert known.ok and known.headers["Strict-Transport-Security"]
    assert requests.get(site.address.replace(BASE, "/api/segments"), timeout=PATIENCE).status_code == 404


def test_a_socket_of_another_site_is_refused(door):
    visitor = Visitor(door, logged_in(door))
    assert status(visitor.connect, origin="https://other.example") == 403
    visitor.end()


def test_a_visitor_stays_on_one_server_and_both_get_visitors(site, door):
    seen = set()
    for _ in range(30):  # by chance, all on one in one run of 500 million
        before, browser = [*map(pages_open, site.servers)], logged_in(door)
        visitors = [Visitor(door, browser) for _ in range(2)]
        more = [pages_open(server) - then for server, then in zip(site.servers, before, strict=True)]
        assert sorted(more) == [0, 2] and all(visitor.is_answered() for visitor in visitors)
        for visitor in visitors:
            visitor.end()
        seen.add(more.index(2))
        if len(seen) == 2:
            break
    assert len(seen) == 2


def test_the_cookie_that_keeps_a_visitor_is_for_this_page_and_no_script_and_is_not_taken_on_trust(site, door):
    reply = requests.get(f"{site.address}login", timeout=PATIENCE)
    (said,) = [each for each in reply.raw.headers.getlist("Set-Cookie") if each.startswith(ROUTE)]
    for part in ("Path=/segments/", "HttpOnly", "Secure", "SameSite=Lax"):
        assert f"; {part}" in said
    again = requests.get(f"{site.address}login", cookies=reply.cookies, timeout=PATIENCE)
    assert ROUTE not in again.cookies
    for odd in ("", "x", "f" * 31, "f" * 33, "G" * 32):
        assert ROUTE in requests.get(f"{site.address}login", cookies={ROUTE: odd}, timeout=PATIENCE).cookies


def test_a_login_holds_at_the_other_server(site, door):
    browser = logged_in(door)
    login = {each.name: each.value for each in browser.cookies if each.name != ROUTE}
    how = {"cookies": login, "headers": {"Host": site.address.split("/")[2]}, "timeout": PATIENCE}
    for server in site.servers:
        assert requests.get(f"{server.address}api/segments", **how).status_code == 200


def test_a_file_that_is_too_large_is_refused_with_the_page_s_own_sentence(site):
    send = {"headers": BEARER | {"Content-Type": "text/csv"}, "timeout": PATIENCE}
    for size in (LIMIT + 1, 2 * LIMIT, 8 * LIMIT):
        reply = requests.post(f"{site.address}api/score", data=b"x" * size, **send)
        assert reply.status_code == 413
        assert reply.json() == {"errors": [answers.fault(answers.TOO_LARGE)]}
    reply = requests.post(f"{site.address}api/score", data=SHIPPED.read_bytes(), **send)
    assert reply.json()["accepted"] == 440
    left = [*(site.folder / "body").rglob("*"), *(site.folder / "proxy").rglob("*")]
    assert not [path for path in left if path.is_file()]


# The last one, as its server then hears no more tokens and passwords for a minute.
def test_what_a_visitor_says_of_its_address_and_protocol_is_not_passed_on(site, door):
    reply = log_in(door, PASSWORD, **MADE_UP)
    (said,) = [each for each in reply.raw.headers.getlist("Set-Cookie") if each.startswith("username")]
    assert "; Secure" in said
    how = {"cookies": {ROUTE: "f" * 32}, "timeout": PATIENCE}  # to one server, which counts wrong tokens
    codes = []
    for i in range(11):
        address = dict.fromkeys(("X-Forwarded-For", "X-Real-IP"), f"192.0.2.{i}")
        headers = address | {"Authorization": "Bearer wrong"}
        codes.append(requests.get(f"{site.address}api/segments", headers=headers, **how).status_code)
    assert codes == [401] * 10 + [429]
