"""What the domains above may know about who is where."""

from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning.store import places as store
from aifactory.domains.provisioning.store.places import HeldSlot, NodeState, Place
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow

__all__ = [
    "HeldSlot",
    "NodeState",
    "Place",
    "allocations_on",
    "node_states",
    "place_of",
    "task_evidence",
]


async def allocations_on(tx: Tx, node_id: str) -> list[HeldSlot]:
    """The allocations that hold the node's slots now, of all tenants: for the worker's role. 404 for an unknown node."""
    held = await store.held(tx, node_id)
    if held is None:
        raise not_found("node", node_id)
    return held


async def place_of(tx: Tx, allocation_id: str) -> Place:
    """404 for an allocation that the caller cannot see, 403 where a tenant's caller may not read its project's."""
    found = await store.place(tx, allocation_id)
    if found is None:
        raise not_found("allocation", allocation_id)
    if tx.role == "tenant":
        await iam.require(tx, "allocation.read", found.project_id)
    return found


async def node_states(tx: Tx, node_ids: list[str]) -> dict[str, NodeState]:
    """By id; a node that is gone is not in it."""
    return {row.id: row for row in await store.node_states(tx, node_ids)} if node_ids else {}


async def task_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """What nodes were told and what came of it, as part of a story; the actor is the node."""
    return await store.evidence(tx, query)
