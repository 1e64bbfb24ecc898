"""The SQL of buckets and of who owns what is found on a store."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.bucket import Bucket
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, name, labels, state, conditions, generation, driver, bucket, "
    "coalesce((select s.endpoint from storage_network.object_stores s where s.region_id = buckets.region_id), '') as endpoint, "
    "quota_bytes, versioning, deleting, over_quota, uncovered, access, bytes_stored, received_bytes, sent_bytes, "
    "sampled_at, created_at, updated_at, deleted_at"
)

INSERT = """
    insert into storage_network.buckets
        (id, tenant_id, project_id, region_id, name, labels, state, driver, bucket, quota_bytes, versioning)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(name)s, %(labels)s, 'creating', %(driver)s,
            %(bucket)s, %(quota_bytes)s, %(versioning)s)
    on conflict (tenant_id, project_id, name) where deleted_at is null do nothing
"""
INSERT_OWNER = """
    insert into storage_network.bucket_owners (bucket, bucket_id, tenant_id, region_id)
    values (%(bucket)s, %(id)s, kernel.tenant(), %(region_id)s)
"""
OWNERS = """
    select bucket, bucket_id, tenant_id from storage_network.bucket_owners
    where region_id = %(region_id)s and not gone order by bucket
"""
GONE = "update storage_network.bucket_owners set gone = true where bucket_id = %(id)s"

ONE = f"select {_COLUMNS} from storage_network.buckets where id = %(id)s"
LOCK = ONE + " for update"

ENTER = """
    update storage_network.buckets
    set state = %(state)s, conditions = %(conditions)s, deleting = %(deleting)s, generation = generation + 1,
        updated_at = kernel.now(), deleted_at = case when %(state)s = 'deleted' then kernel.now() end
    where id = %(id)s returning generation
"""
WISH_DELETION = """
    update storage_network.buckets set deleting = %(deleting)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""
ACCESS_SET = """
    update storage_network.buckets
    set access = %(access)s, conditions = %(conditions)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""
MEASURED = """
    update storage_network.buckets
    set bytes_stored = %(bytes_stored)s, received_bytes = received_bytes + %(received)s, sent_bytes = sent_bytes + %(sent)s,
        over_quota = %(bytes_stored)s > quota_bytes, sampled_at = %(at)s
    where id = %(id)s
"""
COVERED = "update storage_network.buckets set uncovered = %(uncovered)s where id = %(id)s"

_WIRE = """json_build_object(
    'id', b.id, 'tenant_id', b.tenant_id, 'project_id', b.project_id, 'region_id', b.region_id, 'name', b.name,
    'labels', b.labels, 'state', b.state, 'conditions', b.conditions, 'generation', b.generation,
    'created_at', b.created_at, 'updated_at', b.updated_at, 'deleted_at', b.deleted_at,
    'driver', b.driver, 'endpoint', b.endpoint, 'bucket', b.bucket, 'quota_bytes', b.quota_bytes,
    'versioning', b.versioning, 'access', b.access, 'usage', json_build_object(
        'bytes_stored', b.bytes_stored, 'received_bytes', b.received_bytes, 'sent_bytes', b.sent_bytes,
        'as_of', b.sampled_at))"""

LIST = f"""
    with page as (
        select {_COLUMNS} from storage_network.buckets
        where deleted_at is null
          and (%(visible)s::text[] is null or project_id = any(%(visible)s))
          and (%(project_id)s::text is null or project_id = %(project_id)s)
          and (%(name)s::text is null or name = %(name)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ), shown as (select * from page order by created_at desc, id desc limit %(limit)s)
    select json_build_object(
        'items', coalesce((select json_agg({_WIRE} order by b.created_at desc, b.id desc) from shown b), '[]'::json),
        'next_cursor', case when (select count(*) from page) > %(limit)s then (
            select translate(encode(convert_to(json_build_array(b.created_at, b.id)::text, 'UTF8'), 'base64'),
                             E'+/=\\n', '-_')
            from shown b order by b.created_at, b.id limit 1) end)::text
"""


@dataclass(frozen=True)
class BucketFilter:
    """What a list shows; None means all."""

    project_id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class OwnerRow:
    bucket: str
    bucket_id: str
    tenant_id: str


async def insert(tx: Tx, **row: Any) -> bool:
    """False when the project has a bucket of this name already."""
    fresh = await tx.run(INSERT, row | {"labels": Jsonb(row["labels"])}) == 1
    if fresh:
        await tx.run(INSERT_OWNER, row)
    return fresh


async def one(tx: Tx, bucket_id: str) -> Bucket | None:
    return await tx.one(ONE, {"id": bucket_id}, into=Bucket)


async def lock(tx: Tx, bucket_id: str) -> Bucket | None:
    return await tx.one(LOCK, {"id": bucket_id}, into=Bucket)


async def enter(tx: Tx, bucket: Bucket, state: str, conditions: list[dict[str, Any]], deleting: str) -> int:
    """The flow's alone. Returns the new generation."""
    params = {"id": bucket.id, "state": state, "conditions": Jsonb(conditions), "deleting": deleting}
    return int(await tx.value(ENTER, params))


async def wish_deletion(tx: Tx, bucket_id: str, deleting: str) -> None:
    await tx.run(WISH_DELETION, {"id": bucket_id, "deleting": deleting})


async def access_set(tx: Tx, bucket_id: str, access: str, conditions: list[dict[str, Any]]) -> None:
    await tx.run(ACCESS_SET, {"id": bucket_id, "access": access, "conditions": Jsonb(conditions)})


async def measured(tx: Tx, bucket_id: str, bytes_stored: int, received: int, sent: int, at: Any) -> None:
    params = {"id": bucket_id, "bytes_stored": bytes_stored, "received": received, "sent": sent, "at": at}
    await tx.run(MEASURED, params)


async def covered(tx: Tx, bucket_id: str, *, uncovered: bool) -> None:
    await tx.run(COVERED, {"id": bucket_id, "uncovered": uncovered})


async def owners(tx: Tx, region_id: str) -> list[OwnerRow]:
    return await tx.all(OWNERS, {"region_id": region_id}, into=OwnerRow)


async def gone(tx: Tx, bucket_id: str) -> None:
    await tx.run(GONE, {"id": bucket_id})


async def list_json(tx: Tx, page: Page, only: BucketFilter, visible: list[str] | None) -> bytes:
    """`{items, next_cursor}`, newest first, built in SQL; only of these projects, None means of all."""
    after = page.after or (None, None)
    params = {"visible": visible, "project_id": only.project_id, "name": only.name}
    return await tx.json(LIST, params | {"limit": page.limit, "after_at": after[0], "after_id": after[-1]})
