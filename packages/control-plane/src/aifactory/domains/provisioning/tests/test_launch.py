"""The way of a launch from the request to the bill, and everything that can end it early."""

from decimal import Decimal

import pytest

from aifactory.domains.provisioning.tests.simulated_node import SimulatedNode
from aifactory.events.billing import CreditExhausted
from aifactory.kernel.principal import Principal

HAPPY = ["requested", "placing", "preparing", "starting", "verifying", "active"]


async def test_a_launch_becomes_active_with_verified_access_and_an_open_meter(factory):
    node = await factory.a_node()
    made = await factory.launches(name="first", volumes=[{"name": "data", "size_gb": 3}], labels={"team": "a"})
    assert (made["state"], made["access"], made["price"]) == ("requested", None, {"amount": "0.12", "currency": "EUR"})
    await factory.work()
    seen = await factory.allocation(made["id"])
    assert seen["state"] == "active" and seen["node_id"] == node.node_id
    ssh = seen["access"]["ssh"]
    assert ssh["command"] == f"ssh -p {ssh['port']} tenant@127.0.0.1"
    assert seen["volumes"][0]["mount_path"] == "/volumes/data"
    assert seen["isolation"]["driver"] == "simulated"
    assert await factory.path_of(made["id"]) == HAPPY
    assert [verb for verb, _ in node.acted[2:]] == ["volume.create", "sandbox.start"]
    factory.pass_seconds(1800)
    cost = (await factory.allocation(made["id"]))["running_cost"]
    assert cost["currency"] == "EUR"
    assert Decimal("0.06") <= Decimal(cost["amount"]) <= Decimal("0.12") * 1810 / 3600, (
        "half an hour, and what the test took"
    )


async def test_a_release_ends_costs_and_access_at_once_and_settles(factory):
    node = await factory.a_node()
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await factory.work()
    before = await factory.holdings()
    factory.pass_seconds(3600)
    released = await factory.releases(made["id"])
    assert (released["access"], released["desired_state"]) == (None, "released")
    assert released["release_requested_at"] is not None
    factory.pass_seconds(50)
    await factory.work()
    seen = await factory.allocation(made["id"])
    assert seen["state"] == "released" and seen["running_cost"]["amount"] == "0.12"
    after = await factory.holdings()
    assert (after["allocations"], after["vcpus"], after["held"]) == (0, 0, 0)
    assert after["available"] == before["available"] + before["held"] - Decimal("0.12")
    assert node.sandboxes == {}
    volume = (await factory.get("/volumes")).json()["items"][0]
    assert (volume["state"], volume["attached_to"], volume["node_id"]) == ("available", None, node.node_id)
    assert {slot["state"] for slot in await factory.slots()} == {"available"}


async def test_releasing_twice_is_releasing_once(factory):
    await factory.a_node()
    made = await factory.launches()
    await factory.work()
    first = await factory.releases(made["id"])
    factory.pass_seconds(100)
    second = await factory.releases(made["id"])
    assert first["release_requested_at"] == second["release_requested_at"]
    await factory.work()
    third = await factory.releases(made["id"])
    assert third["state"] == "released"
    assert (await factory.path_of(made["id"])).count("stopping") == 1


async def test_without_capacity_a_launch_is_refused_and_everything_goes_back(factory):
    await factory.a_node(slots=1)
    await factory.launches()
    await factory.work()
    before = await factory.holdings()
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    during = await factory.holdings()
    assert during["volumes"] == 1 and during["volume_gb"] == 3 and during["held"] > before["held"]
    await factory.work()
    seen = await factory.allocation(made["id"])
    assert seen["state"] == "refused" and seen["refusal"]["code"] == "no_capacity"
    (offer,) = seen["refusal"]["offers"]
    assert (offer["rank"], offer["available"], offer["capacity"], offer["next_free_at"]) == (1, 0, 1, None)
    assert await factory.path_of(made["id"]) == ["requested", "placing", "refused"]
    assert await factory.holdings() == before
    assert (await factory.get("/volumes")).json()["items"] == []


