"""/api/v3/buckets, and the keys of each."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import (
    BucketFilter,
    BucketKeyView,
    BucketView,
    NewBucket,
    NewBucketKeyView,
)
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("storage_network", "/buckets")
BucketId = Annotated[str, Path(max_length=81)]
KeyId = Annotated[str, Path(max_length=81)]


class BucketCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=51, description="Unique in the project; lowercase, digits, hyphens.")
    quota_bytes: int = Field(10_000_000_000, strict=True, description="How much it may hold, in bytes.")
    region_id: str = Field("local", min_length=1, max_length=63)
    project_id: str | None = Field(None, max_length=81, description="The tenant's default project when left out.")
    versioning: bool = Field(
        False, strict=True, description="Keep overwritten and deleted objects; they count as stored."
    )
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


class BucketPage(BaseModel):
    items: list[BucketView]
    next_cursor: str | None


class BucketKeyCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=63)
    mode: Literal["read_write", "read_only"] = "read_write"
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


class BucketKeyPage(BaseModel):
    items: list[BucketKeyView]
    next_cursor: str | None


@router.get("", permission="bucket.read", response_model=BucketPage)
async def list_buckets(
    tx: TenantTx,
    page: PageQuery,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
    name: Annotated[str | None, Query(max_length=63)] = None,
) -> Response:
    """Buckets that are not deleted, newest first."""
    return Response(await facade.list_buckets(tx, page, BucketFilter(project_id, name)), media_type="application/json")


@router.post("", permission="bucket.create", status_code=202)
async def create_bucket(body: BucketCreate, tx: TenantTx) -> BucketView:
    """Records the bucket; it can be used once it is `available`."""
    return await facade.create_bucket(tx, NewBucket(**body.model_dump()))


@router.get("/{bucket_id}", permission="bucket.read")
async def show_bucket(bucket_id: BucketId, tx: TenantTx, response: Response) -> BucketView:
    view = await facade.show_bucket(tx, bucket_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{bucket_id}", permission="bucket.delete", status_code=202)
async def delete_bucket(
    bucket_id: BucketId,
    tx: TenantTx,
    force: Annotated[bool, Query(description="Also delete what is in it, all versions.")] = False,
) -> BucketView:
    """Removes the bucket and its keys. One that holds something stays, and says so, unless `force` is given."""
    return await facade.delete_bucket(tx, bucket_id, force=force)


@router.get("/{bucket_id}/keys", permission="bucket_key.read", response_model=BucketKeyPage)
async def list_bucket_keys(bucket_id: BucketId, tx: TenantTx, page: PageQuery) -> dict[str, Any]:
    """Keys that are not revoked, newest first."""
    return page_of(await facade.list_bucket_keys(tx, bucket_id, page), page, lambda key: (key.created_at, key.id))


@router.post("/{bucket_id}/keys", permission="bucket_key.create", status_code=202, secret_fields=("secret_access_key",))
async def create_bucket_key(
    bucket_id: BucketId, body: BucketKeyCreate, tx: TenantTx, response: Response
) -> NewBucketKeyView:
    """`secret_access_key` is shown in this answer only. The key works once it is `active`."""
    response.headers["Cache-Control"] = "no-store"
    return await facade.create_bucket_key(tx, bucket_id, body.name, body.mode, body.labels)


@router.get("/{bucket_id}/keys/{key_id}", permission="bucket_key.read")
async def show_bucket_key(bucket_id: BucketId, key_id: KeyId, tx: TenantTx, response: Response) -> BucketKeyView:
    view = await facade.bucket_key(tx, bucket_id, key_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{bucket_id}/keys/{key_id}", permission="bucket_key.revoke", status_code=202)
async def revoke_bucket_key(bucket_id: BucketId, key_id: KeyId, tx: TenantTx) -> BucketKeyView:
    """Takes the key from the store; it is `revoked` once the store confirms that it knows it no more."""
    return await facade.revoke_bucket_key(tx, bucket_id, key_id)
