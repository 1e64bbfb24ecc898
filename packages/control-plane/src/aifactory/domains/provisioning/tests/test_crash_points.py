"""A worker dies at each named moment of each flow; its successor goes on, and the outcome is the same.

A flow of another resource brings a test like this one of its own (`make new-flow` makes it).
"""

from datetime import UTC, datetime, timedelta

import pytest

from aifactory.domains.provisioning.flows.allocate import Allocate
from aifactory.domains.provisioning.flows.maintain_node import MaintainNode
from aifactory.domains.provisioning.flows.sanitize_slot import SanitizeSlot
from aifactory.domains.provisioning.flows.watch_node import WatchNode
from aifactory.domains.storage_network.flows.delete_volume import DeleteVolume
from aifactory.domains.storage_network.flows.keep_attachment import KeepAttachment
from aifactory.kernel import crash
from aifactory.kernel.flow import crash_points
from aifactory.kernel.principal import Principal
from aifactory.testing.power_cut import LAPSED_SECONDS, Cut, PowerCut

POINTS = crash_points([Allocate, SanitizeSlot, DeleteVolume])
NODE_POINTS = crash_points([WatchNode, MaintainNode])
NETWORK_POINTS = crash_points([KeepAttachment])
SAMPLE = (":quarantined:", "allocation:placing:after_commit", "verifying", "settling", "volume:deleting")


async def persist(factory, seconds: float) -> None:
    """Works on; after a power cut the successor waits for the lapsed lease."""
    for _ in range(int(seconds / 2)):
        await work_or_die(factory)
        factory.pass_seconds(2)
    await work_or_die(factory)


async def work_or_die(factory) -> None:
    try:
        await factory.work()
    except PowerCut:
        factory.pass_seconds(LAPSED_SECONDS)


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=() if any(part in point for part in SAMPLE) else pytest.mark.heavy) for point in POINTS],
)
async def test_a_power_cut_changes_nothing_about_the_outcome(factory, monkeypatch, point):
    node = await factory.a_node(slots=1)
    before = await factory.holdings()
    cut = Cut(point)
    monkeypatch.setattr(crash, "reach", cut)
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await persist(factory, 12)
    assert (await factory.allocation(made["id"]))["state"] == "active"
    node.broken["slot.sanitize"] = "dirty"
    await factory.releases(made["id"])
    await persist(factory, 12)
    node.broken.clear()
    slot = (await factory.slots())[0]
    assert slot["state"] == "quarantined"
    await factory.post(f"/admin/slots/{slot['id']}/sanitize", {"reason": "mended"}, "operator")
    await factory.delete(f"/volumes/{made['volumes'][0]['id']}")
    await persist(factory, 12)
    assert cut.hits == 1, "no worker ever came to this point"
    assert (await factory.allocation(made["id"]))["state"] == "released"
    assert (await factory.slots())[0]["state"] == "available"
    after = await factory.holdings()
    assert (after["held"], after["allocations"], after["volumes"]) == (0, before["allocations"], before["volumes"])
    assert node.acted.count(("sandbox.start", made["id"])) == 1
    assert node.volumes == {} and node.sandboxes == {}
    async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
        assert await tx.value("select count(*) from billing.charges") == 1
        assert await tx.value("select coalesce(sum(amount), 0) from billing.ledger_lines") == 0


async def a_hard_life(factory, node) -> None:
    """A node that is drained with somebody on it, worked on, taken back, and then slow, silent and switched off."""
    made = await factory.launches()
    await persist(factory, 6)
    body = {
        "deadline_at": (datetime.now(UTC) + factory.database.offset + timedelta(seconds=8)).isoformat(),
        "reason": "new firmware",
    }
    for what, wish, seconds in (("drain", body, 40), ("resume", {}, 20)):
        headers = factory.headers("operator") | {"If-Match": "*"}
        answer = await factory.http.post(f"/api/v3/admin/nodes/{node.node_id}/{what}", json=wish, headers=headers)
        assert answer.status_code == 202, answer.text
        await persist(factory, seconds)
    assert (await factory.allocation(made["id"]))["state"] == "released"
    node.broken["sandbox.start"] = "silent"
    await factory.launches()
    await watched(factory, 60)
    node.broken.clear()
    await watched(factory, 40)
    factory.nodes.remove(node)
    await watched(factory, 120)
    await in_region(factory, "closed")
    await watched(factory, 80)
    await in_region(factory, "active")
    factory.nodes.append(node)
    await watched(factory, 60)


async def watched(factory, seconds: float) -> None:
    for _ in range(int(seconds / 10)):
        await factory.notice_silence()
        await persist(factory, 10)


async def in_region(factory, state: str) -> None:
    async with factory.database.tx("operator", Principal.service("test")) as tx:
        await tx.run("update platform_control.regions set state = %s where id = 'local'", (state,))


NODE_SAMPLE = ("maintenance:emptying:before", "node:unreachable:after")


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if any(part in point for part in NODE_SAMPLE) else pytest.mark.heavy)
        for point in NODE_POINTS
    ],
)
async def test_a_power_cut_changes_nothing_about_what_becomes_of_a_node(factory, monkeypatch, point):
    node = await factory.a_node(slots=1)
    await factory.notice_silence()
    cut = Cut(point)
    monkeypatch.setattr(crash, "reach", cut)
    await a_hard_life(factory, node)
    assert cut.hits == 1, "no worker ever came to this point"
    shown = (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()
    assert (shown["state"], shown["service"], shown["conditions"]) == ("ready", "in_service", [])


@pytest.mark.parametrize("point", NETWORK_POINTS)
async def test_a_power_cut_changes_nothing_about_what_a_node_lets_pass(factory, monkeypatch, point):
    node = await factory.a_node(slots=1)
    cut = Cut(point)
    monkeypatch.setattr(crash, "reach", cut)
    network = (await factory.post("/networks", {"name": "red"})).json()
    group = (await factory.post("/security-groups", {"name": "web"})).json()
    made = await factory.launches(network_id=network["id"], security_group_ids=[group["id"]])
    await persist(factory, 12)
    rule = {"direction": "in", "protocol": "tcp", "cidr": "10.0.0.0/8"}
    headers = factory.headers() | {"If-Match": "*"}
    await factory.http.put(f"/api/v3/security-groups/{group['id']}/rules", json={"rules": [rule]}, headers=headers)
    await persist(factory, 12)
    assert [one["peers"] for one in node.networks[made["id"]]["rules"]] == [["10.0.0.0/8"]]
    await factory.releases(made["id"])
    await persist(factory, 12)
    assert cut.hits == 1, f"{point} was never reached"
    assert (await factory.get("/network-attachments")).json()["items"] == [] and node.networks == {}
    assert (await factory.delete(f"/networks/{network['id']}")).status_code == 204
