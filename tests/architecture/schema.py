"""The real schema as the database tells it: tables, columns, policies, grants. Rows of two tenants in every table."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

ROLES = ("aif_tenant", "aif_worker", "aif_operator")

_TABLES = """
select n.nspname || '.' || c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced, c.relispartition as part,
       pg_get_userbyid(c.relowner) as owner,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as has_tenant,
       (select count(*) from pg_policy p where p.polrelid = c.oid)::int as policies
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema|public)' order by 1
"""
_COLUMNS = """
select a.attname as name, format_type(a.atttypid, null) as type
from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attidentity = '' and a.attgenerated = ''
  and (a.attname in ('tenant_id', 'principal_id') or (a.attnotnull and d.oid is null)
       or exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and a.attnum = any(i.indkey)))
"""


@dataclass(frozen=True)
class Table:
    name: str
    forced: bool
    part: bool
    owner: str
    has_tenant: bool
    policies: int


def tables(connection: psycopg.Connection) -> list[Table]:
    with connection.cursor(row_factory=psycopg.rows.class_row(Table)) as cursor:
        return cursor.execute(_TABLES).fetchall()


def may(connection: psycopg.Connection, role: str, table: str, verb: str) -> bool:
    return bool(connection.execute("select has_table_privilege(%s, %s, %s) or has_any_column_privilege(%s, %s, %s)" if verb in ("select", "insert", "update") else "select has_table_privilege(%s, %s, %s)", (role, table, verb) * (2 if verb in ("select", "insert", "update") else 1)).fetchone()[0])  # fmt: skip


def drop_checks(connection: psycopg.Connection) -> None:
    """Rows only stand for rows here: what they may hold is tested elsewhere."""
    rows = connection.execute(
        "select conrelid::regclass::text, conname from pg_constraint where contype in ('c', 'x') and coninhcount = 0 and conrelid <> 0 "
        "and connamespace::regnamespace::text !~ '^(pg_|information_schema)'"
    ).fetchall()
    for table, name in rows:
        connection.execute(
            sql.SQL("alter table {} drop constraint if exists {}").format(sql.SQL(table), sql.Identifier(name))
        )


def row(connection: psycopg.Connection, table: str, tenant: str, number: int) -> dict[str, Any]:
    """Values for every column that must have one."""
    columns = connection.execute(_COLUMNS, (table,)).fetchall()
    values = {name: tenant if name == "tenant_id" else _value(kind, tenant, number) for name, kind in columns}
    return values if "tenant_id" in values else values | {"id": tenant}  # the tenants' own table: tenant_id is its id


def insert(connection: psycopg.Connection, table: str, values: dict[str, Any]) -> None:
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.SQL(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        list(values.values()),
    )


def _value(kind: str, tenant: str, number: int) -> Any:
    if kind.endswith("[]"):
        return "{}"
    if kind in ("json", "jsonb"):
        return "{}"
    if kind in ("integer", "bigint", "smallint", "numeric", "double precision", "real"):
        return number
    if kind == "boolean":
        return False
    if kind.startswith("timestamp"):
        return f"2026-11-2{number}T08:00:00Z"
    if kind == "date":
        return f"2026-11-2{number}"
    if kind == "bytea":
        return f"{tenant}-{number}".encode()
    if kind == "inet":
        return f"192.0.2.{number}"
    return f"{tenant}-{number}"
