"""The door to volumes and buckets. Provisioning calls the last third while it places, starts and ends allocations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.storage_network.attachments import (
    AttachmentList,
    AttachmentView,
    WantedRules,
    connect,
    disconnect,
    list_attachments,
    regroup,
    related_ids,
)
from aifactory.domains.storage_network.attachments import intend as intend_attachment
from aifactory.domains.storage_network.attachments import reported as rules_reported
from aifactory.domains.storage_network.attachments import show as attachment
from aifactory.domains.storage_network.attachments import wanted as wanted_rules
from aifactory.domains.storage_network.bucket_keys import BucketKeyView, NewBucketKeyView
from aifactory.domains.storage_network.bucket_keys import create as create_bucket_key
from aifactory.domains.storage_network.bucket_keys import list_keys as list_bucket_keys
from aifactory.domains.storage_network.bucket_keys import revoke as revoke_bucket_key
from aifactory.domains.storage_network.bucket_keys import show as bucket_key
from aifactory.domains.storage_network.buckets import BucketView, NewBucket, list_buckets
from aifactory.domains.storage_network.buckets import create as create_bucket
from aifactory.domains.storage_network.buckets import delete as delete_bucket
from aifactory.domains.storage_network.buckets import show as show_bucket
from aifactory.domains.storage_network.drivers import DRIVERS, VolumeDriver, driver_for
from aifactory.domains.storage_network.flows.delete_volume import DeleteVolume
from aifactory.domains.storage_network.networks import NetworkList, NetworkView, list_networks
from aifactory.domains.storage_network.networks import create as create_network
from aifactory.domains.storage_network.networks import delete as delete_network
from aifactory.domains.storage_network.networks import show as network
from aifactory.domains.storage_network.published_ports import PublishedPortList, PublishedPortView, list_published_ports
from aifactory.domains.storage_network.published_ports import create as create_published_port
from aifactory.domains.storage_network.published_ports import delete as delete_published_port
from aifactory.domains.storage_network.published_ports import show as published_port
from aifactory.domains.storage_network.security_group import Rule
from aifactory.domains.storage_network.security_groups import (
    SecurityGroupList,
    SecurityGroupView,
    list_security_groups,
    write_rules,
)
from aifactory.domains.storage_network.security_groups import create as create_security_group
from aifactory.domains.storage_network.security_groups import delete as delete_security_group
from aifactory.domains.storage_network.security_groups import show as security_group
from aifactory.domains.storage_network.space import promise as promise_space
from aifactory.domains.storage_network.space import room as volume_room
from aifactory.domains.storage_network.space import unplaced_bytes
from aifactory.domains.storage_network.store import volumes as store
from aifactory.domains.storage_network.store.buckets import BucketFilter
from aifactory.domains.storage_network.store.volumes import VolumeFilter
from aifactory.domains.storage_network.volume import (
    BYTES_PER_GB,
    FIRST_ATTACH,
    Volume,
    VolumeState,
    check_may_be_claimed,
    check_may_be_deleted,
    check_name,
    check_size,
    materialised,
    refused_by_node,
    the_one_node,
)
from aifactory.events.storage_network import VolumeCreated
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.pagination import Page
from aifactory.kernel.resource import Condition

__all__ = [
    "AttachmentList",
    "AttachmentView",
    "BucketFilter",
    "BucketKeyView",
    "BucketView",
    "HostAction",
    "NetworkList",
    "NetworkView",
    "NewBucket",
    "NewBucketKeyView",
    "PublishedPortList",
    "PublishedPortView",
    "Rule",
    "SecurityGroupList",
    "SecurityGroupView",
    "VolumeDriver",
    "VolumeFilter",
    "VolumeView",
    "WantedRules",
    "abandon_new",
    "attach",
    "attachment",
    "bound_node",
    "bucket_key",
    "claim",
    "connect",
    "create",
    "create_bucket",
    "create_bucket_key",
    "create_network",
    "create_published_port",
    "create_security_group",
    "delete",
    "delete_bucket",
    "delete_network",
    "delete_published_port",
    "delete_security_group",
    "detached",
    "disconnect",
    "drivers",
    "intend_attachment",
    "intend_volume",
    "keep",
    "list_attachments",
    "list_bucket_keys",
    "list_buckets",
    "list_networks",
    "list_published_ports",
    "list_security_groups",
    "list_volumes",
    "network",
    "promise_space",
    "published_port",
    "regroup",
    "related_ids",
    "reported",
    "revoke_bucket_key",
    "rules_reported",
    "security_group",
    "show",
    "show_bucket",
    "unplaced_bytes",
    "volume_room",
    "volumes",
    "wanted_rules",
    "write_rules",
]


@dataclass(frozen=True)
class VolumeView:
    """A volume as the API shows it. `attached_to` is the allocation that holds it; `node_id` where its space is."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    size_gb: int
    driver: str
    node_id: str | None
    attached_to: str | None


