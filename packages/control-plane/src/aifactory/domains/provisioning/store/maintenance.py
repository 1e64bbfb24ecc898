"""A node's way out of service and back: wishes, states, and who is still on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.kernel.db import Tx

_COLUMNS = "id, name, region_id, state, service, desired_service, generation, drain_deadline_at, drain_reason, drain_requested_by"
# No key update: orders to the node, which refer to its row, need not wait.
LOCK = f"select {_COLUMNS} from provisioning.nodes where id = %(id)s and deleted_at is null for no key update"
HAS_FLOW = "select exists (select from kernel.flows where kind = 'provisioning.maintenance' and subject_id = %(id)s)"
WISH_DRAIN = """
    update provisioning.nodes
    set desired_service = 'maintenance', drain_deadline_at = %(deadline_at)s, drain_reason = %(reason)s,
        drain_requested_at = kernel.now(), drain_requested_by = kernel.principal(), generation = generation + 1,
        updated_at = kernel.now()
    where id = %(id)s
"""
WISH_SERVICE = """
    update provisioning.nodes set desired_service = 'in_service', generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""
ENTER = """
    update provisioning.nodes set service = %(service)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and service <> %(service)s
"""
# Whose an allocation is stands on its flow, which is the worker's to see.
OCCUPANTS = """
    select s.allocation_id, f.tenant_id from provisioning.slots s
    join kernel.flows f on f.kind = 'provisioning.allocation' and f.subject_id = s.allocation_id
    where s.node_id = %(node_id)s and s.allocation_id is not null order by s.allocation_id
"""
SLOTS_TO_CLEAN = """
    select id, state from provisioning.slots
    where node_id = %(node_id)s and not withdrawn and (clean or state = 'quarantined') order by id
"""
SOIL = """
    update provisioning.slots set clean = false, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and allocation_id is null
"""
UNCLEAN = """
    select count(*) from provisioning.slots
    where node_id = %(node_id)s and not withdrawn and allocation_id is null and not clean
"""
QUARANTINED = """
    select count(*) from provisioning.slots
    where node_id = %(node_id)s and not withdrawn and allocation_id is null and state = 'quarantined'
"""


@dataclass(frozen=True)
class NodeInService:
    """The part of a node's row that its maintenance is about."""

    id: str
    name: str
    region_id: str
    state: str
    service: str
    desired_service: str
    generation: int
    drain_deadline_at: datetime | None
    drain_reason: str
    drain_requested_by: str


@dataclass(frozen=True)
class Occupant:
    allocation_id: str
    tenant_id: str


async def lock(tx: Tx, node_id: str) -> NodeInService | None:
    return await tx.one(LOCK, {"id": node_id}, into=NodeInService)


async def has_flow(tx: Tx, node_id: str) -> bool:
    return bool(await tx.value(HAS_FLOW, {"id": node_id}))


async def wish_drain(tx: Tx, node_id: str, deadline_at: datetime, reason: str) -> None:
    await tx.run(WISH_DRAIN, {"id": node_id, "deadline_at": deadline_at, "reason": reason})


async def wish_service(tx: Tx, node_id: str) -> None:
    await tx.run(WISH_SERVICE, {"id": node_id})


async def enter(tx: Tx, node_id: str, service: str) -> None:
    await tx.run(ENTER, {"id": node_id, "service": str(service)})


async def occupants(tx: Tx, node_id: str) -> list[Occupant]:
    return await tx.all(OCCUPANTS, {"node_id": node_id}, into=Occupant)


async def slots_to_clean(tx: Tx, node_id: str) -> list[tuple[str, str]]:
    """(slot, state) of those that are thought clean and those that are set aside."""
    return [(row[0], row[1]) for row in await tx.all(SLOTS_TO_CLEAN, {"node_id": node_id})]


async def soil(tx: Tx, slot_id: str) -> None:
    """What was known about its cleanness counts no more. The caller woke its flow before."""
    await tx.run(SOIL, {"id": slot_id})


async def unclean(tx: Tx, node_id: str) -> tuple[int, int]:
    """How many free slots are not clean, and how many of those are quarantined."""
    params: dict[str, Any] = {"node_id": node_id}
    return int(await tx.value(UNCLEAN, params)), int(await tx.value(QUARANTINED, params))
