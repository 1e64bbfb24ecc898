"""A request that a cookie authenticates must come from our own pages; a bearer cannot be borrowed by another site."""

import pytest

from aifactory.domains.iam import facade as iam

KEY = {"name": "from a test"}
SSH_KEY = {
    "name": "from a program",
    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2ryPKqalmpjrTSIKe87haQMh3cvo6Kvlv8lqCvfbd4",
}


async def signed_in(house):
    return await house.browser().sign_in("demo@example.com")


async def test_the_portal_itself_may_act(house):
    assert (await (await signed_in(house)).act("POST", "/keys", KEY)).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "wrong"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_forged_request_changes_nothing(house, headers):
    browser = await signed_in(house)
    answer = await browser.act("POST", "/keys", KEY, headers)
    assert answer.status_code == 403 and answer.json()["code"] == "csrf_failed"
    assert (await browser.get("/keys")).json()["items"] == []


async def test_the_token_of_another_session_does_not_help(house):
    mine, other = await signed_in(house), await house.browser().sign_in("other@example.com")
    assert (await mine.act("POST", "/keys", KEY, {"X-CSRF-Token": other.csrf})).status_code == 403


async def test_reading_needs_no_token(house):
    browser = await signed_in(house)
    assert (await browser.get("/projects", headers={"Origin": "https://evil.example"})).status_code == 200


async def test_nobody_is_signed_out_by_another_site(house):
    browser = await signed_in(house)
    assert (await browser.act("POST", "/auth/logout", headers={"X-CSRF-Token": ""})).status_code == 403
    assert (await browser.get("/auth/session")).json()["authenticated"] is True


async def test_a_bearer_key_needs_no_token_and_a_cookie_beside_it_is_ignored(house):
    browser = await signed_in(house)
    secret = (await browser.act("POST", "/keys", KEY)).json()["secret"]
    bearer = {"Authorization": f"Bearer {secret}", "X-CSRF-Token": "", "Origin": "https://evil.example"}
    answer = await browser.act("POST", "/ssh-keys", SSH_KEY, bearer)
    assert answer.status_code == 201
    seen = (await browser.get("/auth/session", headers=bearer)).json()
    assert seen["principal"]["kind"] == "api_key" and seen["csrf_token"] is None


async def test_a_dead_cookie_is_a_visitor_and_a_dead_bearer_is_refused(house):
    browser = house.browser()
    browser.cookies[iam.SESSION_COOKIE] = "aif_ses_nonsense"
    assert (await browser.get("/auth/session")).json()["authenticated"] is False
    for header in ("Bearer nonsense", "Bearer aif_key_x_y", "Basic ZGVtbzo=", "Bearer"):
        assert (await browser.get("/auth/session", headers={"Authorization": header})).status_code == 401