@dataclass(frozen=True)
class HostAction:
    """Hands on a node: the verb and arguments of a task of the agent protocol, for `subject_id` at `generation`."""

    verb: str
    subject_id: str
    generation: int
    node_id: str
    args: Mapping[str, Any]


# ---- what tenants ask for ------------------------------------------------------------------------------------------


async def create(
    tx: Tx, name: str, size_gb: int, region: str, project_id: str | None, labels: dict[str, str] | None = None
) -> VolumeView:
    """A volume on its own: `available` at once; its space is taken on a node when the first allocation attaches it."""
    project = project_id or (await iam.default_project(tx)).id
    await iam.require(tx, "volume.create", project)
    volume = await intend_volume(tx, project, name, size_gb, region, labels=labels)
    await tx.audit("volume.create", volume.id, project_id=project, details={"name": name, "size_gb": size_gb})
    return volume


async def show(tx: Tx, volume_id: str) -> VolumeView:
    volume = await _visible(tx, volume_id)
    await iam.require(tx, "volume.read", volume.project_id)
    return _view(volume)


async def list_volumes(tx: Tx, page: Page, only: VolumeFilter) -> bytes:
    """`{items, next_cursor}` as JSON bytes: of the projects in which the caller may see volumes."""
    return await store.list_json(tx, page, only, iam.visible_projects(tx, "volume.read"))


async def delete(tx: Tx, volume_id: str) -> VolumeView:
    """Records the wish; the volume is `deleting` until its node erased it (event storage_network.volume_deleted).

    409 `volume_attached` while an allocation holds it. Deleting twice is the same as once.
    """
    volume = await store.lock(tx, volume_id)
    if volume is None:
        raise not_found("volume", volume_id)
    await iam.require(tx, "volume.delete", volume.project_id)
    if volume.state in (VolumeState.DELETING, VolumeState.DELETED):
        return _view(volume)
    check_may_be_deleted(volume)
    await _begin_deleting(tx, volume, "deleted by its owner")
    await tx.audit("volume.delete", volume.id, project_id=volume.project_id, details={"name": volume.name})
    return _view(await _visible(tx, volume_id))


async def volumes(tx: Tx, ids: list[str]) -> list[VolumeView]:
    """Those of `ids` that the tenant can see, in id order."""
    return [_view(volume) for volume in await store.many(tx, ids)]


def drivers() -> list[VolumeDriver]:
    """The capability metadata of every driver."""
    return list(DRIVERS.values())


# ---- what a launch does with them ----------------------------------------------------------------------------------


async def intend_volume(
    tx: Tx,
    project_id: str,
    name: str,
    size_gb: int,
    region: str,
    for_allocation: str | None = None,
    labels: dict[str, str] | None = None,
) -> VolumeView:
    """Reserves quota and records a new volume, held by `for_allocation` from now on when a launch brings it.

    409 `volume_name_taken` or `quota_exceeded`, 422 on a name or size that cannot be.
    """
    driver = driver_for((await platform_control.region(tx, region)).id)
    check_name(name)
    check_size(size_gb, driver)
    volume_id = tx.ids.new("vol")
    await iam.reserve_quota(tx, project_id, "volumes", 1, volume_id)
    await iam.reserve_quota(tx, project_id, "volume_gb", size_gb, volume_id)
    since = (await tx.now()).isoformat()
    fresh = await store.insert(
        tx,
        id=volume_id,
        project_id=project_id,
        region_id=region,
        name=name,
        labels=labels or {},
        state=VolumeState.INTENDED if for_allocation else VolumeState.AVAILABLE,
        conditions=[FIRST_ATTACH | {"since": since}],
        size_gb=size_gb,
        driver=driver.name,
        allocation_id=for_allocation,
    )
    if not fresh:
        raise conflict(
            "volume_name_taken",
            f"This project has a volume called {name} already.",
            "Choose another name, or name the existing volume by its id.",
        )
    await tx.emit(VolumeCreated(volume_id, project_id, name, size_gb, region), volume_id, 1)
    return _view(await _visible(tx, volume_id))


