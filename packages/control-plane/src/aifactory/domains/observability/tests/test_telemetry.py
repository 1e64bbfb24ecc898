"""A node tells about itself and what it holds; a tenant sees its own, an operator all, and nobody what was made up."""

from datetime import timedelta

import psycopg
import pytest

from aifactory.domains.observability.measuring import forget_old
from aifactory.domains.observability.telemetry import kept_hours
from aifactory.domains.observability.tests.conftest import cpu
from aifactory_protocol import Metric, Point, ResourceAttributes, ResourceMetrics


def count(owner_url: str, table: str) -> int:
    with psycopg.connect(owner_url) as connection:
        return connection.execute(f"select count(*) from observability.{table}").fetchone()[0]


async def test_a_tenant_sees_what_its_allocation_uses(factory):
    node = await factory.a_node()
    allocation = await factory.an_allocation(node)
    slot, at = await factory.slot_index(allocation), factory.now()
    assert await factory.told(
        node, factory.batch(cpu(at, 0.5, 1.5, slot=slot, allocation=allocation["id"]), cpu(at, 3))
    ) == (3, 0)
    points = await factory.cpu_shown(allocation_id=allocation["id"], step=60)
    assert sum(point["value"] for point in points) / len(points) == pytest.approx(1.0, abs=0.5)
    answer = (await factory.asked(allocation_id=allocation["id"])).json()
    assert answer["series"][0]["unit"] == "{cpu}" and answer["kept_hours"] == 6
    (shown,) = await factory.cpu_shown("operator", node_id=node.node_id)
    assert shown["value"] == 3.0


async def test_another_tenants_allocation_answers_like_one_that_never_was(factory):
    node = await factory.a_node()
    allocation = await factory.an_allocation(node)
    foreign = await factory.asked(factory.other, allocation_id=allocation["id"])
    unknown = await factory.asked(factory.other, allocation_id="alloc_" + "0" * 26)
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json()["code"] == unknown.json()["code"]
    assert foreign.json()["detail"].replace(allocation["id"], "X") == unknown.json()["detail"].replace(
        "alloc_" + "0" * 26, "X"
    )


async def test_figures_of_a_simulated_region_say_that_they_are_made_up(factory, owner_url):
    node = await factory.a_node()
    allocation = await factory.an_allocation(node)
    assert (await factory.asked(allocation_id=allocation["id"])).json()["simulated"] is False
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update platform_control.regions set simulated = true")
    assert (await factory.asked(allocation_id=allocation["id"])).json()["simulated"] is True
    assert (await factory.asked("operator", node_id=node.node_id)).json()["simulated"] is True


async def test_nodes_are_for_operators_and_an_unknown_node_is_a_404(factory):
    node = await factory.a_node()
    for node_id in (node.node_id, "node_" + "0" * 26):
        refused = await factory.asked(node_id=node_id)
        assert (refused.status_code, refused.json()["permission"]) == (403, "platform.telemetry.read")
    assert (await factory.asked("operator", node_id="node_" + "0" * 26)).status_code == 404
    assert (await factory.asked("operator", node_id=node.node_id)).json()["series"] == []


async def test_an_agent_that_lies_about_a_foreign_allocation_writes_nothing(factory, owner_url):
    """Neither another node's allocation, nor another slot of its own, nor a slot without its allocation."""
    honest, liar = await factory.a_node(1, "honest"), None
    allocation = await factory.an_allocation(honest)
    liar = await factory.a_node(2, "liar")
    own = await factory.an_allocation(liar, factory.other)
    slot, own_slot, at = await factory.slot_index(allocation), await factory.slot_index(own), factory.now()
    for resource in (
        cpu(at, 1, slot=slot, allocation=allocation["id"]),
        cpu(at, 1, slot=own_slot, allocation=allocation["id"]),
        cpu(at, 1, slot=1 - own_slot, allocation=own["id"]),
        cpu(at, 1, slot=own_slot),
        cpu(at, 1, allocation=own["id"]),
    ):
        assert await factory.told(liar, factory.batch(resource)) == (0, 1)
    assert count(owner_url, "sandbox_looks") == 0


async def test_a_released_allocation_gets_no_points_of_the_next_one(factory, owner_url):
    node = await factory.a_node(1)
    first = await factory.an_allocation(node)
    await factory.releases(first["id"])
    await factory.settle_down()
    second = await factory.an_allocation(node, factory.other)
    slot, at = await factory.slot_index(second), factory.now()
    assert await factory.told(node, factory.batch(cpu(at, 1, slot=slot, allocation=first["id"]))) == (0, 1)
    assert await factory.told(node, factory.batch(cpu(at, 1, slot=slot, allocation=second["id"]))) == (1, 0)
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute("select tenant_id, allocation_id from observability.sandbox_looks").fetchall()
    assert rows == [(factory.other, second["id"])]


