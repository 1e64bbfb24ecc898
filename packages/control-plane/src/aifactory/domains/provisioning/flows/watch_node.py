"""Whether a node does what it is told, watched for as long as there is the node.

    answering → unreachable | not_answering → answering
    unreachable → switched_off, when its region was closed on purpose

It changes nothing about the node but what is said of it: its deadlines open the incidents, with the words of the wait.
"""

from enum import StrEnum

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import node_conditions
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store import watching as store
from aifactory.domains.provisioning.store.nodes import NodeRow
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import Flow, FlowRun, Go, Step, Wait

KIND = "provisioning.node"
UNANSWERED_SECONDS = 30.0  # a node that works answers within a few; a task is offered again every 3 s until it does
LOOK_SECONDS = 5
NOTHING = "none: watching changes nothing"


class State(StrEnum):
    ANSWERING = "answering"
    UNREACHABLE = "unreachable"
    NOT_ANSWERING = "not_answering"
    SWITCHED_OFF = "switched_off"


class WatchNode(Flow):
    kind = KIND
    states: type[StrEnum] = State
    initial = State.ANSWERING
    steps = {
        State.ANSWERING: Step(
            "watch", to=(State.UNREACHABLE, State.NOT_ANSWERING), deadline_seconds=None, undo=NOTHING
        ),
        State.UNREACHABLE: Step(
            "await_return", to=(State.ANSWERING, State.SWITCHED_OFF), deadline_seconds=30, undo=NOTHING
        ),
        State.NOT_ANSWERING: Step(
            "await_answers", to=(State.ANSWERING, State.UNREACHABLE), deadline_seconds=30, undo=NOTHING
        ),
        State.SWITCHED_OFF: Step("await_opening", to=(State.ANSWERING,), deadline_seconds=None, undo=NOTHING),
    }
    terminal = frozenset()
    resting = frozenset({State.ANSWERING, State.SWITCHED_OFF})

    async def watch(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Woken by the schedule that notices silence and missing answers."""
        node = await node_store.one(tx, run.subject_id)
        if node is None:
            return Wait(3600, "the node is gone")
        if node.state == "unreachable":
            return Go(State.UNREACHABLE, _silence(node))
        why = await self._unanswered(tx, node)
        return Go(State.NOT_ANSWERING, why) if why else Wait(3600, "it answers")

    async def await_return(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """The schedule sees that it is back and wakes us."""
        node = await node_store.one(tx, run.subject_id)
        if node is None:
            return Wait(3600, "the node is gone")
        if node.state != "unreachable":
            await node_conditions.unsay(tx, node.id, "Unreachable")
            return Go(State.ANSWERING, "its agent speaks again")
        if node.region_id not in {region.id for region in await platform_control.regions(tx)}:
            await node_conditions.say(tx, node.id, "Unreachable", "region_closed", "Its region is switched off.")
            return Go(State.SWITCHED_OFF, f"region {node.region_id} is closed")
        await node_conditions.say(tx, node.id, "Unreachable", "silent", _silence(node))
        return Wait(60, _silence(node))

    async def await_answers(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Slow, or its answers get lost: from here that looks the same."""
        node = await node_store.one(tx, run.subject_id)
        if node is None:
            return Wait(3600, "the node is gone")
        if node.state == "unreachable":
            await node_conditions.unsay(tx, node.id, "NotAnswering")
            return Go(State.UNREACHABLE, _silence(node))
        why = await self._unanswered(tx, node)
        if not why:
            await node_conditions.unsay(tx, node.id, "NotAnswering")
            return Go(State.ANSWERING, "every task that it was given is answered")
        await node_conditions.say(tx, node.id, "NotAnswering", "task_unanswered", why)
        return Wait(LOOK_SECONDS, why)

    async def await_opening(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Its return wakes us, whoever opened its region."""
        node = await node_store.one(tx, run.subject_id)
        if node is None or node.state == "unreachable":
            return Wait(3600, "its region is closed")
        await node_conditions.unsay(tx, node.id, "Unreachable")
        return Go(State.ANSWERING, "its agent speaks again")

    async def _unanswered(self, tx: Tx, node: NodeRow) -> str:
        task = await store.oldest_unanswered(tx, node.id, UNANSWERED_SECONDS)
        if task is None:
            return ""
        since = f"{task.created_at:%H:%M:%S} UTC"
        return f"{node.name} polls, but {task.verb} of {task.subject_id} has no answer since {since}"


def _silence(node: NodeRow) -> str:
    return f"{node.name} has not polled since {node.last_seen_at:%H:%M:%S} UTC"
