"""The SQL of keys to buckets."""

from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.bucket_key import BucketKey
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, bucket_id, name, labels, state, conditions, generation, mode, access_key_id, "
    "created_at, updated_at, deleted_at"
)

INSERT = """
    insert into storage_network.bucket_keys
        (id, tenant_id, project_id, region_id, bucket_id, name, labels, state, mode, access_key_id, sealed_secret)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(bucket_id)s, %(name)s, %(labels)s, 'granting',
            %(mode)s, %(access_key_id)s, %(sealed_secret)s)
"""
ONE = f"select {_COLUMNS} from storage_network.bucket_keys where id = %(id)s"
OF_BUCKET = f"""
    select {_COLUMNS} from storage_network.bucket_keys
    where bucket_id = %(bucket_id)s and deleted_at is null
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s + 1
"""
LIVE = "select id from storage_network.bucket_keys where bucket_id = %(bucket_id)s and deleted_at is null order by id"
SEALED = """
    select k.sealed_secret, b.bucket from storage_network.bucket_keys k join storage_network.buckets b on b.id = k.bucket_id
    where k.id = %(id)s
"""
ENTER = """
    update storage_network.bucket_keys
    set state = %(state)s, conditions = %(conditions)s, generation = generation + 1, updated_at = kernel.now(),
        sealed_secret = case when %(state)s = 'revoked' then null else sealed_secret end,
        deleted_at = case when %(state)s = 'revoked' then kernel.now() end
    where id = %(id)s returning generation
"""


async def insert(tx: Tx, **row: Any) -> None:
    await tx.run(INSERT, row | {"labels": Jsonb(row["labels"])})


async def one(tx: Tx, key_id: str) -> BucketKey | None:
    return await tx.one(ONE, {"id": key_id}, into=BucketKey)


async def of_bucket(tx: Tx, bucket_id: str, page: Page) -> list[BucketKey]:
    """Those that are not revoked, newest first, one more than the page holds."""
    after = page.after or (None, None)
    params = {"bucket_id": bucket_id, "limit": page.limit, "after_at": after[0], "after_id": after[-1]}
    return await tx.all(OF_BUCKET, params, into=BucketKey)


async def live(tx: Tx, bucket_id: str) -> list[str]:
    return [row[0] for row in await tx.all(LIVE, {"bucket_id": bucket_id})]


async def sealed(tx: Tx, key_id: str) -> tuple[bytes | None, str]:
    """The sealed secret, None once it was revoked, and the bucket's name on the store."""
    row = await tx.one(SEALED, {"id": key_id})
    assert row is not None, "a key has a bucket"
    return (None if row[0] is None else bytes(row[0])), row[1]


async def enter(tx: Tx, key_id: str, state: str, conditions: list[dict[str, Any]]) -> int:
    """The flow's alone. Returns the new generation."""
    return int(await tx.value(ENTER, {"id": key_id, "state": state, "conditions": Jsonb(conditions)}))
