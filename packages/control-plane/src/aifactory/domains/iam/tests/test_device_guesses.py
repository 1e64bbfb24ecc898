"""A signed-in person who tries user codes at random is stopped long before one of them fits."""

import asyncio

import psycopg

from aifactory.domains.iam.device_login import GUESSES


async def a_code(house) -> str:
    return (await house.browser().send("POST", "/api/v3/auth/device", json={})).json()["user_code"]


async def guess(browser, code: str = "BBBB-BBBB", verb: str = "approve"):
    return await browser.act("POST", f"/auth/device/{verb}", {"user_code": code})


async def test_wrong_codes_are_counted_and_then_even_a_right_one_must_wait(house, owner_url):
    browser, code = await house.browser().sign_in("demo@example.com"), await a_code(house)
    answers = await asyncio.gather(*(guess(browser, verb=verb) for verb in ("approve", "deny") * GUESSES))
    assert sorted(answer.status_code for answer in answers) == [404] * GUESSES + [429] * GUESSES
    stopped = await guess(browser, code)
    assert (stopped.status_code, stopped.json()["code"]) == (429, "too_many_codes")
    assert 0 < int(stopped.headers["retry-after"]) <= 600 and stopped.json()["todo"]
    with psycopg.connect(owner_url, autocommit=True) as owner:
        audited = owner.execute(
            "select actor_name, reason, count(*) from kernel.audit where action = 'device.decide' group by 1, 2"
        ).fetchall()
    assert audited == [("demo@example.com", "unknown_code", GUESSES)]


async def test_somebody_elses_guesses_stop_nobody_else(house):
    guesser = await house.browser().sign_in("demo@example.com")
    for _ in range(GUESSES):
        await guess(guesser)
    other = await house.browser().sign_in("other@example.com")
    assert (await guess(other, await a_code(house))).status_code == 204


async def test_who_waited_may_try_again(house, owner_url):
    browser, code = await house.browser().sign_in("demo@example.com"), await a_code(house)
    for _ in range(GUESSES):
        await guess(browser)
    assert (await guess(browser, code)).status_code == 429
    with psycopg.connect(owner_url, autocommit=True) as owner:  # a code lives for ten minutes too: give it longer
        owner.execute("update iam.device_grants set expires_at = expires_at + interval '1 hour'")
        owner.execute("alter table kernel.audit disable trigger append_only")
        owner.execute("update kernel.audit set occurred_at = occurred_at - interval '601 seconds'")
    assert (await guess(browser, code)).status_code == 204
