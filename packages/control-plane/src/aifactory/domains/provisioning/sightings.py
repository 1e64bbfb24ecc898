"""Sandboxes that died or vanished under a running meter: noticed in what their node's agent reports with each poll.

An agent is not trusted with money. So its word only ever ends a bill, from the first report on, and never extends one;
and it counts only for sandboxes that this very node holds. A report of another generation says nothing.

One report is not enough: an agent that starts again may speak before it has found its sandboxes, and a report may have
been on its way while the sandbox started. It takes a second one, in the same life of the machine, some seconds later.
A node that is silent reports nothing, and nothing ends.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aifactory.domains.provisioning import facade
from aifactory.domains.provisioning.allocation import KIND, Allocation, State
from aifactory.domains.provisioning.schedules import SILENT_SECONDS
from aifactory.domains.provisioning.store import allocations, sightings
from aifactory.domains.provisioning.store.sightings import Held
from aifactory.events.provisioning import SandboxLost
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal
from aifactory_protocol import PollRequest, SandboxReport

CONFIRM_SECONDS = 5.0
REASON = "sandbox_lost"
WHO = Principal.service("provisioning.sightings")
NOT_RUNNING = "sandbox_not_running"
NOT_REPORTED = "sandbox_not_reported"
_MESSAGES = {
    NOT_RUNNING: "The node reports that the sandbox has ended.",
    NOT_REPORTED: "The node does not know the sandbox any more.",
}


async def compare(database: Database, node_id: str, request: PollRequest) -> bool:
    """Compares one poll's report with what the node holds. True while there is a doubt that wants another report.

    Once for each poll, at its beginning: what it says is old afterwards.
    """
    async with database.tx("worker", WHO) as tx:
        held = await sightings.held_by(tx, node_id)
    unsure = False
    for each in held:
        trouble = trouble_with(each, request.sandboxes)
        if trouble:
            unsure |= await _missed(database, node_id, request.boot_id, each, trouble)
        elif trouble == "" and each.doubted:
            await _seen_again(database, each)
    return unsure


def trouble_with(held: Held, reports: Sequence[SandboxReport]) -> str | None:
    """A reason to doubt; empty when it runs; None when the report is about another start and says nothing."""
    named = [report for report in reports if report.allocation_id == held.allocation_id]
    current = [report for report in named if report.generation == held.generation]
    if any(report.running for report in current):
        return ""
    if current:
        return NOT_RUNNING
    return None if named else NOT_REPORTED


async def _missed(database: Database, node_id: str, boot_id: str, held: Held, trouble: str) -> bool:
    async with database.tx("worker", WHO) as tx:
        allocation = await _lock_if_billed(tx, held)
        if allocation is None or allocation.node_id != node_id:
            return False
        doubt = await sightings.doubt(tx, held.allocation_id, node_id, boot_id, trouble, SILENT_SECONDS)
        await _condition(tx, allocation, "False", trouble, _MESSAGES[trouble], doubt.since)
        if doubt.reports < 2 or doubt.seconds < CONFIRM_SECONDS:
            return True
        await sightings.end_doubt(tx, held.allocation_id)
        await _end(tx, allocation, trouble, doubt.since)
        return False


async def _end(tx: Tx, allocation: Allocation, trouble: str, since: datetime) -> None:
    """The ordinary release, counted from the first report."""
    assert allocation.node_id is not None, "a node holds it"
    if await facade.release_for(tx, allocation.id, REASON, since=since):
        event = SandboxLost(allocation.id, allocation.project_id, allocation.node_id, trouble, since.isoformat())
        await tx.emit(event, allocation.id, allocation.generation + 1)


async def _seen_again(database: Database, held: Held) -> None:
    async with database.tx("worker", WHO) as tx:
        allocation = await _lock_if_billed(tx, held)
        await sightings.end_doubt(tx, held.allocation_id)
        if allocation is not None:
            message = "The node reports that the sandbox runs."
            await _condition(tx, allocation, "True", "sandbox_running", message, await tx.now())


async def _lock_if_billed(tx: Tx, held: Held) -> Allocation | None:
    """As its tenant. Flow first, then allocation: the order of its steps and of releases."""
    await tx.set_tenant(held.tenant_id)
    await flows.wake(tx, KIND, held.allocation_id)
    allocation = await allocations.lock(tx, held.allocation_id)
    billed = allocation.state == State.ACTIVE and allocation.release_requested_at is None
    return allocation if billed else None


async def _condition(tx: Tx, row: Allocation, status: str, reason: str, message: str, since: datetime) -> None:
    kept: list[dict[str, Any]] = [item for item in row.conditions if item["type"] != "Running"]
    running = {
        "type": "Running",
        "status": status,
        "reason": reason,
        "message": message,
        "since": since.isoformat(),
    }
    if running not in row.conditions:
        await allocations.set_conditions(tx, row.id, [*kept, running])
