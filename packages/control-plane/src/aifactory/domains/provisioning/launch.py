"""The launch request: everything that can be known now, in one transaction; the rest is the flow's."""

from typing import Any

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning.allocation import (
    Launch,
    WantedVolume,
    check_distinct_mounts,
    check_launch,
    mount_path_of,
)
from aifactory.domains.provisioning.flows.allocate import Allocate
from aifactory.domains.provisioning.store import allocations as store
from aifactory.domains.provisioning.store import offers as offer_store
from aifactory.domains.storage_network import facade as storage
from aifactory.events.provisioning import AllocationRequested
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, invalid


async def request(tx: Tx, launch: Launch) -> str:
    """Quota, purchase, volumes, intent, flow, audit and event; returns the allocation's id.

    Raises 402, 403, 404, 409 or 422, and then nothing of it has happened.
    """
    check_launch(launch)
    project = await iam.project(tx, launch.project_id) if launch.project_id else await iam.default_project(tx)
    await iam.require(tx, "allocation.create", project.id)
    price = await _price(tx, launch)
    keys = await _authorized_keys(tx, launch)
    allocation_id = tx.ids.new("alloc")
    vcpus = -(-int((await offer_store.profiles(tx))[launch.sku].vcpus * 1000) // 1000)
    await iam.reserve_quota(tx, project.id, "allocations", 1, allocation_id)
    await iam.reserve_quota(tx, project.id, "vcpus", vcpus, allocation_id)
    purchase = billing.Purchase(
        allocation_id, project.id, launch.sku, launch.region_id, price.price.currency, quote_id=launch.quote_id
    )
    await billing.authorize_purchase(tx, purchase)
    volumes = await _volumes(tx, launch, allocation_id, project.id)
    await store.insert(
        tx,
        id=allocation_id,
        project_id=project.id,
        region_id=launch.region_id,
        name=launch.name or f"{launch.sku.replace('.', '-')}-{allocation_id[-6:]}",
        labels=launch.labels or {},
        sku=launch.sku,
        mode=launch.mode,
        image=launch.image or "default",
        authorized_keys=keys,
        volumes=volumes,
        price_amount=price.price.amount,
        price_currency=price.price.currency,
        quote_id=launch.quote_id,
    )
    if launch.network_id is not None:
        groups = list(launch.security_group_ids)
        await storage.intend_attachment(tx, allocation_id, project.id, launch.region_id, launch.network_id, groups)
    await flows.start(tx, Allocate, allocation_id, tx.tenant_id)
    details = {"sku": launch.sku, "region_id": launch.region_id, "price": price.price.wire(), "volumes": len(volumes)}
    await tx.audit("allocation.create", allocation_id, project_id=project.id, details=details)
    await tx.emit(AllocationRequested(allocation_id, project.id, launch.sku, launch.region_id), allocation_id, 1)
    return allocation_id


async def _price(tx: Tx, launch: Launch) -> billing.PriceView:
    """The price in force, or the field that is wrong."""
    try:
        await platform_control.open_region(tx, launch.region_id)
    except Problem as problem:
        raise invalid(
            "region_id",
            f"There is no region {launch.region_id[:80]!r}.",
            "List the regions and send the id of one.",
            code="unknown_region",
        ) from problem
    unknown = invalid(
        "sku",
        f"{launch.sku[:80]!r} is not sold in region {launch.region_id}.",
        "See the catalogue of the region for what is.",
        code="unknown_sku",
    )
    if launch.sku not in await offer_store.profiles(tx):
        raise unknown
    try:
        return await billing.price_of(tx, launch.sku, launch.region_id)
    except Problem as problem:
        raise unknown from problem


async def _authorized_keys(tx: Tx, launch: Launch) -> list[dict[str, str]]:
    """The keys that will open the door, pinned now: a key deleted later does not lock its owner out of what runs."""
    keys = list(await iam.ssh_key_material(tx, list(launch.ssh_key_ids))) if launch.ssh_key_ids else []
    if launch.ssh_public_key is not None:
        name = launch.ssh_key_name or "from a launch"
        keys.append(await iam.ensure_ssh_key(tx, name, launch.ssh_public_key))
    if not keys:
        raise invalid(
            "ssh_key_ids",
            "Nobody could get in: the launch names no SSH key.",
            "Send ssh_key_ids, or a public key as ssh_public_key.",
            code="ssh_key_required",
        )
    unique = {key.public_key: key for key in keys}
    return [{"id": key.id, "name": key.name, "public_key": key.public_key} for key in unique.values()]


async def _volumes(tx: Tx, launch: Launch, allocation_id: str, project_id: str) -> list[dict[str, Any]]:
    """New ones are intended for this launch, existing ones are held by it; the answer is what the sandbox mounts."""
    wanted = [volume.id for volume in launch.volumes if volume.id]
    held = {v.id: v for v in await storage.claim(tx, wanted, allocation_id, project_id, launch.region_id)}
    mounts: list[dict[str, Any]] = []
    for volume in launch.volumes:
        view = held[volume.id] if volume.id else await _intend(tx, launch, volume, allocation_id, project_id)
        path = mount_path_of(volume, view.name)
        mounts.append({"id": view.id, "name": view.name, "size_gb": view.size_gb, "mount_path": path})
    check_distinct_mounts([mount["mount_path"] for mount in mounts])
    return mounts


async def _intend(
    tx: Tx, launch: Launch, volume: WantedVolume, allocation_id: str, project_id: str
) -> storage.VolumeView:
    assert volume.name is not None and volume.size_gb is not None, "checked with the launch"
    return await storage.intend_volume(
        tx, project_id, volume.name, volume.size_gb, launch.region_id, for_allocation=allocation_id
    )