async def claim(tx: Tx, volume_ids: list[str], allocation_id: str, project_id: str, region: str) -> list[VolumeView]:
    """Holds existing volumes for a launch, so that no other launch can name them. 404, or 409 with the reason."""
    found = await store.lock_many(tx, volume_ids)
    for volume_id in volume_ids:
        if volume_id not in {volume.id for volume in found}:
            raise not_found("volume", volume_id)
    for volume in found:
        check_may_be_claimed(volume, project_id, region)
        await store.claim(tx, volume.id, allocation_id)
    the_one_node(found)
    return [_view(volume) for volume in found]


async def bound_node(tx: Tx, volume_ids: list[str]) -> str | None:
    """The node that placement must choose because a volume lives there; None when it is free to choose."""
    return the_one_node(await store.many(tx, volume_ids))


async def attach(tx: Tx, volume_ids: list[str], allocation_id: str, node_id: str) -> list[HostAction]:
    """Binds the allocation's volumes to its node and returns what the node has to do first. Calling it again is safe."""
    actions = []
    for volume in await store.lock_many(tx, volume_ids):
        if volume.attached_to != allocation_id or volume.node_id not in (None, node_id):
            raise conflict("volume_not_held", f"Volume {volume.id} cannot be attached by {allocation_id} on {node_id}.")
        if volume.node_id is not None and volume.state in (VolumeState.AVAILABLE, VolumeState.ATTACHED):
            await store.bind(tx, volume.id, node_id, VolumeState.ATTACHED, new_order=False)
            continue
        again = volume.state == VolumeState.CREATING
        generation = await store.bind(tx, volume.id, node_id, VolumeState.CREATING, new_order=not again)
        args = {"volume_id": volume.id, "size_bytes": volume.size_gb * BYTES_PER_GB}
        actions.append(HostAction("volume.create", volume.id, generation, node_id, args))
    return actions


async def keep(tx: Tx, allocation_id: str) -> None:
    """The launch is active: its new volumes stay from now on, also after its release."""
    await store.keep(tx, allocation_id)


async def abandon_new(tx: Tx, allocation_id: str) -> None:
    """The launch never became active: the volumes it brought are deleted. Older ones stay held until `detached`."""
    for volume in await store.lock_held(tx, allocation_id):
        if volume.created_for == allocation_id:
            await _begin_deleting(tx, volume, f"launch {allocation_id} never became active")


async def detached(tx: Tx, allocation_id: str) -> None:
    """The node has let go of everything the allocation held (or never had it): the volumes are free again.

    A volume of a launch that was never active is not: `abandon_new` is what ends it.
    """
    for volume in await store.lock_held(tx, allocation_id):
        if volume.created_for is None:
            await store.let_go(tx, volume.id)


async def reported(
    tx: Tx, verb: str, volume_id: str, generation: int, *, done: bool, code: str = "", detail: str = ""
) -> None:
    """A node's signed answer to a HostAction. An answer about an older order changes nothing."""
    if verb == "volume.delete":
        await flows.wake(tx, DeleteVolume.kind, volume_id)  # flow first, then volume: the order of its steps
    volume = await store.lock(tx, volume_id)
    if volume is None or generation < volume.answered:
        return
    now = await tx.now()
    if verb == "volume.delete":
        conditions = volume.conditions if done else _with(volume, refused_by_node(now, code, detail))
        await store.answered(tx, volume, VolumeState(volume.state), conditions, generation, erased=done)
        return
    if verb != "volume.create" or volume.state != VolumeState.CREATING:
        return
    if done:
        state = VolumeState.ATTACHED if volume.attached_to else VolumeState.AVAILABLE
        condition = materialised(now, volume.node_id or "")
    else:
        state, condition = VolumeState.FAILED, refused_by_node(now, code, detail)
    await store.answered(tx, volume, state, _with(volume, condition), generation)


def _with(volume: Volume, condition: dict[str, Any]) -> list[dict[str, Any]]:
    """The volume's conditions with this one in the place of its namesake."""
    return [c for c in volume.conditions if c.get("type") != condition["type"]] + [condition]


async def _begin_deleting(tx: Tx, volume: Volume, why: str) -> None:
    await store.start_deleting(tx, volume.id)
    await flows.start(tx, DeleteVolume, volume.id, volume.tenant_id, why=why)


async def _visible(tx: Tx, volume_id: str) -> Volume:
    volume = await store.one(tx, volume_id)
    if volume is None:
        raise not_found("volume", volume_id)
    return volume


def _view(volume: Volume) -> VolumeView:
    return VolumeView(**{name: getattr(volume, name) for name in VolumeView.__dataclass_fields__})
