"""A sandbox that dies or vanishes under a running meter ends its allocation; nothing less does. The nodes are SIMULATED."""

from datetime import datetime, timedelta

import pytest

from aifactory.domains.provisioning.sightings import NOT_REPORTED, NOT_RUNNING, trouble_with
from aifactory.domains.provisioning.store.sightings import Held
from aifactory.kernel.principal import Principal
from aifactory_protocol import SandboxReport


async def an_active_one(factory, tenant=None):
    made = await factory.launches(tenant)
    await factory.work()
    seen = await factory.allocation(made["id"], tenant)
    assert seen["state"] == "active"
    return seen


BILLED_SECONDS = """
    select extract(epoch from max(at) filter (where kind = 'closed') - max(at) filter (where kind = 'opened'))
    from billing.meter_transitions where subject_id = %s
"""


async def hear(factory, node, seconds: float, times: int = 1, reports=None):
    """The node polls, so many times, so many seconds apart; then everything that follows from it is done."""
    for _ in range(times):
        factory.pass_seconds(seconds)
        await node.poll(reports=reports)


async def running(factory, allocation_id, tenant=None):
    seen = await factory.allocation(allocation_id, tenant)
    return next((item for item in seen["conditions"] if item["type"] == "Running"), None)


async def outbox(factory, kind):
    async with factory.database.tx("worker") as tx:
        return [row[0] for row in await tx.all("select payload from kernel.outbox where type = %s", (kind,))]


@pytest.mark.parametrize("how", ["died", "vanished"])
async def test_it_is_released_and_billed_until_the_first_report(factory, how):
    node = await factory.a_node()
    made = await an_active_one(factory)
    before = await factory.holdings()
    factory.pass_seconds(3600)
    del node.sandboxes[made["id"]]
    if how == "vanished":
        del node.started[made["id"]]
    await node.poll()
    first = await running(factory, made["id"])
    assert (first["status"], first["reason"]) == ("False", NOT_RUNNING if how == "died" else NOT_REPORTED)
    assert (await factory.allocation(made["id"]))["desired_state"] == "active", "one report is not enough"
    await hear(factory, node, 20)
    await factory.settle_down(4)
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["release_reason"], seen["access"]) == ("released", "sandbox_lost", None)
    since = datetime.fromisoformat(first["since"])
    assert datetime.fromisoformat(seen["release_requested_at"]) == since.replace(microsecond=0)
    assert (await running(factory, made["id"]))["since"] == first["since"]
    async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
        seconds = await tx.value(BILLED_SECONDS, (made["id"],))
        audited = await tx.all("select actor_id, reason from kernel.audit where target_id = %s", (made["id"],))
    assert 3600 <= seconds <= 3615, "an hour, and what the test took, but not the 20 s until it was sure"
    assert ("provisioning.sightings", "sandbox_lost") in [(who.removeprefix("service:"), why) for who, why in audited]
    [event] = await outbox(factory, "provisioning.sandbox_lost")
    assert (event["allocation_id"], event["node_id"]) == (made["id"], node.node_id)
    after = await factory.holdings()
    assert (after["allocations"], after["held"]) == (0, 0) and before["allocations"] == 1
    assert {slot["state"] for slot in await factory.slots()} == {"available"}
    assert ("slot.sanitize", seen["slot_id"]) in node.acted


