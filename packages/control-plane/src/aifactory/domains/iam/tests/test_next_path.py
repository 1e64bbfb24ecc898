"""After signing in a browser goes to a page of ours, whatever `next` says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.domains.iam.next_path import HOME, safe_next
from aifactory.kernel.errors import Problem

REFUSED = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example",
    " /home", "/home ", "/ho me", "https://evil.example", "http://evil.example", "HTTPS://evil.example", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "vbscript:x", "evil.example", "home", ".", "..", "./home", "../home", "?next=/home", "#home", "@evil.example",
    "/%2f/evil.example", "/%2fevil.example", "%2f%2fevil.example", "/%5cevil.example", "/%5c%5cevil.example",
    "/%252fevil.example", "/%25252fevil.example", "/%2525252525252fevil.example", "/%09/evil.example", "/%0a/evil.example",
    "/%0d%0aSet-Cookie:x=y", "/home%0d%0aLocation:%20//evil", "/%00", "/home\x00", "/home\x7f", "/home\u2028", "/\u3000home",
    "/\uff0fevil.example", "/caf\u00e9", "/./home", "/../home", "/a/../../b", "/a/..", "/%2e%2e/home", "/%2e/home", "/a//b",
    "/home?x=%0d%0aSet-Cookie:a=b", "/home?x=a\tb", "/home?x=\\\\evil", "/home#\x00", "/" + "a" * 512, "/api/v3/auth/logout",
    "/api", "/API/v3/keys", "/%61pi/v3/keys", "/dev-issuer/authorize", "/internal/v3/poll",
]  # fmt: skip
TAKEN = [
    "/", "/home", "/launch?sku=local.cpu.1&name=my%20box", "/allocations/alloc_01?tab=events#top", "/catalog?q=a//b",
    "/catalog?back=https://example.com", "/device?user_code=ABCD-EFGH", "/regions?name=%D8%A7", "/a@b", "/a:b", "/apiary",
]  # fmt: skip


def test_there_are_at_least_fifty_forms():
    assert len(set(REFUSED)) >= 50


@pytest.mark.parametrize("raw", REFUSED)
def test_anything_but_a_page_of_ours_is_refused(raw):
    with pytest.raises(Problem) as refused:
        safe_next(raw)
    assert refused.value.code == "invalid_next" and refused.value.status == 400


@pytest.mark.parametrize("raw", TAKEN)
def test_pages_of_ours_are_kept_as_they_are(raw):
    assert safe_next(raw) == raw


@pytest.mark.parametrize("raw", [None, ""])
def test_without_a_wish_one_goes_home(raw):
    assert safe_next(raw) == HOME


@given(st.text(alphabet="/\\.%25cf09 \tabe:@?#h", max_size=24))
def test_what_is_taken_stays_on_this_origin(raw):
    from urllib.parse import unquote, urljoin, urlsplit

    try:
        taken = safe_next(raw)
    except Problem:
        return
    for reading in (taken, unquote(taken)):
        path = reading.partition("?")[0].partition("#")[0]
        assert urlsplit(urljoin("https://portal.example/signin", path)).netloc == "portal.example"


async def test_the_route_refuses_before_anything_is_recorded(house, tx_as):
    answer = await house.browser().get("/auth/login", params={"next": "//evil.example"})
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_next"
    async with tx_as(role="worker") as tx:
        assert await tx.value("select count(*) from iam.login_attempts") == 0
