"""Signing in over real HTTP against the development issuer, and every way it must fail."""

import asyncio

import httpx
import pytest

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam import sessions


async def test_a_visitor_signs_in_and_lands_where_they_wanted(house):
    browser = house.browser()
    assert (await browser.get("/auth/session")).json()["authenticated"] is False
    back = await browser.choose(await browser.to_issuer("/launch?sku=local.cpu.1"), "demo@example.com")
    answer = await browser.send("GET", str(back))
    assert answer.status_code == 303 and answer.headers["location"] == "/launch?sku=local.cpu.1"
    seen = (await browser.get("/auth/session")).json()
    assert seen["principal"]["email"] == "demo@example.com" and seen["tenant"]["name"] == "Demo"
    assert [project["name"] for project in seen["projects"]] == ["default"]
    assert {"tenant_admin", "project_admin"} <= set(seen["roles"]) and seen["operator"] is False
    assert "allocation.create" in seen["permissions"] and seen["csrf_token"]


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(house):
    browser = house.browser()
    answer = await browser.send("GET", str(await browser.choose(await browser.to_issuer(), "demo@example.com")))
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(iam.SESSION_COOKIE))
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age="):
        assert part in cookie
    assert "Domain" not in cookie and cookie.startswith("__Host-")


async def test_an_operator_is_one(house):
    seen = (await (await house.browser().sign_in("admin@example.com")).get("/auth/session")).json()
    assert seen["operator"] is True and "platform.tenant.read" in seen["permissions"]
    assert seen["tenant"]["name"] == "Operator"


async def test_the_sign_in_is_recorded_and_published(house, tx_as):
    await house.browser().sign_in("demo@example.com")
    async with tx_as(role="worker") as tx:
        audited = await tx.value("select count(*) from kernel.audit where action = 'sign_in' and decision = 'allowed'")
        published = await tx.value("select payload ->> 'user_id' from kernel.outbox where type = 'iam.user_signed_in'")
    assert audited == 1 and published == iam.DEMO.user_id


async def refused(browser, url: httpx.URL, code: str = "sign_in_refused", detail: str = "") -> None:
    answer = await browser.send("GET", str(url))
    assert answer.status_code == 401 and answer.json()["code"] == code, answer.text
    assert detail in answer.json()["detail"]
    assert (await browser.get("/auth/session")).json()["authenticated"] is False


async def test_a_forged_state_is_refused(house):
    browser = house.browser()
    back = await browser.choose(await browser.to_issuer(), "demo@example.com")
    await refused(browser, back.copy_set_param("state", "forged"))
    await refused(browser, back.copy_remove_param("state"))


async def test_a_reused_state_is_refused_even_with_a_fresh_code(house):
    browser = house.browser()
    page = await browser.to_issuer()
    first, second = [await browser.choose(page, "demo@example.com") for _ in range(2)]
    assert (await browser.send("GET", str(first))).status_code == 303
    browser.cookies.pop(iam.SESSION_COOKIE)
    await refused(browser, second, detail="finished already")


async def test_a_sign_in_begun_by_another_browser_is_refused(house):
    """Else an attacker could sign a victim in as the attacker."""
    attacker, victim = house.browser(), house.browser()
    back = await attacker.choose(await attacker.to_issuer(), "other@example.com")
    await refused(victim, back)
    await victim.to_issuer()  # now it has a login cookie, of its own attempt
    await refused(victim, back)


async def test_a_code_cannot_be_replayed(house):
    browser = house.browser()
    used = await browser.choose(await browser.to_issuer(), "demo@example.com")
    assert (await browser.send("GET", str(used))).status_code == 303
    browser.cookies.pop(iam.SESSION_COOKIE)
    other = await browser.choose(await browser.to_issuer(), "other@example.com")
    await refused(browser, other.copy_set_param("code", used.params["code"]), detail="did not accept the code")


async def test_a_code_of_another_sign_in_is_refused(house):
    """Code injection: the PKCE verifier of this attempt does not fit another attempt's code."""
    thief, victim = house.browser(), house.browser()
    stolen = (await victim.choose(await victim.to_issuer(), "demo@example.com")).params["code"]
    mine = await thief.choose(await thief.to_issuer(), "other@example.com")
    await refused(thief, mine.copy_set_param("code", stolen), detail="did not accept the code")


async def test_an_answer_of_another_issuer_is_refused(house):
    browser = house.browser()
    back = await browser.choose(await browser.to_issuer(), "demo@example.com")
    await refused(browser, back.copy_set_param("iss", "https://evil.example"), detail="another issuer")


