"""An allocation from the request to the settled bill, in the order in which it happens.

    requested → placing → preparing → starting → verifying → active → releasing → stopping → settling → released
                   ↓          ↓          ↓           ↓
                refused    failed     failed      failed

A release wish turns every earlier state into a clean end: before anything was placed straight to `settling`, afterwards
through `releasing`. What was never active costs nothing. Each method enters its own state on the allocation's row
first, because `interrupt` only decides and writes nothing.
"""

from enum import StrEnum
from typing import Any

from aifactory.domains.billing import facade as billing
from aifactory.domains.provisioning import ending, node_tasks, placement
from aifactory.domains.provisioning.allocation import KIND, Allocation, State, access_of, same_host_key
from aifactory.domains.provisioning.ports import ACCESS_PROBE, Seen
from aifactory.domains.provisioning.starting import Started, read_start, start_arguments
from aifactory.domains.provisioning.store import allocations as store
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.domains.provisioning.store import tasks as task_store
from aifactory.domains.storage_network import facade as storage
from aifactory.events.provisioning import AllocationActivated
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, Step, Wait
from aifactory.kernel.principal import Principal
from aifactory.kernel.resource import Condition

LOOK_SECONDS = 15
KNOCK_SECONDS = 1.0
_UNPLACED = (State.REQUESTED, State.PLACING)
_PLACED = (State.PREPARING, State.STARTING, State.VERIFYING, State.ACTIVE)
_GIVEN_UP = {
    State.PREPARING: ("volume_timeout", "The node did not make the volumes in time."),
    State.STARTING: ("start_timeout", "The node did not start the sandbox in time."),
    State.VERIFYING: ("access_timeout", "The sandbox's door could not be verified in time."),
}


