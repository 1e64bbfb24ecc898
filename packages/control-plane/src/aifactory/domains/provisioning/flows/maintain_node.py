"""A node's way out of service and back, in the order in which it happens. It never ends: the next drain begins it anew.

    in_service → draining → emptying → maintenance → returning → in_service
                    ↓ (resumed in time)   ↑ (nobody was on it)
                in_service             draining

Draining tells everybody on the node what will happen when, and waits for them to leave. At the deadline what is left is
released in the ordinary way. People may have worked on the machine, so all its slots are cleaned anew before it returns.
"""

from enum import StrEnum

from aifactory.domains.provisioning import drain_notices, facade, node_conditions
from aifactory.domains.provisioning.flows.sanitize_slot import SanitizeSlot
from aifactory.domains.provisioning.slot import State as SlotState
from aifactory.domains.provisioning.store import maintenance as store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.domains.provisioning.store.maintenance import NodeInService
from aifactory.events.provisioning import NodeDraining, NodeEnteredMaintenance, NodeResumed
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import Flow, FlowRun, Go, Step, Wait

KIND = "provisioning.maintenance"
LOOK_SECONDS = 5
LONGEST_WAIT_SECONDS = 60.0
CONDITION = "OutOfService"


class State(StrEnum):
    IN_SERVICE = "in_service"
    DRAINING = "draining"
    EMPTYING = "emptying"
    MAINTENANCE = "maintenance"
    RETURNING = "returning"


class MaintainNode(Flow):
    kind = KIND
    states: type[StrEnum] = State
    initial = State.IN_SERVICE
    steps = {
        State.IN_SERVICE: Step("serve", to=(State.DRAINING,), deadline_seconds=None, undo="resume"),
        State.DRAINING: Step(
            "drain",
            to=(State.EMPTYING, State.MAINTENANCE, State.IN_SERVICE),
            deadline_seconds=None,
            undo="resume: the notices are taken back",
        ),
        State.EMPTYING: Step(
            "empty", to=(State.MAINTENANCE,), deadline_seconds=300, undo="none: a release is never taken back"
        ),
        State.MAINTENANCE: Step("rest", to=(State.RETURNING,), deadline_seconds=None, undo="resume"),
        State.RETURNING: Step(
            "come_back", to=(State.IN_SERVICE,), deadline_seconds=900, undo="another drain, once it is back"
        ),
    }
    terminal = frozenset()
    resting = frozenset({State.IN_SERVICE, State.DRAINING, State.MAINTENANCE})

    async def serve(self, tx: Tx, run: FlowRun) -> Go | Wait:
        node = await _node(tx, run)
        if run.desired != "maintenance":
            return Wait(3600, "in service")
        assert node.drain_deadline_at is not None, "a drain is wished with its deadline"
        await store.enter(tx, node.id, State.DRAINING)
        run.data = {"noticed": []}
        until = node.drain_deadline_at.isoformat()
        await node_conditions.say(tx, node.id, CONDITION, "draining", f"Draining until {until}: {node.drain_reason}")
        there = len(await store.occupants(tx, node.id))
        event = NodeDraining(node.id, node.name, node.region_id, until, node.drain_reason, there)
        await tx.emit(event, node.id, node.generation + 1)
        return Go(State.DRAINING, f"{node.drain_requested_by}: {node.drain_reason}"[:300])

    async def drain(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Tells each allocation once, also one that was being placed when the drain began."""
        node = await _node(tx, run)
        there = await store.occupants(tx, node.id)
        if run.desired != "maintenance":
            for occupant in there:
                await drain_notices.take_back(tx, occupant)
            return await self._serve_again(tx, node, "resumed before its deadline")
        if not there:
            return await self._rest(tx, node, "nobody is on it")
        assert node.drain_deadline_at is not None, "a drain is wished with its deadline"
        for occupant in there:
            if occupant.allocation_id not in run.data["noticed"]:
                await drain_notices.give(tx, occupant, node)
                run.data["noticed"].append(occupant.allocation_id)
        left = (node.drain_deadline_at - await tx.now()).total_seconds()
        if left > 0:
            return Wait(min(left, LONGEST_WAIT_SECONDS), f"{len(there)} allocations may stay for {left:.0f} s")
        await store.enter(tx, node.id, State.EMPTYING)
        return Go(State.EMPTYING, f"the deadline has come, with {len(there)} allocations left")

    async def empty(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """The ordinary release: bills end now, and a node that is silent holds nobody up."""
        node = await _node(tx, run)
        there = await store.occupants(tx, node.id)
        for occupant in there:
            await tx.set_tenant(occupant.tenant_id)
            await facade.release_for(tx, occupant.allocation_id, f"its node was drained: {node.drain_reason}")
        await tx.set_tenant(None)
        if there:
            return Wait(LOOK_SECONDS, f"{len(there)} allocations are being released, first {there[0].allocation_id}")
        return await self._rest(tx, node, "what was left has been released")

    async def rest(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """People work on it. Then nothing is known about its slots any more, and each is cleaned."""
        node = await _node(tx, run)
        if run.desired == "maintenance":
            return Wait(3600, "in maintenance")
        for slot_id, state in await store.slots_to_clean(tx, node.id):
            await flows.wake(tx, SanitizeSlot.kind, slot_id)  # flow first, then slot: the order of its steps
            await store.soil(tx, slot_id)
            if state == SlotState.QUARANTINED:
                await slot_store.become(tx, slot_id, state, new_order=True)
        await store.enter(tx, node.id, State.RETURNING)
        await node_conditions.say(tx, node.id, CONDITION, "returning", "Its slots are cleaned before it is used again.")
        return Go(State.RETURNING, "resumed; its slots are cleaned first")

    async def come_back(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """A slot that is set aside again stays so, with an incident of its own, and keeps no other one from its use."""
        node = await _node(tx, run)
        unclean, aside = await store.unclean(tx, node.id)
        if unclean > aside:
            return Wait(LOOK_SECONDS, f"{unclean - aside} of its slots are not clean yet; the node is {node.state}")
        return await self._serve_again(tx, node, f"clean; {aside} slots are set aside" if aside else "clean")

    async def _rest(self, tx: Tx, node: NodeInService, why: str) -> Go:
        await store.enter(tx, node.id, State.MAINTENANCE)
        await node_conditions.say(tx, node.id, CONDITION, "maintenance", f"In maintenance: {node.drain_reason}")
        event = NodeEnteredMaintenance(node.id, node.name, node.region_id, node.drain_reason)
        await tx.emit(event, node.id, node.generation + 1)
        return Go(State.MAINTENANCE, why)

    async def _serve_again(self, tx: Tx, node: NodeInService, why: str) -> Go:
        await tx.set_tenant(None)
        await store.enter(tx, node.id, State.IN_SERVICE)
        await node_conditions.unsay(tx, node.id, CONDITION)
        await tx.emit(NodeResumed(node.id, node.name, node.region_id), node.id, node.generation + 1)
        return Go(State.IN_SERVICE, why)


async def _node(tx: Tx, run: FlowRun) -> NodeInService:
    node = await store.lock(tx, run.subject_id)
    if node is None:
        raise LookupError(f"node {run.subject_id} is gone")
    return node
