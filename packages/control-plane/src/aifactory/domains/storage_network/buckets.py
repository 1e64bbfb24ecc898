"""What tenants ask for about buckets. Each records an intent; the flow `keep_bucket` carries it out on the store."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.storage_network import bucket_keys
from aifactory.domains.storage_network.bucket import (
    KIND,
    Bucket,
    BucketState,
    check_name,
    check_quota,
    check_versioning,
    name_on_store,
    quota_gb,
)
from aifactory.domains.storage_network.flows.keep_bucket import KeepBucket
from aifactory.domains.storage_network.measuring import SKUS
from aifactory.domains.storage_network.object_stores import driver_of, ready_store
from aifactory.domains.storage_network.store import buckets as store
from aifactory.domains.storage_network.store.buckets import BucketFilter
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.pagination import Page
from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class BucketUsageView:
    """Bytes, as the store counts them: held now, and moved since the bucket began. `as_of`: the last measurement."""

    bytes_stored: int
    received_bytes: int
    sent_bytes: int
    as_of: datetime | None


@dataclass(frozen=True)
class BucketView:
    """A bucket as the API shows it. S3 clients use `endpoint` and `bucket`; `access` is what keys may do at most."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    driver: str
    endpoint: str
    bucket: str
    quota_bytes: int
    versioning: bool
    access: str
    usage: BucketUsageView


@dataclass(frozen=True)
class NewBucket:
    """quota_bytes: how much it may hold. versioning: overwritten and deleted objects are kept, and count as stored."""

    name: str
    quota_bytes: int
    region_id: str
    project_id: str | None = None
    versioning: bool = False
    labels: dict[str, str] | None = None


async def create(tx: Tx, wanted: NewBucket) -> BucketView:
    """Records the bucket; `storage_network.bucket_created` tells when it can be used.

    503 `object_store_starting` or `no_object_store`; 402 and 403 like any purchase; 409 `bucket_name_taken`, `quota_exceeded`; 422 on a name or quota
    that cannot be.
    """
    project = wanted.project_id or (await iam.default_project(tx)).id
    await iam.require(tx, "bucket.create", project)
    region = await platform_control.region(tx, wanted.region_id)
    check_name(wanted.name)
    place = await ready_store(tx, region.id)
    driver = driver_of(place.driver)
    check_quota(wanted.quota_bytes, driver)
    check_versioning(wanted.versioning, driver)
    await billing.authorize_usage(tx, project, SKUS, region.id)
    bucket_id = tx.ids.new("bkt")
    await iam.reserve_quota(tx, project, "buckets", 1, bucket_id)
    await iam.reserve_quota(tx, project, "bucket_gb", quota_gb(wanted.quota_bytes), bucket_id)
    fresh = await store.insert(
        tx,
        id=bucket_id,
        project_id=project,
        region_id=region.id,
        name=wanted.name,
        labels=wanted.labels or {},
        driver=driver.name,
        bucket=name_on_store(wanted.name, bucket_id),
        quota_bytes=wanted.quota_bytes,
        versioning=wanted.versioning,
    )
    if not fresh:
        raise conflict(
            "bucket_name_taken",
            f"This project has a bucket called {wanted.name} already.",
            "Choose another name, or use the existing one.",
        )
    await flows.start(tx, KeepBucket, bucket_id, tx.tenant_id)
    details = {"name": wanted.name, "quota_bytes": wanted.quota_bytes, "versioning": wanted.versioning}
    await tx.audit("bucket.create", bucket_id, project_id=project, details=details)
    return view(await visible(tx, bucket_id))


async def show(tx: Tx, bucket_id: str) -> BucketView:
    bucket = await visible(tx, bucket_id)
    await iam.require(tx, "bucket.read", bucket.project_id)
    return view(bucket)


async def list_buckets(tx: Tx, page: Page, only: BucketFilter) -> bytes:
    """`{items, next_cursor}` as JSON bytes: of the projects in which the caller may see buckets."""
    return await store.list_json(tx, page, only, iam.visible_projects(tx, "bucket.read"))


async def delete(tx: Tx, bucket_id: str, *, force: bool) -> BucketView:
    """Records the wish; event storage_network.bucket_deleted tells when it is gone, with its keys.

    Without `force` the store itself decides whether it is empty: if not, the bucket stays as it is, and its condition
    `Deletable` says so. With `force` what is in it goes first. Asking twice is the same as once, and force adds to a
    wish without it.
    """
    bucket = await store.lock(tx, bucket_id)
    if bucket is None:
        raise not_found("bucket", bucket_id)
    await iam.require(tx, "bucket.delete", bucket.project_id)
    wish = "with_contents" if force else "if_empty"
    if bucket.state == BucketState.DELETED or bucket.deleting in (wish, "with_contents"):
        return view(bucket)
    await store.wish_deletion(tx, bucket.id, wish)
    if force:
        await bucket_keys.revoke_all(tx, bucket, "its bucket is deleted")
    await flows.wake(tx, KIND, bucket.id)
    await tx.audit(
        "bucket.delete", bucket.id, project_id=bucket.project_id, details={"name": bucket.name, "force": force}
    )
    return view(await visible(tx, bucket_id))


async def visible(tx: Tx, bucket_id: str) -> Bucket:
    bucket = await store.one(tx, bucket_id)
    if bucket is None:
        raise not_found("bucket", bucket_id)
    return bucket


def view(bucket: Bucket) -> BucketView:
    usage = BucketUsageView(bucket.bytes_stored, bucket.received_bytes, bucket.sent_bytes, bucket.sampled_at)
    fields = [name for name in BucketView.__dataclass_fields__ if name != "usage"]
    return BucketView(**{name: getattr(bucket, name) for name in fields}, usage=usage)
