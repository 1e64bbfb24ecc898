"""A node goes out of service without surprise, and comes back clean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aifactory.domains.provisioning.flows.maintain_node import KIND, MaintainNode
from aifactory.domains.provisioning.tests.conftest import Factory
from aifactory.domains.provisioning.tests.simulated_node import SimulatedNode
from aifactory.kernel import flow as flows
from aifactory.kernel.flow import check_table
from aifactory.kernel.principal import Principal


def in_seconds(factory: Factory, seconds: float) -> str:
    return (datetime.now(UTC) + factory.database.offset + timedelta(seconds=seconds)).isoformat()


async def shown(factory: Factory, node: SimulatedNode) -> dict[str, Any]:
    return (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()


async def asks(factory: Factory, node: SimulatedNode, what: str, body: Any, if_match: str | None = "*", who="operator"):
    headers = factory.headers(who) | ({"If-Match": if_match} if if_match else {})
    return await factory.http.post(f"/api/v3/admin/nodes/{node.node_id}/{what}", json=body, headers=headers)


async def drains(factory: Factory, node: SimulatedNode, seconds: float = 600) -> dict[str, Any]:
    body = {"deadline_at": in_seconds(factory, seconds), "reason": "new firmware"}
    answer = await asks(factory, node, "drain", body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def path(factory: Factory, node: SimulatedNode) -> list[str]:
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        return [step.to_state for step in await flows.transitions(tx, KIND, node.node_id)]


async def events(factory: Factory, kind: str) -> list[tuple[str | None, dict[str, Any]]]:
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        rows = await tx.all(
            "select tenant_id, payload from kernel.outbox where type = %s order by occurred_at, id", (kind,)
        )
    return [(row[0], row[1]) for row in rows]


def test_the_flow_table_is_sound():
    assert check_table(MaintainNode) == []


async def test_an_empty_node_goes_straight_into_maintenance_and_takes_nothing_new(factory):
    node = await factory.a_node()
    told = await drains(factory, node)
    assert (told["desired_service"], told["drain"]["reason"]) == ("maintenance", "new firmware")
    refused = await factory.launches()
    await factory.settle_down(30)
    assert (await factory.allocation(refused["id"]))["state"] == "refused"
    now = await shown(factory, node)
    assert (now["state"], now["service"]) == ("maintenance", "maintenance")
    assert await path(factory, node) == ["in_service", "draining", "maintenance"]
    assert (await factory.get("/offers?sku=local.cpu.1")).json()["items"][0]["available"] == 0
    listed = (await factory.get("/admin/nodes?state=maintenance", "operator")).json()["items"]
    assert [item["id"] for item in listed] == [node.node_id]


async def test_the_drain_counts_from_its_request_on_not_from_the_flows_first_step(factory):
    node = await factory.a_node()
    await drains(factory, node)
    made = await factory.launches()
    for _ in range(3):
        await factory.runner("other").run_until_idle()
    assert (await factory.allocation(made["id"]))["node_id"] is None


async def test_tenants_are_told_and_released_at_the_deadline_and_pay_until_then(factory):
    node = await factory.a_node()
    made = await factory.launches()
    await factory.work()
    await drains(factory, node, seconds=600)
    await factory.work()
    notice = (await factory.allocation(made["id"]))["conditions"][-1]
    assert notice["type"] == "ReleaseAnnounced" and "new firmware" in notice["message"]
    assert [(tenant, payload["allocation_id"]) for tenant, payload in await events(
        factory, "provisioning.allocation_release_announced")] == [(factory.demo, made["id"])]  # fmt: skip
    factory.pass_seconds(300)
    await factory.work()
    assert (await factory.allocation(made["id"]))["state"] == "active"
    assert len(await events(factory, "provisioning.allocation_release_announced")) == 1
    factory.pass_seconds(310)
    await factory.settle_down(20)
    ended = await factory.allocation(made["id"])
    assert (ended["state"], ended["release_reason"]) == ("released", "its node was drained: new firmware")
    assert await path(factory, node) == ["in_service", "draining", "emptying", "maintenance"]
    assert (await factory.holdings())["held"] == 0


async def test_who_leaves_in_time_is_not_waited_for(factory):
    node = await factory.a_node()
    made = await factory.launches()
    await factory.work()
    await drains(factory, node, seconds=3600)
    await factory.work()
    await factory.releases(made["id"])
    await factory.settle_down(70)
    assert await path(factory, node) == ["in_service", "draining", "maintenance"]


async def test_a_drain_that_is_called_off_takes_its_notices_back(factory):
    node = await factory.a_node()
    made = await factory.launches()
    await factory.work()
    await drains(factory, node)
    await factory.work()
    assert (await asks(factory, node, "resume", {})).status_code == 202
    await factory.work()
    assert await path(factory, node) == ["in_service", "draining", "in_service"]
    still = await factory.allocation(made["id"])
    assert still["state"] == "active"
    assert "ReleaseAnnounced" not in [item["type"] for item in still["conditions"]]
    assert (await shown(factory, node))["drain"] is None


async def test_after_maintenance_every_slot_is_cleaned_anew_before_the_node_is_used(factory):
    node = await factory.a_node(slots=2)
    await drains(factory, node)
    await factory.work()
    node.broken["slot.sanitize"] = "silent"
    assert (await asks(factory, node, "resume", {"reason": "done"})).status_code == 202
    await factory.settle_down(10)
    assert (await shown(factory, node))["state"] == "returning"
    node.broken.clear()
    await factory.settle_down(10)
    assert await path(factory, node) == ["in_service", "draining", "maintenance", "returning", "in_service"]
    assert node.acted.count(("slot.sanitize", (await factory.slots())[0]["id"])) >= 2
    now = await shown(factory, node)
    assert (now["state"], now["conditions"], now["slots"]["available"]) == ("ready", [], 2)
    made = await factory.launches()
    await factory.settle_down(4)
    assert (await factory.allocation(made["id"]))["state"] == "active"


async def test_a_quarantined_slot_gets_another_cleaning_and_keeps_nobody_waiting(factory):
    node = await factory.a_node(slots=2)
    node.broken["slot.sanitize"] = "dirty"
    made = await factory.launches()
    await factory.work()
    await factory.releases(made["id"])
    await factory.settle_down(4)
    await drains(factory, node)
    await factory.work()
    node.broken.clear()
    await asks(factory, node, "resume", {"reason": "disk changed"})
    await factory.settle_down(10)
    assert [slot["state"] for slot in await factory.slots()] == ["available", "available"]
    assert (await shown(factory, node))["state"] == "ready"


async def test_a_silent_node_can_be_drained_too(factory):
    node = await factory.a_node()
    made = await factory.launches()
    await factory.work()
    factory.nodes.remove(node)
    factory.pass_seconds(70)
    await factory.notice_silence()
    await drains(factory, node, seconds=0)
    await factory.settle_down(120)
    assert (await factory.allocation(made["id"]))["state"] == "released"
    now = await shown(factory, node)
    assert (now["state"], now["service"]) == ("unreachable", "maintenance")


async def test_what_cannot_be_is_refused_with_a_reason(factory):
    node = await factory.a_node()
    good = {"deadline_at": in_seconds(factory, 60), "reason": "new firmware"}
    late = good | {"deadline_at": in_seconds(factory, 40 * 86400)}
    past = good | {"deadline_at": in_seconds(factory, -600)}
    for body, if_match, who, status, code in (
        (good, None, "operator", 428, "if_match_required"),
        (good, 'W/"999"', "operator", 412, "stale_etag"),
        (late, "*", "operator", 422, "deadline_out_of_range"),
        (past, "*", "operator", 422, "deadline_out_of_range"),
        (good | {"reason": ""}, "*", "operator", 422, None),
        (good | {"deadline_at": "tomorrow"}, "*", "operator", 422, None),
        (good, "*", factory.demo, 403, None),
    ):
        answer = await asks(factory, node, "drain", body, if_match, who)
        assert answer.status_code == status, answer.text
        assert code in (None, answer.json()["code"])
    assert (await asks(factory, node, "resume", {})).json()["code"] == "not_draining"
    await drains(factory, node)
    assert (await asks(factory, node, "drain", good)).json()["code"] == "already_draining"
    nowhere = SimulatedNode(factory.agent_http)
    nowhere.node_id = "node_00000000000000000000000000"
    assert (await asks(factory, nowhere, "drain", good)).status_code == 404


@pytest.mark.parametrize("about", ["health", "service"])
async def test_everything_that_happened_to_a_node_can_be_read(factory, about):
    node = await factory.a_node()
    await factory.notice_silence()
    await drains(factory, node)
    await factory.work()
    items = (await factory.get(f"/admin/nodes/{node.node_id}/events", "operator")).json()["items"]
    assert {item["to_state"] for item in items if item["about"] == about}
