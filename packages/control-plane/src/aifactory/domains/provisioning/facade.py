"""The door to provisioning: allocations, offers, nodes and slots. What agents call is in `agents`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning import launch as launching
from aifactory.domains.provisioning import node_tasks
from aifactory.domains.provisioning import offers as offering
from aifactory.domains.provisioning import slot as slots
from aifactory.domains.provisioning.allocation import KIND, Allocation, Launch, WantedVolume
from aifactory.domains.provisioning.enrolment import NewBootstrapToken, create_bootstrap_token
from aifactory.domains.provisioning.offers import CatalogItem, Offer
from aifactory.domains.provisioning.places import (
    HeldSlot,
    NodeState,
    Place,
    allocations_on,
    node_states,
    place_of,
    task_evidence,
)
from aifactory.domains.provisioning.store import allocations as store
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.domains.provisioning.store.allocations import AllocationFilter
from aifactory.domains.provisioning.store.nodes import NodeFilter
from aifactory.domains.provisioning.views import (
    AllocationView,
    NodeAnswer,
    Sandbox,
    TransitionView,
    allocation_page,
    allocation_view,
    sandbox_view,
)
from aifactory.domains.provisioning.wire import answer as answer_agent
from aifactory.domains.provisioning.wire import read as read_from_agent
from aifactory.events.provisioning import AllocationReleaseRequested
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.flow import FlowRun
from aifactory.kernel.pagination import Page

__all__ = [
    "AllocationFilter",
    "AllocationView",
    "CatalogItem",
    "HeldSlot",
    "Launch",
    "NewBootstrapToken",
    "NodeAnswer",
    "NodeFilter",
    "NodeState",
    "Offer",
    "Place",
    "Sandbox",
    "TransitionView",
    "WantedVolume",
    "allocations_on",
    "answer_agent",
    "catalog",
    "create",
    "create_bootstrap_token",
    "events",
    "list_allocations",
    "list_nodes",
    "list_slots",
    "live_in_region",
    "node_states",
    "offers",
    "order_in_sandbox",
    "place_of",
    "ranked_offers",
    "read_from_agent",
    "release",
    "release_for",
    "sandbox",
    "sanitize_slot",
    "show",
    "show_node",
    "show_slot",
    "task_evidence",
]


# ---- allocations ---------------------------------------------------------------------------------------------------


async def create(tx: Tx, wanted: Launch) -> AllocationView:
    """Accepts a launch: quota, hold, volumes and the intent in this transaction. The flow does the rest and tells
    allocation_activated, allocation_refused or allocation_failed. 402, 403, 404, 409, 422 when that is known now."""
    allocation_id = await launching.request(tx, wanted)
    return allocation_view(await _visible(tx, allocation_id), {})


async def show(tx: Tx, allocation_id: str) -> AllocationView:
    row = await _visible(tx, allocation_id)
    await iam.require(tx, "allocation.read", row.project_id)
    return await _view(tx, row)


async def list_allocations(tx: Tx, page: Page, only: AllocationFilter) -> bytes:
    """`{items, next_cursor}` as JSON bytes, newest first, with what each running one has cost so far.

    Of the projects in which the caller may see allocations.
    """
    rows = await store.list_json(tx, page, replace(only, visible=iam.visible_projects(tx, "allocation.read")))
    costs = await billing.running_cost(tx, rows.metered) if rows.metered else {}
    return allocation_page(page, rows.items, costs)


async def events(tx: Tx, allocation_id: str) -> list[TransitionView]:
    """Every transition of its flow: who, why, how long."""
    row = await _visible(tx, allocation_id)
    await iam.require(tx, "allocation.read", row.project_id)
    return [TransitionView(**vars(item)) for item in await flows.transitions(tx, KIND, row.id)]


async def release(tx: Tx, allocation_id: str, reason: str = "") -> AllocationView:
    """From this instant it costs nothing and its access is gone; the flow stops it, settles, and tells
    allocation_released. In any earlier state it is a clean cancel. Asking twice is asking once."""
    row = await _visible(tx, allocation_id)
    await iam.require(tx, "allocation.release", row.project_id)
    await _request_release(tx, row, reason or "released by its user")
    return await _view(tx, await _visible(tx, allocation_id))


async def release_for(tx: Tx, allocation_id: str, reason: str, since: datetime | None = None) -> bool:
    """A release by the platform itself, e.g. because credit is exhausted. False when there is nothing to release.

    `since` is an earlier instant from which on it was of no use to its tenant: the meter ends there.
    """
    row = await store.one(tx, allocation_id)
    return row is not None and await _request_release(tx, row, reason, since)


async def live_in_region(tx: Tx, region_id: str) -> list[tuple[str, str]]:
    """(allocation, tenant) of all that runs in a region, for an operator who closes it."""
    return await store.live_in_region(tx, region_id)


async def _request_release(tx: Tx, row: Allocation, reason: str, since: datetime | None = None) -> bool:
    """First the flow's row, then the allocation's: the order in which the flow's steps lock them."""
    if row.ended or row.release_requested_at is not None:
        return False
    await flows.intend(tx, KIND, row.id, "released", reason)
    row = await store.lock(tx, row.id)
    at = (since or await tx.now()).replace(microsecond=0)
    if row.activated_at is not None:
        at = max(at, row.activated_at)
    if row.ended or not await store.request_release(tx, row.id, at, reason):
        return False
    if row.activated_at is not None:
        await billing.close_meter(tx, row.id, at)
    await tx.audit("allocation.release", row.id, project_id=row.project_id, reason=reason)
    event = AllocationReleaseRequested(row.id, row.project_id, at.isoformat(), reason)
    await tx.emit(event, row.id, row.generation + 1)
    return True


