"""A key on its store: granting → active → revoking → revoked.

The store must know the secret, so it is given it from where it lies sealed; and given it again should the store have
lost it. Revoked is believed only when the store says that it does not know the key's user any more.
"""

from dataclasses import dataclass
from enum import StrEnum

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.storage_network.bucket_key import KIND, BucketKey, KeyState, purpose
from aifactory.domains.storage_network.ports import OBJECT_STORE, ObjectStore, StoreKey, StoreRefused, StoreUnreachable
from aifactory.domains.storage_network.store import bucket_keys as store
from aifactory.events.storage_network import BucketKeyRevoked
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, Step, Wait
from aifactory.kernel.principal import Principal

AGAIN_SECONDS = 1.0
LOOK_SECONDS = 300.0


@dataclass(frozen=True)
class Seen:
    """known: the store has the key. trouble: why it could not be done or seen."""

    known: bool = False
    trouble: str = ""


class KeepBucketKey(Flow):
    kind = KIND
    states: type[StrEnum] = KeyState
    initial = KeyState.GRANTING
    steps = {
        KeyState.GRANTING: Step(
            "granted",
            to=(KeyState.ACTIVE, KeyState.REVOKING),
            deadline_seconds=60,
            undo="revoking takes it, whether or not the store had it",
            effect="grant",
        ),
        KeyState.ACTIVE: Step(
            "keep",
            to=(KeyState.REVOKING,),
            deadline_seconds=None,
            undo="none needed: granting the same key again changes nothing",
            effect="grant",
        ),
        KeyState.REVOKING: Step(
            "revoked",
            to=(KeyState.REVOKED,),
            deadline_seconds=60,
            undo="none: a revocation is never taken back",
            effect="revoke",
        ),
    }
    terminal = frozenset({KeyState.REVOKED})
    resting = frozenset({KeyState.ACTIVE})

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        if run.desired != "revoked" or run.state == KeyState.REVOKING:
            return None
        return Go(KeyState.REVOKING, run.why)

    async def grant(self, context: EffectContext, run: FlowRun) -> Seen:
        """Looks first: a store that has the key is not touched."""
        async with context.database.tx("worker", Principal.service(KIND), run.tenant_id) as tx:
            key = await _one(tx, run)
            sealed, bucket = await store.sealed(tx, run.subject_id)
        if sealed is None:
            return Seen(trouble="its secret is gone")
        secret = platform_control.unseal(sealed, purpose(key.id))
        wanted = StoreKey(key.id, key.access_key_id, secret, bucket, key.mode)
        try:
            on = _store(context)
            if not await on.granted(wanted):
                await on.grant(wanted)
            return Seen(await on.granted(wanted))
        except (StoreUnreachable, StoreRefused) as trouble:
            return Seen(trouble=f"the object store: {trouble}"[:300])

    async def granted(self, tx: Tx, run: FlowRun, seen: Seen) -> Go | Wait:
        if not seen.known:
            return Wait(AGAIN_SECONDS, seen.trouble or "the store does not show it yet")
        await store.enter(tx, run.subject_id, KeyState.ACTIVE, [])
        return Go(KeyState.ACTIVE, "the store has it")

    async def keep(self, tx: Tx, run: FlowRun, seen: Seen) -> Wait:
        return Wait(LOOK_SECONDS, "the store has it") if seen.known else Wait(AGAIN_SECONDS, seen.trouble)

    async def revoke(self, context: EffectContext, run: FlowRun) -> Seen:
        try:
            on = _store(context)
            await on.revoke(run.subject_id)
            return Seen(await on.known(run.subject_id))
        except (StoreUnreachable, StoreRefused) as trouble:
            return Seen(trouble=f"the object store: {trouble}"[:300])

    async def revoked(self, tx: Tx, run: FlowRun, seen: Seen) -> Go | Wait:
        key = await _one(tx, run)
        if seen.known or seen.trouble:
            if key.state != KeyState.REVOKING:
                await store.enter(tx, key.id, KeyState.REVOKING, key.conditions)
            return Wait(AGAIN_SECONDS, seen.trouble or "the store still knows it")
        version = await store.enter(tx, key.id, KeyState.REVOKED, key.conditions)
        await tx.emit(BucketKeyRevoked(key.id, key.bucket_id, key.project_id, key.access_key_id), key.id, version)
        return Go(KeyState.REVOKED, "the store knows it no more")


def _store(context: EffectContext) -> ObjectStore:
    on: ObjectStore | None = context.ports.get(OBJECT_STORE)
    if on is None:
        raise StoreUnreachable("this worker was told of none")
    return on


async def _one(tx: Tx, run: FlowRun) -> BucketKey:
    key = await store.one(tx, run.subject_id)
    assert key is not None, "keys leave tombstones"
    return key