class Allocate(Flow):
    kind = KIND
    states: type[StrEnum] = State
    initial = State.REQUESTED
    steps = {
        State.REQUESTED: Step(
            "begin",
            to=(State.PLACING, State.SETTLING),
            deadline_seconds=30,
            undo="settling gives back quota, hold and new volumes of the request",
        ),
        State.PLACING: Step(
            "place",
            to=(State.PREPARING, State.REFUSED, State.SETTLING),
            deadline_seconds=45,
            undo="the slot is vacated, dirty; a refusal gives back what the request took in the same transaction",
        ),
        State.PREPARING: Step(
            "prepare",
            to=(State.STARTING, State.FAILED, State.RELEASING),
            deadline_seconds=120,
            undo="new volumes are deleted, older ones let go",
        ),
        State.STARTING: Step(
            "start",
            to=(State.VERIFYING, State.FAILED, State.RELEASING),
            deadline_seconds=120,
            undo="an unanswered order is withdrawn; one that a node has seen is followed by sandbox.stop",
        ),
        State.VERIFYING: Step(
            "activate",
            to=(State.ACTIVE, State.FAILED, State.RELEASING),
            deadline_seconds=60,
            undo="none needed: looking changes nothing",
            effect="knock",
        ),
        State.ACTIVE: Step(
            "run", to=(State.RELEASING,), deadline_seconds=None, undo="release: the meter ends at the request's instant"
        ),
        State.RELEASING: Step(
            "cut", to=(State.STOPPING,), deadline_seconds=30, undo="none: a release is never taken back"
        ),
        State.STOPPING: Step(
            "stop",
            to=(State.SETTLING,),
            deadline_seconds=90,
            undo="none: past the deadline the slot stays dirty until its node answers",
        ),
        State.SETTLING: Step(
            "settle", to=(State.RELEASED,), deadline_seconds=60, undo="none: corrections of a bill are reversals"
        ),
    }
    terminal = frozenset({State.RELEASED, State.REFUSED, State.FAILED})
    resting = frozenset({State.ACTIVE})

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        if run.desired != "released":
            return None
        if run.state in _UNPLACED:
            return Go(State.SETTLING, f"cancelled before it was placed: {run.why}"[:300])
        return Go(State.RELEASING, run.why) if run.state in _PLACED else None

    async def overdue(self, tx: Tx, run: FlowRun) -> Go | None:
        allocation = await store.lock(tx, run.subject_id)
        if run.state in _GIVEN_UP:
            code, detail = _GIVEN_UP[State(run.state)]
            return await ending.fail(tx, run, allocation, code, f"{detail} Last: {run.why}")
        if run.state == State.STOPPING:
            await ending.vacate(tx, allocation)
            return Go(State.SETTLING, f"node {allocation.node_id} did not confirm in time; the slot stays dirty")
        return None

    async def begin(self, tx: Tx, run: FlowRun) -> Go:
        return await self._enter(tx, run, State.PLACING, "looking for a slot")

    async def place(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Takes a clean slot, on the node of an existing volume if there is one; else refuses with what else there is."""
        allocation = await store.lock(tx, run.subject_id)
        await store.enter(tx, allocation.id, State.PLACING)
        outcome = await placement.find(tx, run, allocation)
        if isinstance(outcome, placement.Patience):
            return Wait(outcome.seconds, outcome.why)
        if isinstance(outcome, placement.NoPlace):
            await ending.refuse(tx, allocation, outcome)
            return Go(State.REFUSED, outcome.detail)
        return await self._enter(tx, run, State.PREPARING, outcome.why)

    async def prepare(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Has the node take the space of volumes that have none yet."""
        allocation = await store.lock(tx, run.subject_id)
        assert allocation.node_id is not None, "placed before it is prepared"
        for volume in await storage.volumes(tx, allocation.volume_ids):
            if volume.state == "failed":
                detail = f"Volume {volume.name} could not be made: {_said(volume.conditions)}"
                return await ending.fail(tx, run, allocation, "volume_failed", detail)
        actions = await storage.attach(tx, allocation.volume_ids, allocation.id, allocation.node_id)
        for action in actions:
            await node_tasks.order(
                tx, run, allocation.node_id, action.verb, action.subject_id, action.generation, action.args
            )
        if actions:
            return Wait(LOOK_SECONDS, f"waiting for node {allocation.node_id} to make {len(actions)} volumes")
        return await self._enter(tx, run, State.STARTING, "volumes are there" if allocation.volumes else "no volumes")

    async def start(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Orders the sandbox once and reads how to reach it."""
        allocation = await store.lock(tx, run.subject_id)
        assert allocation.node_id is not None and allocation.slot_id is not None, "placed before it is started"
        slot = await slot_store.lock(tx, allocation.slot_id)
        run.data.setdefault("generation", run.generation)
        task = await node_tasks.order(
            tx,
            run,
            allocation.node_id,
            "sandbox.start",
            allocation.id,
            run.data["generation"],
            start_arguments(allocation, slot),
        )
        if not task.finished:
            return Wait(LOOK_SECONDS, f"waiting for node {allocation.node_id} to start the sandbox")
        node = await node_store.one(tx, allocation.node_id)
        answer = read_start(task, node.ssh_host if node else "")
        if not isinstance(answer, Started):
            return await ending.fail(tx, run, allocation, answer.code, answer.detail)
        await store.reported(tx, allocation.id, answer.ssh, answer.isolation)
        await storage.connect(tx, allocation.id, allocation.node_id, answer.ssh["host"])
        return await self._enter(tx, run, State.VERIFYING, "the node says that it runs")

    async def knock(self, ctx: EffectContext, run: FlowRun) -> Seen:
        """Looks at the door from here: what the node says about itself is not enough to open a meter."""
        async with ctx.database.tx("worker", Principal.service(KIND)) as tx:
            await tx.set_tenant(run.tenant_id)
            allocation = await store.one(tx, run.subject_id)
        reported: dict[str, Any] = (allocation.reported_access if allocation else None) or {}
        if not reported:
            return Seen(None, "the node reported no door")
        return await ctx.ports[ACCESS_PROBE].look(reported["host"], reported["port"])  # type: ignore[no-any-return]

    async def activate(self, tx: Tx, run: FlowRun, seen: Seen) -> Go | Wait:
        """The verified access, the meter and the state in one transaction."""
        allocation = await store.lock(tx, run.subject_id)
        if seen.host_key is None:
            return Wait(KNOCK_SECONDS, seen.why)
        assert allocation.reported_access is not None, "an access was reported before it is verified"
        if not same_host_key(allocation.reported_access["host_key"], seen.host_key):
            detail = "The door showed another host key than the node reported: it is not the sandbox we started."
            return await ending.fail(tx, run, allocation, "host_key_mismatch", detail)
        return await self._open(tx, allocation, access_of(allocation.reported_access))

    async def _open(self, tx: Tx, allocation: Allocation, access: dict[str, Any]) -> Go:
        now = await tx.now()
        at = now.replace(microsecond=0)
        if not await store.activate(tx, allocation.id, at, access):
            raise RuntimeError("a release was requested without the flow's knowledge")
        dims = {
            "name": allocation.name,
            "node_id": allocation.node_id,
            "slot_id": allocation.slot_id,
            "mode": allocation.mode,
        }
        await billing.open_meter(
            tx, allocation.id, allocation.sku, allocation.region_id, allocation.project_id, at, dims=dims
        )
        await storage.keep(tx, allocation.id)
        event = AllocationActivated(
            allocation.id,
            allocation.project_id,
            allocation.sku,
            allocation.region_id,
            allocation.node_id or "",
            allocation.slot_id or "",
            at.isoformat(),
        )
        await tx.emit(event, allocation.id, allocation.generation + 1)
        return Go(State.ACTIVE, "access verified, meter open", at=now)  # the bill and the transition tell one instant

    async def run(self, tx: Tx, run: FlowRun) -> Wait:
        return Wait(3600, "running until its release")

    async def cut(self, tx: Tx, run: FlowRun) -> Go:
        """Access is gone from the API since the request; now the node is told to end it."""
        allocation = await store.lock(tx, run.subject_id)
        await store.enter(tx, allocation.id, State.RELEASING)
        ordered = await ending.order_stop(tx, run, allocation)
        return await self._enter(tx, run, State.STOPPING, "told the node" if ordered else "nothing was started")

    async def stop(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Waits for the node's word; `overdue` goes on without it."""
        allocation = await store.lock(tx, run.subject_id)
        task = await task_store.latest(tx, allocation.id, "sandbox.stop")
        if task is not None and task.state != "done":
            what = "to stop the sandbox" if not task.finished else f"again: it answered {task.state} {task.code}"
            return Wait(LOOK_SECONDS, f"waiting for node {allocation.node_id} {what}")
        await ending.vacate(tx, allocation)
        if task is None:
            await ending.let_volumes_go(tx, allocation)
        return await self._enter(tx, run, State.SETTLING, "stopped" if task else "it had not been started")

    async def settle(self, tx: Tx, run: FlowRun) -> Go:
        """The bill, the quota and, for what was never active, the new volumes: all given back or posted at once."""
        allocation = await store.lock(tx, run.subject_id)
        await store.enter(tx, allocation.id, State.SETTLING)
        return await ending.settle(tx, allocation)

    async def _enter(self, tx: Tx, run: FlowRun, state: State, why: str) -> Go:
        await store.enter(tx, run.subject_id, state)
        return Go(state, why)


def _said(conditions: list[Condition]) -> str:
    return next((item["message"] or item["reason"] for item in conditions if item["type"] == "NodeAgreed"), "no reason")