async def sandbox(tx: Tx, allocation_id: str) -> Sandbox:
    """Where an allocation runs and how its door is reached, for what is built upon it. 404 when the tenant has none such.

    The caller asks for its own permission, on `project_id`.
    """
    return sandbox_view(await _visible(tx, allocation_id))


async def order_in_sandbox(
    tx: Tx, run: FlowRun, node_id: str, verb: str, subject_id: str, generation: int, args: Mapping[str, Any]
) -> NodeAnswer:
    """Gives a node a signed order in the step of another domain's flow, once for each generation, and tells how it stands.

    The node's answer wakes that flow.
    """
    task = await node_tasks.order(tx, run, node_id, verb, subject_id, generation, args)
    return NodeAnswer(task.finished, task.state == "done", task.code, task.detail, task.output)


async def _visible(tx: Tx, allocation_id: str) -> Allocation:
    row = await store.one(tx, allocation_id)
    if row is None:
        raise not_found("allocation", allocation_id)
    return row


async def _view(tx: Tx, row: Allocation) -> AllocationView:
    costs = await billing.running_cost(tx, [row.id]) if row.activated_at else {}
    return allocation_view(row, costs)


# ---- catalogue and offers ------------------------------------------------------------------------------------------


async def catalog(tx: Tx, region_id: str | None = None) -> list[CatalogItem]:
    """Everything that is sold by the hour with its live price and how much is free. Needs no tenant."""
    return await offering.catalog(tx, region_id)


async def offers(tx: Tx, sku: str | None = None, region_id: str | None = None) -> list[Offer]:
    """Where it can be had now, best first. Needs no tenant. 404 for a sku that is not sold."""
    return await offering.offers(tx, sku, region_id)


async def ranked_offers(tx: Tx, sku: str, region_id: str) -> list[Offer]:
    """Like `offers`, empty when the sku is not sold."""
    return await offering.ranked(tx, sku, region_id)


# ---- the fleet, for operators --------------------------------------------------------------------------------------


async def list_nodes(tx: Tx, page: Page, only: NodeFilter) -> bytes:
    """`{items, next_cursor}` as JSON bytes."""
    return await node_store.list_json(tx, page.limit, page.after, only)


async def show_node(tx: Tx, node_id: str) -> bytes:
    """The node with its fifty latest tasks, as JSON bytes."""
    return _found(await node_store.show_json(tx, node_id), "node", node_id)


async def list_slots(tx: Tx, page: Page, node_id: str | None = None, state: str | None = None) -> bytes:
    """`{items, next_cursor}` as JSON bytes."""
    return await slot_store.list_json(tx, page.limit, page.after, node_id, state)


async def show_slot(tx: Tx, slot_id: str) -> bytes:
    """The slot with its latest evidence, as JSON bytes."""
    return _found(await slot_store.show_json(tx, slot_id), "slot", slot_id)


async def sanitize_slot(tx: Tx, slot_id: str, reason: str) -> bytes:
    """Has a quarantined slot cleaned again; its flow tells slot_cleaned or slot_quarantined. 409 in any other state."""
    row = await slot_store.one(tx, slot_id)
    if row is None:
        raise not_found("slot", slot_id)
    await flows.wake(tx, slots.KIND, slot_id)  # flow first, then slot: the order of its steps
    row = await slot_store.lock(tx, slot_id)
    if row.state != slots.State.QUARANTINED:
        raise conflict("slot_not_quarantined", f"Slot {slot_id} is {row.state}.", "Only quarantined slots need this.")
    await slot_store.become(tx, slot_id, row.state, new_order=True)
    await tx.audit("slot.sanitize", slot_id, reason=reason, details={"node_id": row.node_id})
    return await slot_store.show_json(tx, slot_id)


def _found(body: bytes, kind: str, id: str) -> bytes:
    if body == b"null":
        raise not_found(kind, id)
    return body
