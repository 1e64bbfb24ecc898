"""Object stores: what a kind can do, which one serves a region, and whether it answers."""

from dataclasses import dataclass
from datetime import timedelta

from aifactory.domains.storage_network.store import object_stores as store
from aifactory.domains.storage_network.store.object_stores import StoreRow
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import unavailable

FRESH = timedelta(seconds=20)  # the worker looks every few seconds; older news is none


@dataclass(frozen=True)
class ObjectStoreDriver:
    """Capability metadata of one kind of object store. Sizes are in bytes.

    takes_our_secrets: keys are made by us, so that a store that lost them can be given them again.
    counts_stored, counts_moved: it can be metered for what it holds and for what goes through it.
    quota_within_seconds: how long writes may go on after the quota is passed; None where it cannot be enforced.
    """

    name: str
    title: str
    takes_our_secrets: bool
    versioning: bool
    counts_stored: bool
    counts_moved: bool
    quota_within_seconds: int | None
    smallest_quota_bytes: int
    largest_quota_bytes: int


SEAWEEDFS = ObjectStoreDriver(
    name="seaweedfs",
    title="SeaweedFS through S3 and its IAM interface",
    takes_our_secrets=True,
    versioning=True,
    counts_stored=True,
    counts_moved=True,
    quota_within_seconds=30,
    smallest_quota_bytes=1_000_000,
    largest_quota_bytes=1_000_000_000_000_000,
)
OBJECT_STORE_DRIVERS = {SEAWEEDFS.name: SEAWEEDFS}


async def ready_store(tx: Tx, region_id: str) -> StoreRow:
    """The region's store. 503 `object_store_starting` while it does not answer, `no_object_store` where there is none."""
    row = await store.one(tx, region_id)
    if row is None:
        raise unavailable(
            "no_object_store",
            f"Region {region_id} has no object store, or it has not come up yet.",
            "Try again in a minute; if it stays so, ask the operator: `aif status` lists the store as `objects`.",
            region_id=region_id,
        )
    if not row.reachable or row.seen_at < await tx.now() - FRESH:
        raise unavailable(
            "object_store_starting",
            f"The object store of region {region_id} does not answer at the moment: {row.reason or 'it is starting'}.",
            "Send the same request again in a few seconds, with the same Idempotency-Key.",
            region_id=region_id,
        )
    return row


def driver_of(name: str) -> ObjectStoreDriver:
    return OBJECT_STORE_DRIVERS[name]
