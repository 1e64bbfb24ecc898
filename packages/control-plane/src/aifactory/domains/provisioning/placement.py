"""Choosing a slot. The database decides who gets it: rows that another is taking are skipped, never waited for."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aifactory.domains.provisioning import offers
from aifactory.domains.provisioning.allocation import Allocation
from aifactory.domains.provisioning.store import allocations as allocation_store
from aifactory.domains.provisioning.store import slots as store
from aifactory.domains.storage_network import facade as storage
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import FlowRun

VOLUME_SHARE = Decimal("0.9")  # of a node's disk; the rest is for the system and what sandboxes write beside volumes
GB = 1_000_000_000
PATIENCE_SECONDS = 25.0  # how long a launch waits for a slot that is being cleaned right now


@dataclass(frozen=True)
class Placed:
    slot_id: str
    node_id: str
    why: str


@dataclass(frozen=True)
class Patience:
    """A slot is about to be free: look again in `seconds`."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Space:
    """What new volumes want, which nodes with a free slot have not so much left, and whether that is all of them."""

    wanted_bytes: int = 0
    full: list[str] = field(default_factory=list)
    nowhere: bool = False
    most_left_bytes: int = 0


@dataclass(frozen=True)
class NoPlace:
    code: str
    detail: str
    offers: list[dict[str, Any]] = field(default_factory=list)


async def find(tx: Tx, run: FlowRun, allocation: Allocation) -> Placed | Patience | NoPlace:
    """A slot that is this allocation's from the commit on, or why there is none."""
    bound = await storage.bound_node(tx, allocation.volume_ids) if allocation.volumes else None
    space = await _space(tx, allocation, bound)
    slot = await store.take(tx, allocation.id, allocation.region_id, allocation.sku, bound, space.full)
    if slot is not None:
        if space.wanted_bytes:
            await storage.promise_space(tx, allocation.volume_ids, slot.node_id)
        because = "its volumes live there" if bound else "the fullest ready node with a clean slot"
        why = f"slot {slot.index} of {slot.node_name}: {because}"
        await store.record_placement(tx, allocation.id, slot, run.fence, why)
        await allocation_store.placed(tx, allocation.id, slot.node_id, slot.id, slot.isolation or {})
        return Placed(slot.id, slot.node_id, why)
    clean, being_cleaned = await store.free_soon(tx, allocation.region_id, allocation.sku, bound, space.full)
    if (await tx.now() - run.entered_at).total_seconds() < PATIENCE_SECONDS:
        if clean:
            return Patience(0.2, "a clean slot is being taken by another right now")
        if being_cleaned:
            return Patience(1.0, "a slot is being cleaned")
    return await _no_place(tx, allocation, bound, space)


async def _space(tx: Tx, allocation: Allocation, bound: str | None) -> Space:
    """Nothing is asked or locked for a launch that brings no new volume."""
    wanted = await storage.unplaced_bytes(tx, allocation.volume_ids) if allocation.volumes else 0
    if not wanted:
        return Space()
    disks = await store.disks(tx, allocation.region_id, allocation.sku, bound, VOLUME_SHARE)
    room = await storage.volume_room(tx, allocation.region_id, disks)
    full = [node_id for node_id, left in room.items() if left < wanted]
    return Space(wanted, full, bool(full) and len(full) == len(room), max(room.values(), default=0))


async def _no_place(tx: Tx, allocation: Allocation, bound: str | None, space: Space) -> NoPlace:
    ranked = [offer.wire() for offer in await offers.ranked(tx, allocation.sku, allocation.region_id)]
    free = [offer for offer in ranked if offer["available"] > 0]
    alternatives = (free or ranked)[:10]  # where nothing is free, what will be: each says how much and why not now
    if space.nowhere:
        where = f"Node {bound}, where its other volumes live," if bound else "No node with a free slot of its kind"
        has = "has too little" if bound else "has enough"
        detail = (
            f"{where} {has} room for {space.wanted_bytes // GB} GB of new volumes; the most that is left is "
            f"{space.most_left_bytes // GB} GB. Ask for smaller volumes, or delete some."
        )
        return NoPlace("no_volume_space", detail, alternatives)
    if bound is not None:
        detail = f"Its volumes live on node {bound}, which has no free slot of {allocation.sku} now."
        return NoPlace("no_capacity_at_volume", detail, alternatives)
    detail = f"No slot of {allocation.sku} is free in region {allocation.region_id} now."
    return NoPlace("no_capacity", detail, alternatives)