async def test_a_declined_sign_in_is_refused(house):
    browser = house.browser()
    back = await browser.choose(await browser.to_issuer(), "demo@example.com")
    await refused(browser, back.copy_remove_param("code").copy_set_param("error", "access_denied"))


async def test_an_attempt_does_not_wait_for_ever(house, owner_url, database_name):
    import psycopg

    browser = house.browser()
    back = await browser.choose(await browser.to_issuer(), "demo@example.com")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update iam.login_attempts set expires_at = kernel.now() - interval '1 second'")
    await refused(browser, back, detail="took too long")


async def test_only_one_of_two_racing_callbacks_signs_in(house):
    browser = house.browser()
    back = str(await browser.choose(await browser.to_issuer(), "demo@example.com"))
    answers = await asyncio.gather(*(browser.send("GET", back) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303] + [401] * 7


async def test_a_browser_is_told_in_the_portal(house):
    browser = house.browser()
    answer = await browser.get("/auth/callback?state=x&code=y", headers={"Accept": "text/html"})
    assert answer.status_code == 303 and answer.headers["location"] == "/signin?error=sign_in_refused"


async def test_signing_in_ends_the_session_the_browser_came_with(house):
    """Session fixation: a session planted before the sign-in must not become the victim's."""
    browser = await house.browser().sign_in("other@example.com")
    planted = browser.cookies[iam.SESSION_COOKIE]
    await browser.sign_in("demo@example.com")
    assert browser.cookies[iam.SESSION_COOKIE] != planted
    old = house.browser()
    old.cookies[iam.SESSION_COOKIE] = planted
    assert (await old.get("/auth/session")).json()["authenticated"] is False


async def test_an_invented_session_is_never_adopted(house):
    browser = house.browser()
    planted = sessions.new_token("ses")
    browser.cookies[iam.SESSION_COOKIE] = planted
    await browser.sign_in("demo@example.com")
    assert browser.cookies[iam.SESSION_COOKIE] != planted


async def test_signing_out_ends_the_session_on_the_server(house):
    browser = await house.browser().sign_in("demo@example.com")
    kept = browser.cookies[iam.SESSION_COOKIE]
    assert (await browser.act("POST", "/auth/logout")).status_code == 204
    assert not browser.cookies[iam.SESSION_COOKIE]
    browser.cookies[iam.SESSION_COOKIE] = kept
    assert (await browser.get("/auth/session")).json()["authenticated"] is False
    assert (await browser.get("/projects")).status_code == 401


@pytest.mark.parametrize("column", ["idle_expires_at", "absolute_expires_at"])
async def test_a_session_ends_by_itself(house, owner_url, column):
    import psycopg

    browser = await house.browser().sign_in("demo@example.com")
    assert (await browser.get("/projects")).status_code == 200
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(f"update iam.sessions set {column} = kernel.now() - interval '1 second'".encode())
    assert (await browser.get("/projects")).status_code == 401


async def test_using_a_session_keeps_it_alive_but_not_beyond_its_end(house, owner_url):
    import psycopg

    browser = await house.browser().sign_in("demo@example.com")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(
            "update iam.sessions set seen_at = seen_at - interval '1 hour', idle_expires_at = kernel.now() + interval '1 second'"
        )
        await browser.get("/projects")
        idle, end = owner.execute(
            "select extract(epoch from idle_expires_at - kernel.now()), extract(epoch from absolute_expires_at - kernel.now()) from iam.sessions"
        ).fetchone()
    assert idle > 7 * 3600 and end < 7 * 24 * 3600


async def test_a_disabled_user_is_out_at_once(house, owner_url):
    import psycopg

    browser = await house.browser().sign_in("demo@example.com")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update iam.users set disabled_at = kernel.now()")
    assert (await browser.get("/projects")).status_code == 401
    back = await browser.choose(await browser.to_issuer(), "demo@example.com")
    await refused(browser, back, "user_disabled")


async def test_no_token_is_stored_as_it_is(house, owner_url):
    import psycopg

    browser = await house.browser().sign_in("demo@example.com")
    token = browser.cookies[iam.SESSION_COOKIE].encode()
    with psycopg.connect(owner_url) as owner:
        rows = owner.execute("select s::text, token_hash from iam.sessions s").fetchall()
    assert rows and all(token.decode() not in row[0] and token not in row[1] and len(row[1]) == 32 for row in rows)
