"""The development issuer believes everybody, so it must be reachable by nobody but this machine."""

from dataclasses import replace

import httpx
import pytest

from aifactory.domains.iam import facade as iam


@pytest.mark.parametrize(
    "change",
    [
        {"http_host": "0.0.0.0"},
        {"http_host": "::"},
        {"http_host": "192.168.1.10"},
        {"agent_host": "0.0.0.0"},
        {"public_url": "https://factory.example"},
        {"public_url": "http://127.0.0.1.evil.example:8042"},
        {"allowed_hosts": ("127.0.0.1", "factory.example")},
        {"allowed_hosts": ("*",)},
        {"oidc_issuer": "https://issuer.example"},
    ],
)
def test_it_does_not_start_beyond_loopback(settings, change):
    with pytest.raises(SystemExit):
        iam.development_issuer(replace(settings, **change))


@pytest.mark.parametrize(
    "change",
    [{}, {"http_host": "::1"}, {"http_host": "localhost"}, {"allowed_hosts": ("localhost", "127.0.0.1", "[::1]")}],
)
def test_it_starts_on_loopback(settings, change):
    assert iam.development_issuer(replace(settings, **change)).routes


async def test_a_rebound_name_is_refused(house):
    answer = await house.browser().send(
        "GET", "/dev-issuer/.well-known/openid-configuration", headers={"Host": "evil.example"}
    )
    assert answer.status_code == 421


async def test_the_page_says_what_it_is_and_runs_no_script(house):
    browser = house.browser()
    answer = await browser.send("GET", str(await browser.to_issuer()))
    assert answer.status_code == 200
    for text in ("development identity provider", "not for production", "demo@example.com", 'lang="en"', "<h1>"):
        assert text in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script" not in answer.text
    assert "form-action 'self'" in policy and "frame-ancestors 'none'" in policy


async def test_what_is_sent_back_is_escaped(house):
    browser = house.browser()
    page = (await browser.to_issuer()).copy_set_param("state", '"><script>alert(1)</script>')
    assert "<script>" not in (await browser.send("GET", str(page))).text


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"client_id": "another"},
        {"response_type": "token"},
        {"scope": "email"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"email": "nobody@example.com"},
        {"email": ""},
    ],
)
async def test_a_wrong_request_gets_no_code(house, change):
    browser = house.browser()
    page = await browser.to_issuer()
    form = dict(page.params) | {"email": "demo@example.com"} | change
    answer = await browser.send("POST", str(page.copy_with(query=None)), data=form)
    assert answer.status_code == 400 and "location" not in answer.headers


async def test_the_token_endpoint_wants_the_verifier_the_client_and_the_address(house, here):
    browser = house.browser()
    for spoil in ({"code_verifier": "x" * 43}, {"client_id": "another"}, {"redirect_uri": "https://evil.example"}, {}):
        back = await browser.choose(await browser.to_issuer(), "demo@example.com")
        form = {
            "grant_type": "authorization_code",
            "code": httpx.URL(back).params["code"],
            "client_id": here.client_id,
            "redirect_uri": here.callback_url,
            "code_verifier": "y" * 43,
        }
        answer = await browser.send("POST", "/dev-issuer/token", data=form | spoil)
        assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant"
