"""The API remembers who a credential was; what it says is nevertheless what holds at this instant."""

import asyncio

import psycopg
import pytest

from aifactory.domains.iam import facade as iam


@pytest.fixture
async def demo(house):
    return await house.browser().sign_in("demo@example.com")


async def key(demo, **wanted) -> dict[str, str]:
    made = (await demo.act("POST", "/keys", {"name": "k", "scopes": ["viewer"]} | wanted)).json()
    return {"id": made["id"], "Authorization": f"Bearer {made['secret']}"}


async def ask(house, secret: dict[str, str], path: str = "/projects"):
    return await house.browser().get(path, headers={"Authorization": secret["Authorization"]})


async def test_a_revoked_key_is_refused_at_the_very_next_read(house, demo):
    secret = await key(demo)
    assert [(await ask(house, secret)).status_code for _ in range(3)] == [200, 200, 200]
    await demo.act("DELETE", f"/keys/{secret['id']}")
    assert (await ask(house, secret)).status_code == 401


async def test_a_session_that_ended_elsewhere_reads_nothing_more(house, demo, owner_url):
    assert [(await demo.get("/projects")).status_code for _ in range(3)] == [200, 200, 200]
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update iam.sessions set revoked_at = kernel.now(), revocation_reason = 'test'")
    assert (await demo.get("/projects")).status_code == 401


async def test_a_role_that_was_taken_or_given_counts_at_the_very_next_read(house, demo):
    """Somebody whom our own API process knows well, with both answers in its memory."""
    other = await house.browser().sign_in("other@example.com")
    here = {"X-Aif-Tenant": iam.DEMO.tenant_id}
    assert (await other.get("/projects", headers=here)).status_code == 403
    given = await demo.act("POST", "/members", {"email": "other@example.com", "role": "viewer"})
    assert given.status_code == 201, given.text
    await other.sign_in("other@example.com")  # takes the invitation up
    assert [(await other.get("/projects", headers=here)).status_code for _ in range(3)] == [200, 200, 200]
    taken = await demo.act("DELETE", f"/members/{given.json()['id']}")
    assert taken.status_code == 204, taken.text
    assert (await other.get("/projects", headers=here)).status_code == 403


async def test_a_refusal_is_never_taken_from_memory(house, demo):
    """A key whose scope is too small stays refused, is audited each time, and reads what it may."""
    secret = await key(demo, scopes=["quota.read"])
    assert (await ask(house, secret, "/quotas")).status_code == 200
    assert [(await ask(house, secret)).status_code for _ in range(2)] == [403, 403]
    denied = (await demo.get("/audit")).json()["items"]
    assert len([entry for entry in denied if entry["decision"] == "denied"]) == 2


async def test_two_people_with_the_same_question_get_their_own_answers(house, demo):
    other = await house.browser().sign_in("other@example.com")
    for _ in range(3):
        mine, theirs = (await demo.get("/projects")).json(), (await other.get("/projects")).json()
        assert {item["tenant_id"] for item in mine["items"]} == {iam.DEMO.tenant_id}
        assert {item["tenant_id"] for item in theirs["items"]} == {iam.OTHER.tenant_id}


async def test_many_who_ask_the_same_at_once_are_answered_and_refused_alike(house, demo):
    secret, other = await key(demo), await house.browser().sign_in("other@example.com")
    await ask(house, secret), await other.get("/projects")
    mixed = await asyncio.gather(*(ask(house, secret) if n % 2 else other.get("/projects") for n in range(40)))
    owners = [{item["tenant_id"] for item in answer.json()["items"]} for answer in mixed]
    assert owners == [{iam.DEMO.tenant_id} if n % 2 else {iam.OTHER.tenant_id} for n in range(40)]
    assert len({answer.headers["x-request-id"] for answer in mixed}) == 40
    await demo.act("DELETE", f"/keys/{secret['id']}")
    refused = await asyncio.gather(*(ask(house, secret) for _ in range(20)))
    assert {answer.status_code for answer in refused} == {401}
