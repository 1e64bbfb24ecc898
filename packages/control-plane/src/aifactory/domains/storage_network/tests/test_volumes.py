"""Volumes: quota with the intent, one holder, one node, and a deletion that believes only the node."""

import pytest

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.drivers import LOCAL_LOOP
from aifactory.domains.storage_network.flows.delete_volume import DeleteVolume
from aifactory.domains.storage_network.volume import VolumeState, check_name, check_size
from aifactory.kernel.errors import Problem
from aifactory.kernel.flow import check_table
from aifactory.kernel.flow_runner import FlowRunner
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Grant, Principal

DEMO, OTHER = iam.SEEDED_TENANTS[:2]


class Store:
    """Speaks of one tenant's volumes."""

    def __init__(self, database):
        self.database = database

    def tx(self, role="worker", tenant=DEMO, who=None):
        return self.database.tx(role, who or Principal.service("test"), tenant)

    async def project(self):
        async with self.tx() as tx:
            return (await iam.default_project(tx)).id

    async def makes(self, name="data", size_gb=3, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            return await facade.create(tx, name, size_gb, "local", None)

    async def launches(self, allocation_id, *, new=None, old=()):
        """What a launch does: intends a new one, claims old ones. Returns all their ids."""
        project = await self.project()
        async with self.tx() as tx:
            held = await facade.claim(tx, list(old), allocation_id, project, "local")
            made = (
                [await facade.intend_volume(tx, project, new, 3, "local", for_allocation=allocation_id)] if new else []
            )
            return [volume.id for volume in (*held, *made)]

    async def attaches(self, ids, allocation_id, node_id="node_1"):
        async with self.tx() as tx:
            return await facade.attach(tx, ids, allocation_id, node_id)

    async def answers(self, action, *, done=True, code="", generation=None):
        async with self.tx() as tx:
            await facade.reported(
                tx, action.verb, action.subject_id, generation or action.generation, done=done, code=code, detail=code
            )

    async def shows(self, volume_id, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            return await facade.show(tx, volume_id)

    async def deletes(self, volume_id, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            return await facade.delete(tx, volume_id)

    async def works(self):
        await FlowRunner(self.database, [DeleteVolume], "w1").run_until_idle()

    async def wanted_erasures(self):
        async with self.tx("operator") as tx:
            statement = "select payload from kernel.outbox where type = 'storage_network.volume_erasure_wanted' order by occurred_at"
            return [row[0] for row in await tx.all(statement)]

    async def quota(self):
        async with self.tx() as tx:
            used = {q.resource: q.used for q in await iam.quota_usage(tx)}
        return used["volumes"], used["volume_gb"]


@pytest.fixture
async def store(database):
    async with database.tx("worker", Principal.service("admin")) as tx:
        await IAM.seed(tx)
    return Store(database)


async def attached(store, allocation_id="alloc_1", **wanted):
    ids = await store.launches(allocation_id, **wanted)
    for action in await store.attaches(ids, allocation_id):
        await store.answers(action)
    async with store.tx() as tx:
        await facade.keep(tx, allocation_id)
    return ids


def test_the_flow_table_is_sound():
    assert check_table(DeleteVolume) == []


@pytest.mark.parametrize("name", ["", "Data", "-a", "a-", "a/b", "..", "a" * 64, "a b", "é"])
def test_names_that_cannot_be_a_folder_are_refused(name):
    with pytest.raises(Problem) as caught:
        check_name(name)
    assert (caught.value.code, caught.value.field) == ("invalid_volume_name", "name")


@pytest.mark.parametrize("size_gb", [0, -1, 16385])
def test_sizes_that_the_driver_cannot_make_are_refused(size_gb):
    with pytest.raises(Problem) as caught:
        check_size(size_gb, LOCAL_LOOP)
    assert caught.value.code == "invalid_volume_size"


async def test_a_volume_on_its_own_is_available_and_takes_its_space_on_first_attach(store):
    made = await store.makes()
    assert (made.state, made.node_id, made.conditions[0]["reason"]) == ("available", None, "FirstAttach")
    assert await store.quota() == (1, 3)
    ids = await store.launches("alloc_1", old=[made.id])
    (action,) = await store.attaches(ids, "alloc_1")
    assert (action.verb, action.args) == ("volume.create", {"volume_id": made.id, "size_bytes": 3_000_000_000})
    assert [again.generation for again in await store.attaches(ids, "alloc_1")] == [action.generation]
    await store.answers(action)
    shown = await store.shows(made.id)
    assert (shown.state, shown.node_id, shown.attached_to) == ("attached", "node_1", "alloc_1")
    assert await store.attaches(ids, "alloc_1") == []


async def test_one_holder_at_a_time_and_always_the_same_node(store):
    (volume_id,) = await attached(store, new="data")
    with pytest.raises(Problem) as caught:
        await store.launches("alloc_2", old=[volume_id])
    assert caught.value.code == "volume_attached" and "alloc_1" in caught.value.detail
    async with store.tx() as tx:
        await facade.detached(tx, "alloc_1")
    await store.launches("alloc_2", old=[volume_id])
    async with store.tx() as tx:
        assert await facade.bound_node(tx, [volume_id]) == "node_1"
    with pytest.raises(Problem):
        await store.attaches([volume_id], "alloc_2", "node_2")
    assert await store.attaches([volume_id], "alloc_2") == []
    assert (await store.shows(volume_id)).state == "attached"


async def test_volumes_of_different_nodes_cannot_meet(store):
    (one,) = await attached(store, "alloc_1", new="one")
    ids = await store.launches("alloc_2", new="two")
    (action,) = await store.attaches(ids, "alloc_2", "node_2")
    await store.answers(action)
    async with store.tx() as tx:
        await facade.keep(tx, "alloc_2")
        for allocation in ("alloc_1", "alloc_2"):
            await facade.detached(tx, allocation)
    with pytest.raises(Problem) as caught:
        await store.launches("alloc_3", old=[one, *ids])
    assert caught.value.code == "volumes_on_different_nodes"
    assert (await store.shows(one)).attached_to is None, "the refused launch holds nothing"


async def test_deleting_is_refused_while_held_and_says_by_whom(store):
    (volume_id,) = await attached(store, new="data")
    with pytest.raises(Problem) as caught:
        await store.deletes(volume_id)
    assert (caught.value.status, caught.value.code) == (409, "volume_attached")
    assert "alloc_1" in caught.value.detail and "alloc_1" in caught.value.todo


async def test_a_deletion_asks_until_the_node_says_that_it_is_done(store, owner_url):
    (volume_id,) = await attached(store, new="data")
    async with store.tx() as tx:
        await facade.detached(tx, "alloc_1")
    assert (await store.deletes(volume_id)).state == "deleting"
    assert (await store.deletes(volume_id)).state == "deleting"
    await store.works()
    (first,) = await store.wanted_erasures()
    action = facade.HostAction("volume.delete", volume_id, first["generation"], "node_1", {})
    await store.answers(action, done=False, code="volume_busy")
    await store.works()
    shown = await store.shows(volume_id)
    assert shown.state == "deleting" and shown.conditions[-1]["reason"] == "volume_busy"
    assert await store.quota() == (1, 3)
    async with store.tx() as tx:
        await tx.run("update kernel.flows set wake_at = kernel.now() where subject_id = %s", (volume_id,))
    await store.works()
    second = (await store.wanted_erasures())[-1]
    assert second["generation"] > first["generation"]
    await store.answers(action, done=True, generation=first["generation"])  # late, of an order that was given up
    await store.works()
    assert (await store.shows(volume_id)).state == "deleted"
    assert await store.quota() == (0, 0)


async def test_a_volume_that_never_took_space_is_gone_at_once_and_its_name_is_free(store):
    made = await store.makes("data")
    with pytest.raises(Problem) as caught:
        await store.makes("data")
    assert caught.value.code == "volume_name_taken"
    await store.deletes(made.id)
    await store.works()
    assert (await store.shows(made.id)).state == "deleted" and await store.wanted_erasures() == []
    assert (await store.makes("data")).id != made.id


async def test_what_a_failed_launch_brought_is_deleted_and_what_it_named_is_let_go(store):
    old = await store.makes("old")
    ids = await store.launches("alloc_1", new="new", old=[old.id])
    for action in await store.attaches(ids, "alloc_1"):
        await store.answers(action, done=action.subject_id == old.id, code="no_space")
    new_id = next(i for i in ids if i != old.id)
    assert (await store.shows(new_id)).state == VolumeState.FAILED
    async with store.tx() as tx:
        await facade.detached(tx, "alloc_1")
        await facade.abandon_new(tx, "alloc_1")
        await facade.abandon_new(tx, "alloc_1")
    assert (await store.shows(new_id)).state == "deleting"
    kept = await store.shows(old.id)
    assert (kept.state, kept.attached_to) == ("available", None)


async def test_a_late_answer_about_a_volume_that_is_being_deleted_changes_nothing(store):
    ids = await store.launches("alloc_1", new="data")
    (action,) = await store.attaches(ids, "alloc_1")
    async with store.tx() as tx:
        await facade.abandon_new(tx, "alloc_1")
    await store.answers(action)
    assert (await store.shows(ids[0])).state == "deleting"


async def test_quota_is_the_wall_and_a_refusal_keeps_nothing(store):
    with pytest.raises(Problem) as caught:
        await store.makes("big", 1001)
    assert (caught.value.status, caught.value.code) == (409, "quota_exceeded")
    assert await store.quota() == (0, 0)


async def test_other_tenants_see_nothing(store):
    made = await store.makes()
    with pytest.raises(Problem) as caught:
        await store.shows(made.id, tenant=OTHER)
    assert caught.value.status == 404
    with pytest.raises(Problem):
        await store.deletes(made.id, tenant=OTHER)
    async with store.tx(tenant=OTHER) as tx:
        assert await facade.volumes(tx, [made.id]) == []
    who = Principal("usr_x", "user", "x", OTHER, (Grant("tenant_admin", f"tenant:{OTHER}"),))
    async with store.tx("tenant", OTHER, who) as tx:
        assert b'"items" : []' in await facade.list_volumes(tx, Page(), facade.VolumeFilter())