async def test_the_same_batch_again_changes_nothing(factory, owner_url):
    node = await factory.a_node()
    batch = factory.batch(cpu(factory.now(), 1, 2))
    assert await factory.told(node, batch) == (2, 0)
    assert await factory.told(node, batch) == (0, 0)
    late = factory.batch(cpu(factory.now(), 5), sequence=1)
    assert await factory.told(node, late) == (0, 0)
    restarted = factory.batch(cpu(factory.now(), 5), stream="stream-2", sequence=1)
    assert await factory.told(node, restarted) == (1, 0)
    assert count(owner_url, "node_looks") == 3


@pytest.mark.parametrize("ahead", [-7_200.0, 7_200.0])
async def test_a_clock_that_is_off_is_replaced_by_ours_at_arrival(factory, ahead):
    node = await factory.a_node()
    theirs = factory.now() + timedelta(seconds=ahead)
    assert await factory.told(node, factory.batch(cpu(theirs, 1, 2, 3), ahead=ahead)) == (3, 0)
    last_minute = (factory.now() - timedelta(seconds=60)).isoformat()
    points = await factory.cpu_shown("operator", node_id=node.node_id, step=1, since=last_minute)
    assert [point["value"] for point in points] == [1.0, 2.0, 3.0]


async def test_a_clock_within_bounds_is_believed_and_old_or_future_points_are_not(factory):
    node, now = await factory.a_node(), factory.now()
    old, future = cpu(now - timedelta(hours=1), 1), cpu(now + timedelta(minutes=5), 1)
    assert await factory.told(node, factory.batch(old, future, cpu(now, 7), ahead=3)) == (1, 2)


async def test_metrics_that_the_protocol_does_not_know_are_not_kept(factory):
    node, at = await factory.a_node(), factory.now()
    metrics = [Metric("cpu.usage", "%", [Point(at, 1)]), Metric("secret.figure", "1", [Point(at, 1)])]
    assert await factory.told(node, factory.batch(ResourceMetrics(ResourceAttributes(), metrics))) == (0, 2)


async def test_a_batch_beyond_the_limits_is_refused_with_the_field(factory):
    node = await factory.a_node()
    many = factory.batch(cpu(factory.now(), *range(100)))
    refused = await factory.tells(node, many)
    assert refused.status_code == 422 and "points" in refused.json()["field"]
    node.node_id = "node_" + "0" * 26
    assert (await factory.tells(node, factory.batch(cpu(factory.now(), 1)))).status_code == 404


async def test_a_long_time_is_shown_in_at_most_three_hundred_points(factory):
    node = await factory.a_node()
    for _ in range(8):
        assert (await factory.told(node, factory.batch(cpu(factory.now(), *range(60)))))[0] == 60
        factory.pass_seconds(60)
    points = await factory.cpu_shown(
        "operator", node_id=node.node_id, step=1, since=(factory.now() - timedelta(hours=1)).isoformat()
    )
    assert 30 < len(points) <= 300
    assert len(await factory.cpu_shown("operator", node_id=node.node_id, step=600)) <= 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "allocation_id"),
        ({"allocation_id": "a", "node_id": "b"}, "allocation_id"),
        ({"node_id": "N", "names": "nonsense"}, "names"),
        ({"node_id": "N", "since": "2026-11-25T10:00:00"}, "since"),
        ({"node_id": "N", "since": "2099-11-25T10:00:00Z"}, "since"),
        ({"node_id": "N", "step": 0}, "step"),
    ],
)
async def test_a_senseless_question_is_refused_with_the_field(factory, query, field):
    node = await factory.a_node()
    refused = await factory.asked("operator", **{k: node.node_id if v == "N" else v for k, v in query.items()})
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_points_are_forgotten_after_the_hours_that_the_operator_keeps_them(factory, owner_url, monkeypatch):
    node = await factory.a_node()
    allocation = await factory.an_allocation(node)
    slot = await factory.slot_index(allocation)
    await factory.told(
        node, factory.batch(cpu(factory.now(), 1), cpu(factory.now(), 1, slot=slot, allocation=allocation["id"]))
    )
    factory.pass_seconds(2 * 3600)
    await factory.told(node, factory.batch(cpu(factory.now(), 1)))
    await forget_old(factory.database)
    assert (count(owner_url, "node_looks"), count(owner_url, "sandbox_looks")) == (2, 1)
    monkeypatch.setenv("AIF_TELEMETRY_HOURS", "1")
    await forget_old(factory.database)
    assert (count(owner_url, "node_looks"), count(owner_url, "sandbox_looks")) == (1, 0)


def test_a_senseless_time_of_keeping_is_refused():
    assert (kept_hours({}), kept_hours({"AIF_TELEMETRY_HOURS": "24"})) == (6, 24)
    with pytest.raises(ValueError, match="1 to 744"):
        kept_hours({"AIF_TELEMETRY_HOURS": "0"})
