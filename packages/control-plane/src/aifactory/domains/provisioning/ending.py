"""How an allocation ends: refused, failed or settled. Each in the one transaction of the step that decides it."""

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning import node_tasks, slot
from aifactory.domains.provisioning.allocation import Allocation, State
from aifactory.domains.provisioning.placement import NoPlace
from aifactory.domains.provisioning.store import allocations as store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.domains.provisioning.store import tasks as task_store
from aifactory.domains.storage_network import facade as storage
from aifactory.events.provisioning import AllocationFailed, AllocationRefused, AllocationReleased
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import FlowRun, Go


async def refuse(tx: Tx, allocation: Allocation, why: NoPlace) -> None:
    """Terminal: quota, hold and new volumes go back in this transaction; what else could be had stands on the refusal."""
    await _give_back(tx, allocation)
    await storage.disconnect(tx, allocation.id)
    await let_volumes_go(tx, allocation)
    refusal = {"code": why.code, "detail": why.detail, "offers": why.offers}
    await store.end(tx, allocation.id, State.REFUSED, refusal=refusal)
    event = AllocationRefused(allocation.id, allocation.project_id, allocation.sku, allocation.region_id, why.code)
    await tx.emit(event, allocation.id, allocation.generation + 1)


async def fail(tx: Tx, run: FlowRun, allocation: Allocation, code: str, detail: str) -> Go:
    """Terminal: nothing is billed, everything is undone; the node hears of it, and the slot is cleaned."""
    await order_stop(tx, run, allocation)
    await _give_back(tx, allocation)
    await let_volumes_go_unless_started(tx, allocation)
    await storage.disconnect(tx, allocation.id)
    await vacate(tx, allocation)
    await store.end(tx, allocation.id, State.FAILED, failure={"code": code, "detail": detail[:500]})
    await tx.emit(
        AllocationFailed(allocation.id, allocation.project_id, code, detail[:500]),
        allocation.id,
        allocation.generation + 1,
    )
    return Go(State.FAILED, f"{code}: {detail}"[:300])


async def settle(tx: Tx, allocation: Allocation) -> Go:
    """Terminal: the bill is posted, or the hold given back when it was never active."""
    await storage.disconnect(tx, allocation.id)
    if allocation.activated_at is None:
        await _give_back(tx, allocation)
        await let_volumes_go_unless_started(tx, allocation)
        billed = "0"
    else:
        await iam.release_quota(tx, allocation.id)
        bill = await billing.settle(tx, allocation.id)
        billed = bill.wire()["amount"]
    await store.end(tx, allocation.id, State.RELEASED)
    event = AllocationReleased(allocation.id, allocation.project_id, billed, allocation.price_currency)
    await tx.emit(event, allocation.id, allocation.generation + 1)
    return Go(State.RELEASED, f"billed {billed} {allocation.price_currency}")


async def order_stop(tx: Tx, run: FlowRun, allocation: Allocation) -> bool:
    """Withdraws an unanswered start; one that a node has seen is answered by a stop. False: there is nothing to stop."""
    await task_store.withdraw(tx, allocation.id, "sandbox.start")
    start = await task_store.latest(tx, allocation.id, "sandbox.start")
    if start is None or start.sent_at is None:
        return False
    generation = max(run.generation, start.generation)
    await node_tasks.order(
        tx, run, start.node_id, "sandbox.stop", allocation.id, generation, {"allocation_id": allocation.id}
    )
    return True


async def vacate(tx: Tx, allocation: Allocation) -> None:
    """The slot is nobody's and dirty; its own flow cleans it when its node is there."""
    if allocation.slot_id is not None:
        await flows.wake(tx, slot.KIND, allocation.slot_id)  # flow first, then slot: the order of its steps
        await slot_store.vacate(tx, allocation.id)


async def let_volumes_go(tx: Tx, allocation: Allocation) -> None:
    """Only when no node can have them mounted for this allocation any more."""
    await storage.detached(tx, allocation.id)


async def let_volumes_go_unless_started(tx: Tx, allocation: Allocation) -> None:
    """After a start the node's stop, or the cleaning of the slot, lets them go."""
    if await task_store.latest(tx, allocation.id, "sandbox.stop") is None:
        await let_volumes_go(tx, allocation)


async def _give_back(tx: Tx, allocation: Allocation) -> None:
    """What the request took: the quota, the hold, and the volumes that it brought. Locked in a launch's order."""
    await iam.release_quota(tx, allocation.id)
    await billing.void(tx, allocation.id)
    await storage.abandon_new(tx, allocation.id)
