"""A sandbox's network: waiting for its node → applying ⇄ applied → detaching → detached.

Level-triggered: whoever changes a rule, a group or a port raises the attachment's generation and wakes this; it asks the
node until the node says that it holds that generation. A node that says no is asked again, and the missed deadline opens
an incident that says why.
"""

from enum import StrEnum

from aifactory.domains.storage_network.attachment import KIND, Attachment, AttachmentState
from aifactory.domains.storage_network.store import attachments as store
from aifactory.domains.storage_network.store import published_ports as port_store
from aifactory.events.storage_network import NetworkDetached, NetworkRulesApplied, NetworkRulesWanted
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import Flow, FlowRun, Go, Step, Wait

LOOK_SECONDS = 15.0
ASK_AGAIN_SECONDS = 5.0


class KeepAttachment(Flow):
    kind = KIND
    states: type[StrEnum] = AttachmentState
    initial = AttachmentState.WAITING
    steps = {
        AttachmentState.WAITING: Step(
            "await_node",
            to=(AttachmentState.APPLYING, AttachmentState.DETACHING),
            deadline_seconds=None,
            undo="none needed: no node has heard of it",
        ),
        AttachmentState.APPLYING: Step(
            "apply",
            to=(AttachmentState.APPLIED, AttachmentState.DETACHING),
            deadline_seconds=60,
            undo="the next wish replaces this one whole; the sandbox's end removes it",
        ),
        AttachmentState.APPLIED: Step(
            "keep",
            to=(AttachmentState.APPLYING, AttachmentState.DETACHING),
            deadline_seconds=None,
            undo="none needed: looking changes nothing",
        ),
        AttachmentState.DETACHING: Step(
            "detach",
            to=(AttachmentState.DETACHED,),
            deadline_seconds=60,
            undo="none: what has ended is not attached again",
        ),
    }
    terminal = frozenset({AttachmentState.DETACHED})
    resting = frozenset({AttachmentState.WAITING, AttachmentState.APPLIED})

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        if run.desired != "detached" or run.state == AttachmentState.DETACHING:
            return None
        return Go(AttachmentState.DETACHING, run.why)

    async def await_node(self, tx: Tx, run: FlowRun) -> Go | Wait:
        row = await _row(tx, run)
        if row.node_id is None:
            return Wait(3600, f"{row.allocation_id} has no node yet")
        return await self._enter(tx, row, AttachmentState.APPLYING, f"its sandbox runs on {row.node_id}")

    async def apply(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Asks for each generation once, and again with a new one after a no; believes only the signed answer."""
        row = await _row(tx, run)
        if row.is_applied:
            await tx.emit(
                NetworkRulesApplied(row.id, row.allocation_id, row.applied_generation), row.id, row.generation
            )
            return await self._enter(tx, row, AttachmentState.APPLIED, f"node {row.node_id} holds the rules")
        if row.refused_generation >= row.generation:
            if not run.data.get("pausing"):
                run.data = {"pausing": True}
                return Wait(ASK_AGAIN_SECONDS, _last_answer(row))
            return await self._ask(tx, run, row, await store.ask_again(tx, row.id))
        if run.data.get("asked") == row.generation:
            return Wait(LOOK_SECONDS, f"waiting for node {row.node_id} to load the rules")
        return await self._ask(tx, run, row, row.generation)

    async def keep(self, tx: Tx, run: FlowRun) -> Go | Wait:
        row = await _row(tx, run)
        if row.is_applied:
            return Wait(3600, "the node holds what is wanted")
        return await self._enter(tx, row, AttachmentState.APPLYING, "something that it depends on has changed")

    async def detach(self, tx: Tx, run: FlowRun) -> Go:
        """Address and ports are free again. Who let its groups in hears of it by the event: many are asked, one by one."""
        row = await _row(tx, run)
        await port_store.close_all(tx, row.id)
        await store.enter(tx, row.id, AttachmentState.DETACHED)
        event = NetworkDetached(row.id, row.allocation_id, row.network_id, row.security_group_ids)
        await tx.emit(event, row.id, row.generation + 1)
        return Go(AttachmentState.DETACHED, run.why)

    async def _ask(self, tx: Tx, run: FlowRun, row: Attachment, generation: int) -> Wait:
        assert row.node_id is not None, "it has a node before it is applied"
        run.data = {"asked": generation}
        event = NetworkRulesWanted(row.id, row.allocation_id, row.node_id, generation)
        await tx.emit(event, row.id, generation)
        return Wait(LOOK_SECONDS, f"asked node {row.node_id} to load the rules")

    async def _enter(self, tx: Tx, row: Attachment, state: AttachmentState, why: str) -> Go:
        await store.enter(tx, row.id, state)
        return Go(state, why)


async def _row(tx: Tx, run: FlowRun) -> Attachment:
    row = await store.lock(tx, run.subject_id)
    assert row is not None, "attachments leave a tombstone"
    return row


def _last_answer(row: Attachment) -> str:
    """Why the node has not done it, in its own words."""
    said = next((one for one in row.conditions if one.get("type") == "Applied"), {})
    return f"the node answered {said.get('reason', 'no')}: {said.get('message', '')}"[:300]
