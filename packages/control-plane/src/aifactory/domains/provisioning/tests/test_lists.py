"""The list of allocations: texts of row versions are kept, and yet it says what is true, to whom it belongs."""

from decimal import Decimal

import psycopg
import pytest

HOSTILE = {"running_cost": "null}", 'a"b': '"],"next_cursor":null}', "%s": "{who}"}


async def listed(factory, **query: object) -> dict:
    return (await factory.get("/allocations?" + "&".join(f"{k}={v}" for k, v in query.items()))).json()


async def test_ones_own_change_is_in_the_list_at_once(factory):
    await factory.a_node()
    made = await factory.launches(name="first", labels=HOSTILE)
    seen = [(await listed(factory))["items"] for _ in range(2)]
    assert seen[0] == seen[1] and seen[0][0]["state"] == "requested" and seen[0][0]["labels"] == HOSTILE
    await factory.work()
    assert (await listed(factory))["items"][0]["state"] == "active"
    await factory.releases(made["id"])
    shown = (await listed(factory))["items"][0]
    assert shown["desired_state"] == "released" and shown["access"] is None


async def test_the_list_says_the_same_as_each_one(factory):
    await factory.a_node()
    await factory.launches(name="first", labels=HOSTILE)
    await factory.launches(name="second")
    await factory.work()
    for _ in range(2):
        factory.pass_seconds(1800)
        for item in (await listed(factory))["items"]:
            alone = await factory.allocation(item["id"])
            same = {"created_at", "updated_at", "activated_at", "running_cost", "isolation", "access"}
            assert {k: v for k, v in item.items() if k not in same} == {k: v for k, v in alone.items() if k not in same}
            assert (item["running_cost"] is None) == (alone["running_cost"] is None)
    costs = [item["running_cost"]["amount"] for item in (await listed(factory))["items"] if item["running_cost"]]
    assert costs and all(Decimal("0.12") <= Decimal(cost) <= Decimal("0.13") for cost in costs)


async def test_pages_follow_each_other_without_loss(factory):
    for number in range(5):
        await factory.launches(name=f"number-{number}")
    names, cursor = [], ""
    for _ in range(3):
        body = await listed(factory, limit=2, **({"cursor": cursor} if cursor else {}))
        names += [item["name"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert names == [f"number-{number}" for number in (4, 3, 2, 1, 0)] and cursor is None


async def test_a_kept_text_is_shown_to_nobody_else(factory):
    await factory.launches(name="mine")
    assert [item["name"] for item in (await listed(factory))["items"]] == ["mine"]
    assert (await factory.get("/allocations", factory.other)).json()["items"] == []


@pytest.mark.parametrize("column", ["labels", "conditions", "release_reason"])
async def test_whatever_changes_a_row_changes_what_is_listed(factory, owner_url, column):
    made = await factory.launches(name="mine")
    await listed(factory)
    value = {"labels": {"seen": "yes"}, "conditions": [], "release_reason": "because"}[column]
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(
            f"update provisioning.allocations set {column} = %s where id = %s",
            (value if isinstance(value, str) else psycopg.types.json.Jsonb(value), made["id"]),
        )
    assert (await listed(factory))["items"][0][column] == value
