"""Deleting a volume: ask its node to erase it until the node says that it is gone, then give the quota back.

Never gives up and never pretends: an unreachable node keeps the volume in `deleting`, and the missed deadline opens
an incident that says why.
"""

from enum import StrEnum

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network.store import volumes as store
from aifactory.domains.storage_network.volume import Volume
from aifactory.events.storage_network import VolumeDeleted, VolumeErasureWanted
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import Flow, FlowRun, Go, Step, Wait

ASK_AGAIN_SECONDS = 5


class State(StrEnum):
    DELETING = "deleting"
    DELETED = "deleted"


class DeleteVolume(Flow):
    kind = "storage_network.volume"
    states = State
    initial = State.DELETING
    steps = {
        State.DELETING: Step(
            "erase", to=(State.DELETED,), deadline_seconds=120, undo="none: whoever deletes wants the data gone"
        ),
    }
    terminal = frozenset({State.DELETED})

    async def erase(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Asks the node, once at a time, and believes only its signed answer."""
        volume = await store.one(tx, run.subject_id)  # not locked: quota is locked before volumes, everywhere
        if volume is None:
            return Go(State.DELETED, "no such volume")
        if volume.node_id is None or volume.erased_at is not None:
            return await self._gone(tx, volume)
        asked = run.data.get("asked", 0)
        if asked and volume.answered < asked:
            return Wait(30, f"waiting for node {volume.node_id} to erase it")
        if asked and not run.data.get("pausing"):
            run.data["pausing"] = True
            return Wait(ASK_AGAIN_SECONDS, _last_answer(volume))
        generation = await store.ask_again(tx, volume.id)
        run.data = {"asked": generation}
        await tx.emit(VolumeErasureWanted(volume.id, volume.node_id, generation), volume.id, generation)
        return Wait(30, f"asked node {volume.node_id} to erase it")

    async def _gone(self, tx: Tx, volume: Volume) -> Go:
        await iam.release_quota(tx, volume.id)
        await store.mark_deleted(tx, volume.id)
        await tx.emit(VolumeDeleted(volume.id, volume.project_id, volume.node_id), volume.id, volume.generation + 1)
        return Go(State.DELETED, "the node erased it" if volume.node_id else "it never took space on a node")


def _last_answer(volume: Volume) -> str:
    """Why the node has not done it, in its own words."""
    said = next((c for c in volume.conditions if c.get("type") == "NodeAgreed"), {})
    return f"the node answered {said.get('reason', 'no')}: {said.get('message', '')}"[:300]
