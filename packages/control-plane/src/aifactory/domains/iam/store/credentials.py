"""API keys and SSH keys of a tenant. The hash of a key is written here and read only by iam.authenticate()."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.iam.views import ApiKeyView, SshKeyView
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page


@dataclass(frozen=True)
class GatewayKeyRow:
    """`grants` are [role, object] pairs of the person behind the key."""

    id: str
    gateway_hash: bytes
    tenant_id: str
    project_id: str
    scopes: list[str]
    expires_at: datetime
    grants: list[list[str]]


KEY_COLUMNS = """
    id, tenant_id, project_id, user_id, name, hint, scopes, labels, generation, expires_at, last_used_at,
    created_at, updated_at, deleted_at,
    case when deleted_at is not null then 'revoked' when expires_at <= kernel.now() then 'expired' else 'active' end as state
"""
INSERT_KEY = """
    insert into iam.api_keys (id, tenant_id, project_id, user_id, name, token_hash, gateway_hash, hint, scopes, labels, expires_at)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(user_id)s, %(name)s, %(token_hash)s, %(gateway_hash)s, %(hint)s,
            %(scopes)s, %(labels)s, %(expires_at)s)
"""
KEY = f"select {KEY_COLUMNS} from iam.api_keys where id = %(id)s"
KEYS = f"""
    select {KEY_COLUMNS} from iam.api_keys
    where deleted_at is null and (%(user_id)s::text is null or user_id = %(user_id)s)
      and (%(projects)s::text[] is null or project_id = any(%(projects)s))
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""
COUNT_KEYS = """
    select count(*) from iam.api_keys where user_id = %(user_id)s and deleted_at is null and expires_at > kernel.now()
"""
GATEWAY_KEYS = "select id, gateway_hash, tenant_id, project_id, scopes, expires_at, grants from iam.gateway_keys()"
COUNT_SSH_KEYS = "select count(*) from iam.ssh_keys where deleted_at is null"
REVOKE_KEY = """
    update iam.api_keys set deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s and deleted_at is null
"""

SSH_COLUMNS = """
    id, tenant_id, name, public_key, kind, fingerprint, labels, generation, created_by, created_at, updated_at, deleted_at,
    case when deleted_at is null then 'active' else 'deleted' end as state
"""
INSERT_SSH_KEY = """
    insert into iam.ssh_keys (id, tenant_id, name, public_key, kind, fingerprint, created_by, labels)
    values (%(id)s, kernel.tenant(), %(name)s, %(public_key)s, %(kind)s, %(fingerprint)s, %(created_by)s, %(labels)s)
    on conflict do nothing
"""
SSH_KEY = f"select {SSH_COLUMNS} from iam.ssh_keys where id = %(id)s and deleted_at is null"
SSH_KEY_BY_FINGERPRINT = (
    f"select {SSH_COLUMNS} from iam.ssh_keys where fingerprint = %(fingerprint)s and deleted_at is null"
)
SSH_KEY_NAMES = "select name from iam.ssh_keys where deleted_at is null and name = any(%(names)s)"
SSH_KEYS_OF = f"select {SSH_COLUMNS} from iam.ssh_keys where id = any(%(ids)s) and deleted_at is null order by id"
SSH_KEYS = f"""
    select {SSH_COLUMNS} from iam.ssh_keys
    where deleted_at is null
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""
DELETE_SSH_KEY = """
    update iam.ssh_keys set deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s and deleted_at is null
"""


def _after(page: Page) -> dict[str, Any]:
    after_at, after_id = page.after or (None, None)
    return {"limit": page.limit + 1, "after_at": after_at, "after_id": after_id}


async def insert_key(tx: Tx, *, labels: dict[str, str], **values: Any) -> None:
    await tx.run(INSERT_KEY, values | {"labels": Jsonb(labels)})


async def key(tx: Tx, key_id: str) -> ApiKeyView | None:
    return await tx.one(KEY, {"id": key_id}, into=ApiKeyView)


async def keys(tx: Tx, page: Page, user_id: str | None, projects: list[str] | None) -> list[ApiKeyView]:
    """`user_id`: only the keys of that person. `projects`: only keys of these; None means all."""
    return await tx.all(KEYS, _after(page) | {"user_id": user_id, "projects": projects}, into=ApiKeyView)


async def count_keys(tx: Tx, user_id: str) -> int:
    """Of that person, those that still open something."""
    return int(await tx.value(COUNT_KEYS, {"user_id": user_id}))


async def gateway_keys(tx: Tx) -> list[GatewayKeyRow]:
    """Of every tenant."""
    return await tx.all(GATEWAY_KEYS, into=GatewayKeyRow)


async def count_ssh_keys(tx: Tx) -> int:
    return int(await tx.value(COUNT_SSH_KEYS))


async def revoke_key(tx: Tx, key_id: str) -> bool:
    return await tx.run(REVOKE_KEY, {"id": key_id}) == 1


async def insert_ssh_key(tx: Tx, *, labels: dict[str, str], **values: Any) -> bool:
    """False when the name or the fingerprint is taken."""
    return await tx.run(INSERT_SSH_KEY, values | {"labels": Jsonb(labels)}) == 1


async def ssh_key(tx: Tx, key_id: str) -> SshKeyView | None:
    return await tx.one(SSH_KEY, {"id": key_id}, into=SshKeyView)


async def ssh_key_by_fingerprint(tx: Tx, fingerprint: str) -> SshKeyView | None:
    return await tx.one(SSH_KEY_BY_FINGERPRINT, {"fingerprint": fingerprint}, into=SshKeyView)


async def ssh_key_names(tx: Tx, names: list[str]) -> set[str]:
    """Those of `names` that are in use."""
    return {row[0] for row in await tx.all(SSH_KEY_NAMES, {"names": names})}


async def ssh_keys_of(tx: Tx, ids: list[str]) -> list[SshKeyView]:
    return await tx.all(SSH_KEYS_OF, {"ids": ids}, into=SshKeyView)


async def ssh_keys(tx: Tx, page: Page) -> list[SshKeyView]:
    return await tx.all(SSH_KEYS, _after(page), into=SshKeyView)


async def delete_ssh_key(tx: Tx, key_id: str) -> None:
    await tx.run(DELETE_SSH_KEY, {"id": key_id})
