"""A slot's life between allocations: dirty, being cleaned, on offer, or set aside for a person.

It never ends. A slot is offered again only after its node signed good evidence for every step; anything else sets it
aside. A new slot starts dirty too: what ran on a machine before it was ours is not known.
"""

from enum import StrEnum

from aifactory.domains.provisioning import node_tasks
from aifactory.domains.provisioning.slot import KIND, Slot, State, judge_cleaning
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store import slots as store
from aifactory.domains.provisioning.store import tasks as task_store
from aifactory.domains.provisioning.store.tasks import TaskRow
from aifactory.domains.storage_network import facade as storage
from aifactory.events.provisioning import SlotCleaned, SlotQuarantined
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import Flow, FlowRun, Go, Step, Wait
from aifactory.kernel.resource import Condition

REQUIRED_STEPS = (
    "processes_ended",
    "mounts_gone",
    "scratch_removed",
    "leftovers_removed",
    "cgroups_removed",
    "ports_closed",
)
LOOK_SECONDS = 60


class SanitizeSlot(Flow):
    kind = KIND
    states: type[StrEnum] = State
    initial = State.DIRTY
    steps = {
        State.DIRTY: Step(
            "wait_for_node", to=(State.SANITIZING,), deadline_seconds=600, undo="none: only cleaning ends dirt"
        ),
        State.SANITIZING: Step(
            "clean",
            to=(State.AVAILABLE, State.QUARANTINED),
            deadline_seconds=300,
            undo="none: a step of cleaning that was done twice is done",
        ),
        State.AVAILABLE: Step(
            "offer", to=(State.DIRTY,), deadline_seconds=None, undo="none: placement takes clean slots only"
        ),
        State.QUARANTINED: Step(
            "keep_aside", to=(State.DIRTY,), deadline_seconds=30, undo="an operator asks for another cleaning"
        ),
    }
    terminal = frozenset()
    resting = frozenset({State.AVAILABLE, State.QUARANTINED})

    async def wait_for_node(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Cleaning begins when the node is there and what ran on the slot has been stopped."""
        slot = await store.lock(tx, run.subject_id)
        await store.become(tx, slot.id, State.DIRTY)
        if slot.allocation_id is not None:
            return Wait(LOOK_SECONDS, f"held by {slot.allocation_id}")
        node = await node_store.one(tx, slot.node_id)
        if node is None or node.state != "ready":
            return Wait(LOOK_SECONDS, f"node {slot.node_id} is {node.state if node else 'gone'}")
        last = slot.last_allocation_id
        if last and await task_store.unfinished(tx, last, "sandbox.stop"):
            return Wait(LOOK_SECONDS, f"the node has not stopped {last} yet")
        generation = await store.become(tx, slot.id, State.SANITIZING, new_order=True)
        run.data = {"generation": generation}
        return Go(State.SANITIZING, f"clean after {last}" if last else "clean before its first use")

    async def clean(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Orders the cleaning once and judges the signed answer."""
        slot = await store.lock(tx, run.subject_id)
        # A slot on which nothing of ours ran yet names itself in the place of an allocation.
        args = {"slot_index": slot.index, "allocation_id": slot.last_allocation_id or slot.id}
        task = await node_tasks.order(tx, run, slot.node_id, "slot.sanitize", slot.id, run.data["generation"], args)
        if not task.finished:
            return Wait(LOOK_SECONDS, f"waiting for node {slot.node_id} to clean it")
        evidence = (task.result or {}).get("evidence", [])
        verdict = judge_cleaning(task.state, evidence, REQUIRED_STEPS, task.code, task.detail)
        if verdict.clean:
            return await self._put_on_offer(tx, slot, task, verdict.why)
        condition = await _condition(tx, "Quarantined", task.code or "evidence", verdict.why)
        await store.become(tx, slot.id, State.QUARANTINED, condition=condition)
        await tx.emit(SlotQuarantined(slot.id, slot.node_id, task.id, verdict.why), slot.id, slot.generation)
        run.data["seen"] = slot.generation
        return Go(State.QUARANTINED, verdict.why)

    async def _put_on_offer(self, tx: Tx, slot: Slot, task: TaskRow, why: str) -> Go:
        """Cleaned of its last allocation: whatever that still held on this node is free now as well."""
        condition = await _condition(tx, "Clean", "Evidence", why)
        await store.become(tx, slot.id, State.AVAILABLE, clean=True, condition=condition)
        await tx.emit(SlotCleaned(slot.id, slot.node_id, task.id), slot.id, slot.generation)
        tenant_id = await _tenant_of(tx, slot.last_allocation_id)
        if slot.last_allocation_id and tenant_id:
            await tx.set_tenant(tenant_id)
            await storage.detached(tx, slot.last_allocation_id)
        return Go(State.AVAILABLE, why)

    async def offer(self, tx: Tx, run: FlowRun) -> Go | Wait:
        slot = await store.lock(tx, run.subject_id)
        if slot.clean:
            return Wait(3600, "on offer")
        if slot.allocation_id is not None:
            return Wait(3600, f"held by {slot.allocation_id}")
        return Go(State.DIRTY, f"{slot.last_allocation_id} has left it")

    async def keep_aside(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Waits for an operator, who raises the slot's generation."""
        slot = await store.lock(tx, run.subject_id)
        if slot.generation > run.data.get("seen", slot.generation):
            return Go(State.DIRTY, "an operator asks for another cleaning")
        return Wait(3600, _why_aside(slot))


def _why_aside(slot: Slot) -> str:
    """What the incident will say: the step of cleaning that decided."""
    message = next((item["message"] for item in slot.conditions if item["type"] == "Quarantined"), "")
    return f"set aside, a person has to look: {message}"[:300]


async def _tenant_of(tx: Tx, allocation_id: str | None) -> str | None:
    """The tenant stands on the order that started the sandbox; none was ever sent, nothing is to be detached."""
    task = await task_store.latest(tx, allocation_id, "sandbox.start") if allocation_id else None
    return task.tenant_id if task else None


async def _condition(tx: Tx, kind: str, reason: str, message: str) -> Condition:
    since = (await tx.now()).isoformat()
    return {"type": kind, "status": "True", "reason": reason, "message": message, "since": since}
