"""What the worker regularly does at an object store: see that it answers, and measure what buckets hold and move."""

import logging
import os
from datetime import datetime
from functools import lru_cache

from aifactory.domains.billing import facade as billing
from aifactory.domains.billing.facade import Usage
from aifactory.domains.storage_network import bucket as nouns
from aifactory.domains.storage_network.adapters.configured import configured_store
from aifactory.domains.storage_network.bucket import Bucket, BucketState
from aifactory.domains.storage_network.bucket_meter import Meter, sampled
from aifactory.domains.storage_network.ports import BucketUsage, ObjectStore, StoreRefused, StoreUnreachable
from aifactory.domains.storage_network.store import bucket_meters, object_stores
from aifactory.domains.storage_network.store import buckets as store
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule

log = logging.getLogger(__name__)
LOOK_SECONDS = 3
MEASURE_SECONDS = 10
STORAGE, EGRESS, INGRESS = SKUS = ("bucket.storage", "bucket.egress", "bucket.ingress")
_LOOKER = Principal.service("storage_network.look_at_object_store")
_MEASURER = Principal.service("storage_network.measure_buckets")
_NOTHING = BucketUsage(0, None, None)


@lru_cache(maxsize=1)
def this_store() -> ObjectStore | None:
    return configured_store()


def this_region() -> str:
    return os.environ.get("AIF_REGION") or "local"


async def look_at_store(database: Database, on: ObjectStore) -> None:
    """Tells everybody through the database whether the store answers: no request waits for it, or holds its credential."""
    try:
        await on.check()
        reason = ""
    except (StoreUnreachable, StoreRefused) as trouble:
        reason = str(trouble)
    async with database.tx("worker", _LOOKER) as tx:
        await object_stores.seen(tx, this_region(), on.driver, on.endpoint, not reason, reason)


async def measure(database: Database, on: ObjectStore) -> None:
    """One sample of every bucket, each in a transaction of its own; a store that does not answer is asked next time.
    The instant is taken before the store is asked: what is counted meanwhile belongs to the next sample's span."""
    async with database.tx("worker", _MEASURER) as tx:
        owners = await store.owners(tx, this_region())
        at = await bucket_meters.whole_second(tx)
    try:
        usage = await on.usage() if owners else {}
    except (StoreUnreachable, StoreRefused, ValueError) as trouble:
        log.warning("buckets were not measured: %s", trouble)
        return
    for owner in owners:
        async with database.tx("worker", _MEASURER, owner.tenant_id) as tx:
            bucket = await store.lock(tx, owner.bucket_id)
            meter = await bucket_meters.lock(tx, owner.bucket_id)
            if bucket is None or meter is None or bucket.state == BucketState.DELETED:
                continue
            meter = await _take(tx, bucket, meter, usage.get(owner.bucket, _NOTHING), at)
            if meter.due:
                await _record(tx, bucket, meter)
            await _judge(tx, bucket, recorded=meter.due)


async def finish(tx: Tx, bucket: Bucket, usage: BucketUsage | None) -> bool:
    """The bucket is gone: what its last sample saw is recorded, and all its use is billed. False while the second in
    which it was last measured is not over: intervals have whole seconds."""
    meter = await bucket_meters.lock(tx, bucket.id)
    if meter is not None:
        meter = await _take(tx, bucket, meter, usage or _NOTHING, await bucket_meters.whole_second(tx))
        if meter.until_at == meter.from_at and not meter.empty:
            return False
        await _record(tx, bucket, meter)
    await billing.settle_usage(tx, bucket.id)
    return True


async def _take(tx: Tx, bucket: Bucket, meter: Meter, usage: BucketUsage, at: datetime) -> Meter:
    after, received, sent = sampled(meter, bucket.bytes_stored, usage, at)
    if after is not meter:
        await bucket_meters.save(tx, bucket.id, after)
        await store.measured(tx, bucket.id, usage.bytes_stored, received, sent, at)
    return after


async def _record(tx: Tx, bucket: Bucket, meter: Meter) -> None:
    """Hands the open interval to billing, in the transaction that closes it: it is recorded once or not at all."""
    for sku, quantity in (
        (STORAGE, int(meter.byte_seconds)),
        (EGRESS, meter.sent_bytes),
        (INGRESS, meter.received_bytes),
    ):
        if quantity and meter.until_at > meter.from_at:
            used = Usage(
                bucket.id,
                bucket.name,
                bucket.project_id,
                bucket.region_id,
                sku,
                meter.from_at,
                meter.until_at,
                quantity,
            )
            await billing.record_usage(tx, used)
    if meter.until_at > meter.from_at:
        await bucket_meters.save(tx, bucket.id, meter.closed())


async def _judge(tx: Tx, bucket: Bucket, *, recorded: bool) -> None:
    """Quota and credit as they are now; the flow brings the store in line."""
    if recorded or bucket.uncovered:
        covered = await billing.cover_usage(tx, bucket.id)
        if covered == bucket.uncovered:
            await store.covered(tx, bucket.id, uncovered=not covered)
    now = await store.one(tx, bucket.id)
    if now is not None and now.state == BucketState.AVAILABLE and now.wanted_access != now.access:
        await flows.wake(tx, nouns.KIND, bucket.id)


async def _look(database: Database) -> None:
    if on := this_store():
        await look_at_store(database, on)


async def _measure(database: Database) -> None:
    if on := this_store():
        await measure(database, on)


LOOK_AT_STORE = Schedule("storage_network.look_at_object_store", LOOK_SECONDS, _look)
MEASURE_BUCKETS = Schedule("storage_network.measure_buckets", MEASURE_SECONDS, _measure)
