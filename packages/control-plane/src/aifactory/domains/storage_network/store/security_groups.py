"""The SQL of security groups."""

from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.security_group import SecurityGroup, SecurityGroupState
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, name, labels, state, conditions, generation, rules, created_at, updated_at, deleted_at"
)

INSERT = f"""
    insert into storage_network.security_groups (id, tenant_id, project_id, name, labels, rules)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(name)s, %(labels)s, %(rules)s)
    on conflict (tenant_id, project_id, name) where deleted_at is null do nothing
    returning {_COLUMNS}
"""
ONE = f"select {_COLUMNS} from storage_network.security_groups where id = %(id)s"
LOCK = ONE + " for update"
COUNT = (
    "select count(*)::int from storage_network.security_groups where project_id = %(project_id)s and deleted_at is null"
)
ENTER = """
    update storage_network.security_groups
    set state = %(state)s, generation = generation + 1, updated_at = kernel.now(),
        deleted_at = case when %(state)s = 'deleted' then kernel.now() end
    where id = %(id)s returning generation
"""
WRITE = f"""
    update storage_network.security_groups
    set rules = %(rules)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s returning {_COLUMNS}
"""
MANY = f"select {_COLUMNS} from storage_network.security_groups where id = any(%(ids)s) order by id"
LIST = f"""
    select {_COLUMNS} from storage_network.security_groups
    where deleted_at is null
      and (%(visible)s::text[] is null or project_id = any(%(visible)s))
      and (%(project_id)s::text is null or project_id = %(project_id)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""


async def insert(
    tx: Tx, security_group_id: str, project_id: str, name: str, labels: dict[str, str], rules: list[dict[str, Any]]
) -> SecurityGroup | None:
    """None when the project has a security group of this name already."""
    row: dict[str, Any] = {"id": security_group_id, "project_id": project_id, "name": name, "labels": Jsonb(labels)}
    row["rules"] = Jsonb(rules)
    return await tx.one(INSERT, row, into=SecurityGroup)


async def one(tx: Tx, security_group_id: str) -> SecurityGroup | None:
    return await tx.one(ONE, {"id": security_group_id}, into=SecurityGroup)


async def lock(tx: Tx, security_group_id: str) -> SecurityGroup | None:
    return await tx.one(LOCK, {"id": security_group_id}, into=SecurityGroup)


async def write_rules(tx: Tx, security_group_id: str, rules: list[dict[str, Any]]) -> SecurityGroup:
    """Replaces them all."""
    row = await tx.one(WRITE, {"id": security_group_id, "rules": Jsonb(rules)}, into=SecurityGroup)
    assert row is not None, "it was locked before"
    return row


async def those(tx: Tx, ids: list[str]) -> list[SecurityGroup]:
    """Those of `ids` that the tenant can see, deleted ones too, in id order."""
    return await tx.all(MANY, {"ids": ids}, into=SecurityGroup)


async def count(tx: Tx, project_id: str) -> int:
    return int(await tx.value(COUNT, {"project_id": project_id}))


async def enter(tx: Tx, security_group_id: str, state: SecurityGroupState) -> int:
    """Returns the new generation."""
    return int(await tx.value(ENTER, {"id": security_group_id, "state": str(state)}))


async def many(tx: Tx, page: Page, project_id: str | None, visible: list[str] | None) -> list[SecurityGroup]:
    """One more than the page holds, newest first; only of these projects, None means of all."""
    after_at, after_id = page.after or (None, None)
    params = {"visible": visible, "project_id": project_id, "after_at": after_at, "after_id": after_id}
    return await tx.all(LIST, params | {"limit": page.limit + 1}, into=SecurityGroup)