async def test_an_agent_that_speaks_before_it_found_its_sandboxes_kills_nothing(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    for _ in range(3):
        await hear(factory, node, 20, reports=[])
        assert (await running(factory, made["id"]))["status"] == "False"
        await hear(factory, node, 1)
        assert (await running(factory, made["id"]))["status"] == "True"
    await factory.settle_down(4)
    assert (await factory.allocation(made["id"]))["state"] == "active"
    assert await outbox(factory, "provisioning.sandbox_lost") == []


async def test_many_reports_within_a_moment_are_not_enough(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    await hear(factory, node, 0.1, times=5, reports=[])
    assert (await factory.allocation(made["id"]))["desired_state"] == "active"


async def test_reports_count_together_only_in_one_life_of_the_machine(factory):
    """After a reboot the first word is again only the first; the bill still ends where the doubt began."""
    node = await factory.a_node()
    made = await an_active_one(factory)
    await hear(factory, node, 20, reports=[])
    first = await running(factory, made["id"])
    node.boot_id = "rebooted"
    await hear(factory, node, 20, reports=[])
    assert (await factory.allocation(made["id"]))["desired_state"] == "active"
    await hear(factory, node, 20, reports=[])
    seen = await factory.allocation(made["id"])
    assert seen["desired_state"] == "released"
    assert datetime.fromisoformat(first["since"]) - datetime.fromisoformat(seen["release_requested_at"]) < timedelta(
        seconds=1
    )


async def test_a_long_silence_in_between_begins_anew(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    await hear(factory, node, 1, reports=[])
    await hear(factory, node, 600, reports=[])
    assert (await factory.allocation(made["id"]))["desired_state"] == "active"
    await hear(factory, node, 1)
    assert (await running(factory, made["id"]))["status"] == "True"


async def test_a_silent_node_ends_nothing(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    factory.nodes.remove(node)
    factory.pass_seconds(1800)
    await factory.notice_silence()
    await factory.work()
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["desired_state"], seen["conditions"]) == ("active", "active", [])


async def test_a_report_of_another_start_says_nothing(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    said = node.started[made["id"]]
    for generation in (said.generation - 1, said.generation + 1):
        stale = [SandboxReport(made["id"], said.slot_index, generation, False)]
        await hear(factory, node, 20, times=3, reports=stale)
    seen = await factory.allocation(made["id"])
    assert (seen["desired_state"], seen["conditions"]) == ("active", [])


async def test_a_node_cannot_speak_about_what_it_does_not_hold(factory):
    """Neither another node's allocation nor another tenant's is touched; nor saved by somebody else's word."""
    first, second = await factory.a_node(1, "one"), await factory.a_node(1, "two")
    mine, theirs = await an_active_one(factory), await an_active_one(factory, factory.other)
    homes = {first.node_id: first, second.node_id: second}
    home, away = homes[mine["node_id"]], homes[theirs["node_id"]]
    assert home is not away
    lie = [SandboxReport(mine["id"], 0, home.started[mine["id"]].generation, False)]
    await hear(factory, away, 20, times=3, reports=[*away.reports(), *lie])
    assert (await factory.allocation(mine["id"]))["conditions"] == []
    del home.sandboxes[mine["id"]]
    claim = [SandboxReport(mine["id"], 0, home.started[mine["id"]].generation, True)]
    await hear(factory, home, 20)
    await hear(factory, away, 1, reports=[*away.reports(), *claim])
    await hear(factory, home, 20)
    await factory.settle_down(4)
    assert (await factory.allocation(mine["id"]))["release_reason"] == "sandbox_lost"
    kept = await factory.allocation(theirs["id"], factory.other)
    assert (kept["state"], kept["conditions"]) == ("active", [])


async def test_a_release_on_its_way_stays_the_tenants_own(factory):
    node = await factory.a_node()
    made = await an_active_one(factory)
    del node.sandboxes[made["id"]]
    await node.poll()
    await factory.releases(made["id"])
    await hear(factory, node, 20)
    await factory.settle_down(10)
    seen = await factory.allocation(made["id"])
    assert (seen["state"], seen["release_reason"]) == ("released", "released by its user")


async def test_what_is_not_active_yet_is_not_missed(factory):
    """The report of a poll was on its way when the sandbox started."""
    node = await factory.a_node()
    factory.probe.closed = True
    made = await factory.launches()
    await factory.work()
    assert (await factory.allocation(made["id"]))["state"] == "verifying"
    await hear(factory, node, 10, times=3, reports=[])
    factory.probe.closed = False
    await factory.settle_down(4)
    assert (await factory.allocation(made["id"]))["state"] == "active"


def test_running_beats_every_other_word_about_the_same_start():
    held = Held("alloc_1", "tnt_1", 3, False)
    assert trouble_with(held, []) == NOT_REPORTED
    assert trouble_with(held, [SandboxReport("alloc_1", 0, 3, False)]) == NOT_RUNNING
    assert trouble_with(held, [SandboxReport("alloc_1", 0, 3, False), SandboxReport("alloc_1", 0, 3, True)]) == ""
    assert trouble_with(held, [SandboxReport("alloc_1", 0, 2, True)]) is None
