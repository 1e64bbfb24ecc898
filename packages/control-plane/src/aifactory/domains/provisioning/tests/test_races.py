"""Many at once, and workers that come too late."""

import asyncio
from collections import Counter

import pytest

from aifactory.domains.provisioning.flows.allocate import Allocate
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.kernel.flow import StaleFence, check_table
from aifactory.kernel.principal import Principal


def test_the_flow_table_is_sound():
    assert check_table(Allocate) == []


async def test_twenty_connections_never_take_one_slot_twice(factory):
    await factory.a_node(slots=7)

    async def take(number: int) -> str | None:
        async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
            slot = await slot_store.take(tx, f"alloc_{number}", "local", "local.cpu.1", None, [])
            await asyncio.sleep(0.02)
            if slot is not None:
                await slot_store.record_placement(tx, f"alloc_{number}", slot, 1, "race")
            return slot.id if slot else None

    taken: list[str] = []
    for start in (0, 20, 40):
        taken += filter(None, await asyncio.gather(*(take(start + number) for number in range(20))))
    assert len(taken) == 7 and max(Counter(taken).values()) == 1


async def test_parallel_workers_place_as_many_launches_as_there_are_slots(factory):
    await factory.a_node(slots=3)
    made = [await factory.launches() for _ in range(8)]
    await asyncio.gather(*(factory.runner(f"w{number}").run_until_idle() for number in range(4)))
    await factory.settle_down(4)
    states = Counter([(await factory.allocation(item["id"]))["state"] for item in made])
    assert states == {"active": 3, "refused": 5}
    slots = [slot["allocation_id"] for slot in await factory.slots()]
    assert len(set(slots)) == 3
    assert (await factory.holdings())["allocations"] == 3


async def test_a_worker_that_lost_its_lease_can_change_nothing(factory):
    await factory.a_node()
    made = await factory.launches()
    late, current = factory.runner("late"), factory.runner("current")
    stale = (await late.claim(8))[0]
    factory.pass_seconds(25)
    await current.run_until_idle()
    state = (await factory.allocation(made["id"]))["state"]
    with pytest.raises(StaleFence):
        await late._advance(stale)
    assert (await factory.allocation(made["id"]))["state"] == state == "starting"
    path = await factory.path_of(made["id"])
    assert path == ["requested", "placing", "preparing", "starting"]


async def test_a_release_racing_with_activation_never_leaves_a_meter_open(factory):
    node = await factory.a_node(slots=4)
    made = [await factory.launches() for _ in range(4)]
    await factory.runner().run_until_idle()
    await node.poll()
    await asyncio.gather(factory.runner().run_until_idle(), *(factory.releases(item["id"]) for item in made))
    await factory.settle_down(4)
    assert {(await factory.allocation(item["id"]))["state"] for item in made} == {"released"}
    async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
        kinds = await tx.all("select subject_id, count(*) from billing.meter_transitions group by subject_id")
    assert all(count == 2 for _, count in kinds)
    assert (await factory.holdings())["held"] == 0


async def test_a_poll_that_waits_is_answered_when_work_comes(factory):
    node = await factory.a_node()
    waiting = asyncio.create_task(node.poll(wait_seconds=20))
    await asyncio.sleep(0.2)
    await factory.launches()
    await factory.runner().run_until_idle()
    tasks = await asyncio.wait_for(waiting, 3)
    assert [task.verb for task in tasks] == ["sandbox.start"]
