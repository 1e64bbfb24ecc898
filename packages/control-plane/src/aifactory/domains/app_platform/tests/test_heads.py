"""Heads that pass between browser and app: read strictly, and changed where somebody must not see or say something."""

import pytest

from aifactory.domains.app_platform.proxy.address import instance_of, origin_of
from aifactory.domains.app_platform.proxy.heads import BadHead, read_request, response_for_browser

INSTANCE = "inst_01j0000000000000000000000a"
HOST = "inst-01j0000000000000000000000a.apps.localhost:8045"
ORIGIN = f"http://{HOST}"


def request(*lines, first="GET /lab?x=1 HTTP/1.1"):
    return read_request("\r\n".join([first, f"Host: {HOST}", *lines, "", ""]).encode())


def test_an_instance_has_one_origin_and_no_other_host_means_it():
    assert origin_of(INSTANCE) == ORIGIN
    assert instance_of(HOST) == INSTANCE
    for other in ("", "127.0.0.1:8045", "apps.localhost:8045", HOST.removesuffix(":8045"), HOST + "1", f"x.{HOST}", "inst-1.apps.localhost:8045", HOST.replace("apps", "evil")):  # fmt: skip
        assert instance_of(other) is None, other


def test_the_app_never_sees_our_cookie():
    told = request("Cookie: a=1; __Host-aif_app=secret; b=2", "Connection: keep-alive").for_app()
    assert b"secret" not in told and b"cookie: a=1; b=2" in told and told.count(b"connection:") == 1
    assert request("Cookie: __Host-aif_app=secret").cookie == "secret"
    assert b"cookie" not in request("Cookie: __Host-aif_app=secret").for_app()


def test_an_upgrade_passes_for_websockets_alone():
    assert b"connection: Upgrade" in request("Upgrade: websocket", "Connection: Upgrade").for_app()
    assert b"upgrade: h2c" not in request("Upgrade: h2c", "Connection: Upgrade").for_app()


@pytest.mark.parametrize(
    ("lines", "forged"),
    [
        ([], False),
        (["Origin: " + ORIGIN, "Upgrade: websocket"], False),
        (["Origin: http://evil.localhost", "Upgrade: websocket"], True),
        (["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"], True),
        (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"], False),
        (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"], True),
        (["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"], False),
    ],
)
def test_another_origins_page_may_follow_a_link_here_and_nothing_else(lines, forged):
    assert request(*lines).forged(ORIGIN) is forged


def test_another_origins_form_is_forged():
    assert request("Origin: http://evil.localhost", first="POST / HTTP/1.1").forged(ORIGIN)
    assert request("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", first="POST / HTTP/1.1").forged(ORIGIN)  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nName : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_not_exactly_one_request_is_refused(head):
    with pytest.raises(BadHead):
        read_request(head)


def test_an_app_sets_no_cookie_for_others_and_none_in_our_name():
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: mine=1; Path=/\r\nSet-Cookie: theirs=1; Domain=apps.localhost\r\nSet-Cookie: __Host-aif_app=x\r\nConnection: keep-alive\r\n\r\n"
    status, told = response_for_browser(head)
    assert status == 200 and told.count(b"set-cookie") == 1 and b"mine=1" in told
    assert b"connection: close" in told and b"frame-ancestors 'self'" in told
    assert response_for_browser(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")[0] == 101
    with pytest.raises(BadHead):
        response_for_browser(b"nonsense\r\n\r\n")
