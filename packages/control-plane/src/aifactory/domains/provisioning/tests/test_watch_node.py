"""A node in trouble is noticed, its incident says why, and it is over when the node answers again."""

from typing import Any

import pytest

from aifactory.domains.platform_control import demo
from aifactory.domains.provisioning.flows.watch_node import KIND, WatchNode
from aifactory.domains.provisioning.tests.conftest import OPERATOR, Factory
from aifactory.kernel import flow as flows
from aifactory.kernel.flow import check_table
from aifactory.kernel.principal import Principal


async def health(factory: Factory, node_id: str) -> list[str]:
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        return [step.to_state for step in await flows.transitions(tx, KIND, node_id)]


async def missed_deadlines(factory: Factory) -> list[dict[str, Any]]:
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        rows = await tx.all(
            "select payload from kernel.outbox where type = 'kernel.flow_deadline_missed' order by occurred_at, id"
        )
    return [row[0] for row in rows if row[0]["kind"] == KIND]


async def time_passes(factory: Factory, seconds: int, silent: bool = False) -> None:
    """As the schedule does it, every ten seconds; a silent node does not poll meanwhile."""
    for _ in range(seconds // 10):
        factory.pass_seconds(10)
        if silent:
            await factory.runner().run_until_idle()
        else:
            await factory.work()
        await factory.notice_silence()
        await factory.runner().run_until_idle()


def test_the_flow_table_is_sound():
    assert check_table(WatchNode) == []


async def test_a_node_that_works_is_watched_and_nothing_is_said(factory):
    node = await factory.a_node()
    await time_passes(factory, 120)
    assert await health(factory, node.node_id) == ["answering"]
    assert await missed_deadlines(factory) == []


async def test_a_silent_node_is_an_incident_until_it_speaks_again(factory):
    node = await factory.a_node()
    await time_passes(factory, 10)
    await time_passes(factory, 110, silent=True)
    assert await health(factory, node.node_id) == ["answering", "unreachable"]
    (missed,) = await missed_deadlines(factory)
    assert missed["state"] == "unreachable" and "box has not polled since" in missed["why"]
    shown = (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()
    assert [item["type"] for item in shown["conditions"]] == ["Unreachable"]
    await time_passes(factory, 10)
    assert (await health(factory, node.node_id))[-1] == "answering"
    assert (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()["conditions"] == []


@pytest.mark.parametrize("verb", ["sandbox.start"])
async def test_a_node_that_leaves_a_task_unanswered_is_an_incident_that_names_it(factory, verb):
    node = await factory.a_node()
    await time_passes(factory, 10)
    node.broken[verb] = "silent"
    made = await factory.launches()
    await time_passes(factory, 80)
    (missed,) = await missed_deadlines(factory)
    assert missed["state"] == "not_answering" and f"{verb} of {made['id']}" in missed["why"]
    shown = (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()
    assert [item["type"] for item in shown["conditions"]] == ["NotAnswering"]
    node.broken.clear()
    await time_passes(factory, 20)
    assert await health(factory, node.node_id) == ["answering", "not_answering", "answering"]
    assert (await factory.allocation(made["id"]))["state"] == "active"


async def test_nodes_of_a_closed_region_are_switched_off_and_no_incident(factory):
    node = await factory.a_node()
    async with factory.database.tx("operator", OPERATOR) as tx:
        await demo.store.close_region(tx, "local")
    await time_passes(factory, 10)
    await time_passes(factory, 150, silent=True)
    assert await health(factory, node.node_id) == ["answering", "unreachable", "switched_off"]
    assert await missed_deadlines(factory) == []
    await time_passes(factory, 10)
    assert (await health(factory, node.node_id))[-1] == "answering"


async def test_a_quarantined_slot_is_an_incident_that_names_the_step(factory):
    node = await factory.a_node(slots=1)
    made = await factory.launches()
    await factory.work()
    node.broken["slot.sanitize"] = "dirty"
    await factory.releases(made["id"])
    await factory.settle_down(40)
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        (payload,) = await tx.one("select payload from kernel.outbox where type = 'kernel.flow_deadline_missed'")
    assert (payload["kind"], payload["state"]) == ("provisioning.slot", "quarantined")
    assert "something is left" in payload["why"]
