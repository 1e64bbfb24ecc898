"""A node promises its disk once: volumes are sparse, but their whole size counts from placing on, over all tenants."""

import asyncio

GB = 1_000_000_000
ROOM_GB = 90  # of the simulated node's disk of 100 GB


async def launched(factory, size_gb: int, tenant: str | None = None, **more) -> str:
    made = await factory.launches(tenant, volumes=[{"name": f"data-{size_gb}", "size_gb": size_gb}], **more)
    return made["id"]


async def outcome(factory, allocation_id: str, tenant: str | None = None) -> tuple[str, str]:
    allocation = await factory.allocation(allocation_id, tenant)
    return allocation["state"], (allocation["refusal"] or {}).get("code", "")


async def test_volumes_of_all_tenants_share_a_nodes_disk(factory):
    await factory.a_node(slots=4)
    first = await launched(factory, 60)
    await factory.work()
    second = await launched(factory, 31, factory.other)
    await factory.work()
    third = await launched(factory, 30)
    await factory.settle_down(4)
    assert await outcome(factory, first) == ("active", "")
    assert await outcome(factory, second, factory.other) == ("refused", "no_volume_space")
    assert await outcome(factory, third) == ("active", "")
    refusal = (await factory.allocation(second, factory.other))["refusal"]
    assert "31 GB" in refusal["detail"] and "30 GB" in refusal["detail"]
    held = await factory.holdings(factory.other)
    assert (held["volume_gb"], held["allocations"], held["held"]) == (0, 0, 0), "nothing of it is kept"


async def test_a_launch_goes_where_there_is_room(factory):
    first, second = await factory.a_node(name="one"), await factory.a_node(name="two")
    for _ in range(2):
        made = await launched(factory, 50 + _)
        await factory.work()
        assert (await outcome(factory, made))[0] == "active"
    nodes = {allocation["node_id"] for allocation in (await factory.get("/allocations")).json()["items"]}
    assert nodes == {first.node_id, second.node_id}
    without = (await factory.launches())["id"]
    await factory.work()
    assert (await outcome(factory, without))[0] == "active", "a launch without volumes needs no room"


async def test_launches_at_once_are_not_promised_the_same_room(factory):
    await factory.a_node(slots=4)
    made = [await launched(factory, size) for size in (40, 41, 42, 43)]
    runners = [factory.runner(f"w{number}") for number in range(4)]
    await asyncio.gather(*(runner.run_until_idle() for runner in runners))
    await factory.settle_down(4)
    outcomes = sorted([(await outcome(factory, allocation))[0] for allocation in made])
    assert outcomes == ["active", "active", "refused", "refused"]


async def test_room_comes_back_when_a_volume_is_erased_or_its_launch_fails(factory):
    await factory.a_node(slots=2)
    first = await factory.launches(volumes=[{"name": "big", "size_gb": 80}])
    await factory.work()
    await factory.releases(first["id"])
    await factory.settle_down(6)
    refused = await launched(factory, 20)
    await factory.settle_down(4)
    assert await outcome(factory, refused) == ("refused", "no_volume_space"), "a kept volume keeps its room"
    assert (await factory.delete(f"/volumes/{first['volumes'][0]['id']}")).status_code in (200, 202)
    await factory.settle_down(6)
    again = await launched(factory, 88)
    await factory.settle_down(4)
    assert await outcome(factory, again) == ("active", "")


async def test_a_volume_beside_one_that_lives_on_a_full_node_is_refused(factory):
    await factory.a_node(name="one", slots=2)
    first = await factory.launches(volumes=[{"name": "big", "size_gb": 80}])
    await factory.work()
    await factory.releases(first["id"])
    await factory.settle_down(6)
    await factory.a_node(name="two")
    volumes = [{"id": first["volumes"][0]["id"], "mount_path": "/data"}, {"name": "more", "size_gb": 20}]
    made = await factory.launches(volumes=volumes)
    await factory.settle_down(4)
    assert await outcome(factory, made["id"]) == ("refused", "no_volume_space")
