"""What a tenant learns when the node under an allocation is drained: a condition that says what will happen when."""

from aifactory.domains.provisioning.allocation import KIND
from aifactory.domains.provisioning.store import allocations
from aifactory.domains.provisioning.store.maintenance import NodeInService, Occupant
from aifactory.events.provisioning import AllocationReleaseAnnounced
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx

CONDITION = "ReleaseAnnounced"


async def give(tx: Tx, occupant: Occupant, node: NodeInService) -> None:
    """The condition and the event. Flow first, then allocation: the order of its own steps."""
    await tx.set_tenant(occupant.tenant_id)
    await flows.wake(tx, KIND, occupant.allocation_id)
    row = await allocations.lock(tx, occupant.allocation_id)
    if not row.ended and row.release_requested_at is None and node.drain_deadline_at is not None:
        until = node.drain_deadline_at.isoformat(timespec="seconds")
        message = (
            f"Its node goes into maintenance ({node.drain_reason}). It is released at {until}, and billing ends then. "
            "Save what you need, launch another one, and release this one when you are done."
        )
        condition = {"type": CONDITION, "status": "True", "reason": "node_maintenance", "message": message}
        since = {"since": (await tx.now()).isoformat()}
        kept = [item for item in row.conditions if item["type"] != CONDITION]
        await allocations.set_conditions(tx, row.id, [*kept, condition | since])
        event = AllocationReleaseAnnounced(row.id, row.project_id, node.id, until, node.drain_reason)
        await tx.emit(event, row.id, row.generation)
    await tx.set_tenant(None)


async def take_back(tx: Tx, occupant: Occupant) -> None:
    """The node stays in service after all."""
    await tx.set_tenant(occupant.tenant_id)
    await flows.wake(tx, KIND, occupant.allocation_id)
    row = await allocations.lock(tx, occupant.allocation_id)
    await allocations.set_conditions(tx, row.id, [item for item in row.conditions if item["type"] != CONDITION])
    await tx.set_tenant(None)
