"""What tenants ask for about keys to their buckets. The flow `keep_bucket_key` gives them to the store and takes them."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.storage_network.bucket import Bucket, check_takes_keys
from aifactory.domains.storage_network.bucket_key import KIND, MAX_KEYS_PER_BUCKET, BucketKey, new_pair, purpose
from aifactory.domains.storage_network.flows.keep_bucket_key import KeepBucketKey
from aifactory.domains.storage_network.object_stores import ready_store
from aifactory.domains.storage_network.ports import Mode
from aifactory.domains.storage_network.store import bucket_keys as store
from aifactory.domains.storage_network.store import buckets as bucket_store
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.pagination import Page
from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class BucketKeyView:
    """A key to one bucket. Its secret is not here and cannot be shown again."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    bucket_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    mode: str
    access_key_id: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class NewBucketKeyView(BucketKeyView):
    """With what an S3 client needs; `secret_access_key` is in this answer only."""

    endpoint: str
    bucket: str
    secret_access_key: str | None


async def create(
    tx: Tx, bucket_id: str, name: str, mode: Mode, labels: dict[str, str] | None = None
) -> NewBucketKeyView:
    """Records the key; it works once it is `active`, a moment later. 409 `too_many_bucket_keys`, `bucket_not_available`;
    503 while the object store does not answer."""
    bucket = await bucket_store.lock(tx, bucket_id)  # locked: the limit is counted
    if bucket is None:
        raise not_found("bucket", bucket_id)
    await iam.require(tx, "bucket_key.create", bucket.project_id)
    check_takes_keys(bucket)
    await ready_store(tx, bucket.region_id)
    if len(await store.live(tx, bucket_id)) >= MAX_KEYS_PER_BUCKET:
        detail = f"A bucket has at most {MAX_KEYS_PER_BUCKET} keys."
        raise conflict("too_many_bucket_keys", detail, "Revoke one that is not used any more.")
    key_id = tx.ids.new("bkey")
    access_key_id, secret = new_pair()
    await store.insert(
        tx,
        id=key_id,
        project_id=bucket.project_id,
        region_id=bucket.region_id,
        bucket_id=bucket.id,
        name=name,
        labels=labels or {},
        mode=mode,
        access_key_id=access_key_id,
        sealed_secret=platform_control.seal(secret, purpose(key_id)),
    )
    await flows.start(tx, KeepBucketKey, key_id, tx.tenant_id)
    details = {"bucket_id": bucket.id, "name": name, "mode": mode, "access_key_id": access_key_id}
    await tx.audit("bucket_key.create", key_id, project_id=bucket.project_id, details=details)
    shown = vars(view(await _visible(tx, bucket_id, key_id)))
    return NewBucketKeyView(**shown, endpoint=bucket.endpoint, bucket=bucket.bucket, secret_access_key=secret)


async def show(tx: Tx, bucket_id: str, key_id: str) -> BucketKeyView:
    key = await _visible(tx, bucket_id, key_id)
    await iam.require(tx, "bucket_key.read", key.project_id)
    return view(key)


async def list_keys(tx: Tx, bucket_id: str, page: Page) -> list[BucketKeyView]:
    """Those that are not revoked, newest first, one more than the page holds."""
    bucket = await bucket_store.one(tx, bucket_id)
    if bucket is None:
        raise not_found("bucket", bucket_id)
    await iam.require(tx, "bucket_key.read", bucket.project_id)
    return [view(key) for key in await store.of_bucket(tx, bucket_id, page)]


async def revoke(tx: Tx, bucket_id: str, key_id: str) -> BucketKeyView:
    """Records the wish; event storage_network.bucket_key_revoked tells when the store knows the key no more.
    Accepted also while the store does not answer: it is done as soon as it does."""
    key = await _visible(tx, bucket_id, key_id)
    await iam.require(tx, "bucket_key.revoke", key.project_id)
    if key.deleted_at is None:
        await flows.intend(tx, KIND, key.id, "revoked", "revoked by its owner")
        details = {"bucket_id": key.bucket_id, "name": key.name, "access_key_id": key.access_key_id}
        await tx.audit("bucket_key.revoke", key.id, project_id=key.project_id, details=details)
    return view(await _visible(tx, bucket_id, key_id))


async def revoke_all(tx: Tx, bucket: Bucket, why: str) -> None:
    for key_id in await store.live(tx, bucket.id):
        await flows.intend(tx, KIND, key_id, "revoked", why)


async def _visible(tx: Tx, bucket_id: str, key_id: str) -> BucketKey:
    key = await store.one(tx, key_id)
    if key is None or key.bucket_id != bucket_id:
        raise not_found("bucket key", key_id)
    return key


def view(key: BucketKey) -> BucketKeyView:
    return BucketKeyView(**{name: getattr(key, name) for name in BucketKeyView.__dataclass_fields__})
