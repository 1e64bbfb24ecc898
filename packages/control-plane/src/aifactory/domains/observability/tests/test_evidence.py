"""One allocation's whole life is told completely, in order, page by page, and to nobody else."""

from collections import Counter
from datetime import timedelta

import psycopg
import pytest

from aifactory.kernel.pagination import encode_cursor

# Independent of the code under test: every row of each table that names the allocation anywhere.
COUNTS = {
    "audit": "select count(*) from kernel.audit where target_id = %(id)s",
    "transition": "select count(*) from kernel.flow_transitions where subject_id = %(id)s",
    "task": "select count(*) from provisioning.tasks where subject_id = %(id)s",
    "event": "select count(*) from kernel.outbox where aggregate = %(id)s or payload::text like '%%' || %(id)s || '%%'",
    "posting": "select count(*) from billing.ledger_lines l join billing.ledger_entries e on e.id = l.entry_id where e.subject_id = %(id)s",
}


def counted(owner_url, allocation_id) -> dict[str, int]:
    with psycopg.connect(owner_url) as connection:
        return {kind: connection.execute(text, {"id": allocation_id}).fetchone()[0] for kind, text in COUNTS.items()}


@pytest.fixture
async def lived(factory):
    """Launched with a volume, run for two hours (so that its hold was extended), released, settled."""
    node = await factory.a_node(1)
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 1}])
    await factory.work()
    assert (await factory.allocation(made["id"]))["state"] == "active"
    for _ in range(4):
        factory.pass_seconds(1800)
        await factory.roll_holds()
        await node.poll()
        await factory.work()
    await factory.releases(made["id"])
    await factory.settle_down()
    assert (await factory.allocation(made["id"]))["state"] == "released"
    return made["id"]


async def asked(factory, tenant=None, **query):
    return await factory.http.get("/api/v3/evidence", params=query, headers=factory.headers(tenant))


async def everything(factory, tenant=None, **query):
    """All pages of an answer."""
    items, cursor = [], None
    while True:
        answer = await asked(factory, tenant, **query, **({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return items


@pytest.mark.parametrize("who", [None, "operator"])
async def test_a_whole_life_is_complete_against_the_database(factory, owner_url, lived, who):
    stored = counted(owner_url, lived)  # before an operator's look, which is a record of its own
    told = await everything(factory, who, id=lived, limit=200)
    assert Counter(item["kind"] for item in told) == stored
    assert min(stored.values()) > 0
    words = " ".join(item["what"] for item in told)
    for expected in (
        "allocation.create",
        "settling → released",
        "sandbox.start: done",
        "allocation_activated",
        "wallet.held",
    ):
        assert expected in words, expected
    assert {item["domain"] for item in told} == {"iam", "platform_control", "provisioning", "billing"}


async def test_small_pages_hold_the_same_story_in_the_same_order(factory, lived):
    whole = await everything(factory, id=lived, limit=200)
    pages = await everything(factory, id=lived, limit=3)
    assert [item["id"] for item in pages] == [item["id"] for item in whole]
    assert len({item["id"] for item in whole}) == len(whole) > 20
    assert [item["at"] for item in whole] == sorted((item["at"] for item in whole), reverse=True)


async def test_it_can_be_asked_by_kind_actor_and_time(factory, lived):
    whole = await everything(factory, id=lived, limit=200)
    tasks = await everything(factory, id=lived, kinds="task")
    assert tasks == [item for item in whole if item["kind"] == "task"]
    both = (
        await factory.http.get(
            f"/api/v3/evidence?id={lived}&kinds=task&kinds=audit&limit=200", headers=factory.headers()
        )
    ).json()
    assert both["items"] == [item for item in whole if item["kind"] in ("task", "audit")]
    person = f"usr_{factory.demo[4:]}"
    mine = await everything(factory, id=lived, actor=person, limit=200)
    assert mine == [item for item in whole if item["actor"] == person] and mine
    middle = whole[len(whole) // 2]["at"]
    later = await everything(factory, id=lived, since=middle, limit=200)
    earlier = await everything(factory, id=lived, until=middle, limit=200)
    assert later + earlier == whole and later and earlier


async def test_another_tenant_is_told_nothing_as_of_an_id_that_never_was(factory, lived):
    assert (await everything(factory, factory.other, id=lived)) == []
    assert (await everything(factory, factory.other, id="alloc_" + "0" * 26)) == []
    others = await everything(factory, factory.other, limit=200)
    assert all(item["tenant_id"] == factory.other for item in others)
    assert lived not in str(others)
    everybodys = await everything(factory, "operator", limit=200)
    assert {item["tenant_id"] for item in everybodys} >= {factory.demo, None}


async def test_senseless_questions_are_refused_with_the_field(factory):
    now = factory.now()
    for query, field in (
        ({"since": now.isoformat(), "until": (now - timedelta(hours=1)).isoformat()}, "until"),
        ({"since": "2026-11-25T10:00:00"}, "since"),
        ({"kinds": "gossip"}, "kinds.0"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": encode_cursor(["not an instant", "x"])}, "cursor"),
        ({"cursor": encode_cursor(["one part"])}, "cursor"),
    ):
        refused = await asked(factory, **query)
        assert (refused.status_code, refused.json()["field"]) == (422, field), query