async def test_a_launch_waits_for_a_slot_that_is_being_cleaned(factory):
    node = await factory.a_node(slots=1)
    first = await factory.launches()
    await factory.work()
    node.broken["slot.sanitize"] = "silent"
    await factory.releases(first["id"])
    await factory.work()
    second = await factory.launches()
    await factory.work()
    assert (await factory.allocation(second["id"]))["state"] == "placing"
    node.broken.clear()
    node.boot_id = "restarted"
    await factory.settle_down(6)
    assert (await factory.allocation(second["id"]))["state"] == "active"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"sandbox.start": "fail"}, "broken_on_purpose"),
        ({"sandbox.start": "silent"}, "start_timeout"),
        ({"volume.create": "fail"}, "volume_failed"),
        ({"volume.create": "silent"}, "volume_timeout"),
        ("closed", "access_timeout"),
        ("lies", "host_key_mismatch"),
    ],
)
async def test_a_launch_that_fails_is_undone_and_bills_nothing(factory, broken, code):
    node = await factory.a_node()
    before = await factory.holdings()
    if isinstance(broken, dict):
        node.broken |= broken
    else:
        setattr(factory.probe, broken, True)
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await factory.settle_down(150)
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["failure"]["code"], seen["access"]) == ("failed", code, None)
    node.broken.clear()
    node.boot_id = "restarted"
    await factory.settle_down(80)
    assert await factory.holdings() == before
    assert (await factory.get("/volumes")).json()["items"] == []
    assert node.volumes == {} and node.sandboxes == {}
    assert [slot["state"] for slot in await factory.slots()] == ["available", "available"]


@pytest.mark.parametrize("rounds", range(6))
async def test_a_release_before_it_is_active_is_a_clean_cancel(factory, rounds):
    """After so many turns of the flow alone, of the node alone, and so on: whatever state that is."""
    node = await factory.a_node()
    before = await factory.holdings()
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    factory.probe.closed = True
    for turn in range(rounds):
        await (factory.runner().run_until_idle() if turn % 2 == 0 else node.poll())
    state = (await factory.allocation(made["id"]))["state"]
    assert state in ("requested", "preparing", "starting", "verifying")
    await factory.releases(made["id"])
    await factory.settle_down(20)
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["activated_at"]) == ("released", None)
    assert await factory.holdings() == before
    assert (await factory.get("/volumes")).json()["items"] == []
    assert node.volumes == {} and node.sandboxes == {}
    assert [slot["state"] for slot in await factory.slots()] == ["available", "available"]


async def test_a_release_does_not_wait_for_an_unreachable_node(factory):
    node = await factory.a_node()
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await factory.work()
    factory.nodes.remove(node)
    factory.pass_seconds(3600)
    await factory.notice_silence()
    assert (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()["state"] == "unreachable"
    await factory.releases(made["id"])
    await factory.settle_down(100)
    seen = await factory.allocation(made["id"])
    assert seen["state"] == "released" and seen["running_cost"]["amount"] != "0.00"
    held = next(slot for slot in await factory.slots() if slot["last_allocation_id"] == made["id"])
    assert (held["state"], held["allocation_id"]) == ("dirty", None)
    volume = (await factory.get("/volumes")).json()["items"][0]
    assert volume["attached_to"] == made["id"], "it may still be mounted there"
    factory.nodes.append(node)
    await factory.settle_down(10)
    assert {slot["state"] for slot in await factory.slots()} == {"available"}
    volume = (await factory.get("/volumes")).json()["items"][0]
    assert (volume["attached_to"], volume["state"]) == (None, "available")
    assert node.sandboxes == {}


async def test_a_volume_is_kept_and_pulls_the_next_launch_to_its_node(factory):
    first, second = await factory.a_node(name="one"), await factory.a_node(name="two")
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await factory.work()
    home = (await factory.allocation(made["id"]))["node_id"]
    volume_id = made["volumes"][0]["id"]
    refused = await factory.post(
        "/allocations", {"sku": "local.cpu.1", "ssh_public_key": "x" * 20, "volumes": [{"id": volume_id}]}
    )
    assert refused.status_code in (409, 422)
    await factory.releases(made["id"])
    await factory.settle_down(4)
    for _ in range(2):
        again = await factory.launches(volumes=[{"id": volume_id, "mount_path": "/data"}])
        await factory.work()
        seen = await factory.allocation(again["id"])
        assert (seen["state"], seen["node_id"]) == ("active", home)
        assert (await factory.delete(f"/volumes/{volume_id}")).status_code == 409
        await factory.releases(again["id"])
        await factory.settle_down(4)
    owner: SimulatedNode = first if first.node_id == home else second
    assert owner.volumes.keys() == {volume_id}
    assert (await factory.delete(f"/volumes/{volume_id}")).status_code == 202
    await factory.settle_down(8)
    assert owner.volumes == {} and (await factory.holdings())["volume_gb"] == 0


async def test_exhausted_credit_releases_with_that_reason(factory):
    await factory.a_node()
    made = await factory.launches()
    await factory.work()
    async with factory.database.tx("worker", Principal.service("billing"), factory.demo) as tx:
        await tx.emit(CreditExhausted("hold_1", made["id"], made["project_id"], "2026-01-01T00:00:00Z"), "hold_1", 1)
    await factory.work()
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["release_reason"]) == ("released", "credit_exhausted")
