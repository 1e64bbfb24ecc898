"""A bucket on its store, from the request to the tombstone.

    creating → available ⇄ deleting → deleted

`available` keeps what its keys may do equal to what quota and credit allow. A wish to delete turns `creating` and
`available`; a bucket that must be empty to go and is not comes back to `available` and says so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network import bucket as nouns
from aifactory.domains.storage_network import measuring
from aifactory.domains.storage_network.bucket import Bucket, BucketState
from aifactory.domains.storage_network.bucket_key import KIND as KEY_KIND
from aifactory.domains.storage_network.ports import (
    OBJECT_STORE,
    Access,
    BucketUsage,
    NotEmpty,
    ObjectStore,
    StoreRefused,
    StoreUnreachable,
)
from aifactory.domains.storage_network.store import bucket_keys as key_store
from aifactory.domains.storage_network.store import bucket_meters
from aifactory.domains.storage_network.store import buckets as store
from aifactory.events.storage_network import BucketCreated, BucketDeleted
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, Step, Wait
from aifactory.kernel.principal import Principal

AGAIN_SECONDS = 1.0
LOOK_SECONDS = 300.0  # how often an undisturbed bucket's access is compared with the store's


@dataclass(frozen=True)
class Seen:
    """What an effect found. `trouble`: why it could not be done or seen; then the rest says nothing."""

    trouble: str = ""
    access: Access = "full"
    there: bool = True
    not_empty: bool = False
    usage: BucketUsage | None = None  # the last that the store says of a bucket before it goes


class KeepBucket(Flow):
    kind = nouns.KIND
    states: type[StrEnum] = BucketState
    initial = BucketState.CREATING
    steps = {
        BucketState.CREATING: Step(
            "made",
            to=(BucketState.AVAILABLE, BucketState.DELETING),
            deadline_seconds=60,
            undo="deleting removes it, whether or not it was made",
            effect="make",
        ),
        BucketState.AVAILABLE: Step(
            "keep",
            to=(BucketState.DELETING,),
            deadline_seconds=None,
            undo="none needed: setting the same access again changes nothing",
            effect="set_access",
        ),
        BucketState.DELETING: Step(
            "removed",
            to=(BucketState.DELETED, BucketState.AVAILABLE),
            deadline_seconds=600,
            undo="none: whoever deletes wants the data gone; what must be empty and is not stays whole",
            effect="remove",
        ),
    }
    terminal = frozenset({BucketState.DELETED})
    resting = frozenset({BucketState.AVAILABLE})

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        if run.state == BucketState.DELETING:
            return None
        bucket = await store.one(tx, run.subject_id)
        return Go(BucketState.DELETING, "deleted by its owner") if bucket and bucket.deleting else None

    async def make(self, context: EffectContext, run: FlowRun) -> Seen:
        bucket = await _read(context, run)
        return await _try(context, _make, bucket)

    async def made(self, tx: Tx, run: FlowRun, seen: Seen) -> Go | Wait:
        """Believes only what was read back."""
        if seen.trouble or not seen.there:
            return Wait(AGAIN_SECONDS, seen.trouble or "the store does not show it yet")
        bucket = await _locked(tx, run)
        now = await tx.now()
        conditions = nouns.with_condition(bucket.conditions, nouns.writable(bucket, "full", now))
        version = await store.enter(tx, bucket, BucketState.AVAILABLE, conditions, bucket.deleting)
        created = BucketCreated(bucket.id, bucket.project_id, bucket.name, bucket.region_id, bucket.quota_bytes)
        await tx.emit(created, bucket.id, version)
        await bucket_meters.open_meter(tx, bucket.id)
        return Go(BucketState.AVAILABLE, "the store has it")

    async def set_access(self, context: EffectContext, run: FlowRun) -> Seen:
        bucket = await _read(context, run)
        return await _try(context, _set_access, bucket)

    async def keep(self, tx: Tx, run: FlowRun, seen: Seen) -> Wait:
        if seen.trouble:
            return Wait(AGAIN_SECONDS, seen.trouble)
        bucket = await _locked(tx, run)
        if seen.access != bucket.access:
            conditions = nouns.with_condition(bucket.conditions, nouns.writable(bucket, seen.access, await tx.now()))
            await store.access_set(tx, bucket.id, seen.access, conditions)
        if seen.access != bucket.wanted_access:
            return Wait(0, "what it may do has changed meanwhile")
        return Wait(LOOK_SECONDS, f"its keys have {seen.access} access")

    async def remove(self, context: EffectContext, run: FlowRun) -> Seen:
        bucket = await _read(context, run)
        if bucket.deleting == "with_contents" and await _live_keys(context, run):
            return Seen("its keys are being revoked first")
        return await _try(context, _remove, bucket)

    async def removed(self, tx: Tx, run: FlowRun, seen: Seen) -> Go | Wait:
        bucket = await _locked(tx, run)
        if bucket.state != BucketState.DELETING:
            await store.enter(tx, bucket, BucketState.DELETING, bucket.conditions, bucket.deleting)
        if seen.trouble:
            return Wait(AGAIN_SECONDS, seen.trouble)
        if seen.not_empty and bucket.deleting == "if_empty":
            return await self._stays(tx, bucket)
        if seen.there:
            return Wait(0, "emptying it")
        if not await measuring.finish(tx, bucket, seen.usage):
            return Wait(AGAIN_SECONDS, "its last second is measured")
        for key_id in await key_store.live(tx, bucket.id):
            await flows.intend(tx, KEY_KIND, key_id, "revoked", "its bucket is deleted")
        await iam.release_quota(tx, bucket.id)
        await store.gone(tx, bucket.id)
        version = await store.enter(tx, bucket, BucketState.DELETED, bucket.conditions, bucket.deleting)
        await tx.emit(BucketDeleted(bucket.id, bucket.project_id, bucket.name), bucket.id, version)
        return Go(BucketState.DELETED, "the store has it no more")

    async def _stays(self, tx: Tx, bucket: Bucket) -> Go:
        message = "It holds something. Remove it first, or delete the bucket with force=true."
        refused = nouns.condition("Deletable", False, "BucketNotEmpty", message, await tx.now())
        await store.enter(tx, bucket, BucketState.AVAILABLE, nouns.with_condition(bucket.conditions, refused), "")
        return Go(BucketState.AVAILABLE, "it is not empty")


async def _make(on: ObjectStore, bucket: Bucket) -> Seen:
    await on.make(bucket.bucket, bucket.versioning)
    return Seen(there=await on.exists(bucket.bucket))


async def _set_access(on: ObjectStore, bucket: Bucket) -> Seen:
    if await on.access(bucket.bucket) != bucket.wanted_access:
        await on.set_access(bucket.bucket, bucket.wanted_access)
    return Seen(access=await on.access(bucket.bucket))


async def _remove(on: ObjectStore, bucket: Bucket) -> Seen:
    if not await on.exists(bucket.bucket):
        return Seen(there=False)
    usage = (await on.usage()).get(bucket.bucket)  # before it is emptied: so much was held until now
    if bucket.deleting == "with_contents" and not await on.empty(bucket.bucket):
        return Seen(usage=usage)
    try:
        await on.remove(bucket.bucket)
    except NotEmpty:
        return Seen(not_empty=True)
    return Seen(there=await on.exists(bucket.bucket), usage=usage)


async def _try(context: EffectContext, act: Callable[[ObjectStore, Bucket], Awaitable[Seen]], bucket: Bucket) -> Seen:
    on = context.ports.get(OBJECT_STORE)
    if on is None:
        return Seen("this worker was told of no object store")
    try:
        return await act(on, bucket)
    except (StoreUnreachable, StoreRefused) as trouble:
        return Seen(f"the object store: {trouble}"[:300])


async def _read(context: EffectContext, run: FlowRun) -> Bucket:
    async with context.database.tx("worker", Principal.service("storage_network"), run.tenant_id) as tx:
        bucket = await store.one(tx, run.subject_id)
    assert bucket is not None, "buckets leave tombstones"
    return bucket


async def _live_keys(context: EffectContext, run: FlowRun) -> list[str]:
    async with context.database.tx("worker", Principal.service("storage_network"), run.tenant_id) as tx:
        return await key_store.live(tx, run.subject_id)


async def _locked(tx: Tx, run: FlowRun) -> Bucket:
    bucket = await store.lock(tx, run.subject_id)
    assert bucket is not None, "buckets leave tombstones"
    return bucket
