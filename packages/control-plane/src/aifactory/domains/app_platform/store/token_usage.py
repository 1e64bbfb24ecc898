"""What gateways told of the requests that they carried, and how far it is in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class CarriedRow:
    """Tokens of one key, model and lease that are not booked, of requests begun between two changes of price."""

    key_id: str
    project_id: str
    region_id: str
    model_id: str
    lease_id: str
    began_at: datetime
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class UsageRow:
    """Sums of requests that began in [since, until). The members that are not grouped by are None."""

    key_id: str | None
    project_id: str | None
    model_id: str | None
    requests: int
    failed: int
    tokens_in: int
    tokens_out: int


INSERT = """
    insert into app_platform.token_usage
        (tenant_id, id, started_at, ended_at, gateway_id, key_id, project_id, region_id, model_id, upstream_id, lease_id,
         tokens_in, tokens_out, counted_by, outcome, streamed)
    select %(tenant_id)s::text, r.* from unnest(
        %(id)s::text[], %(started_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(gateway_id)s::text[], %(key_id)s::text[],
        %(project_id)s::text[], %(region_id)s::text[], %(model_id)s::text[], %(upstream_id)s::text[], %(lease_id)s::text[],
        %(tokens_in)s::bigint[], %(tokens_out)s::bigint[], %(counted_by)s::text[], %(outcome)s::text[], %(streamed)s::boolean[]) r
    on conflict (tenant_id, started_at, id) do nothing
"""

# The clock's row is locked to the end of the transaction: whoever books waits for whoever tells, and the reverse.
DUE_NOW = """
    insert into app_platform.token_clocks as c (tenant_id, booked_to, is_due)
    values (%(tenant_id)s, date_trunc('second', kernel.now(), 'UTC') - interval '1 second', true)
    on conflict (tenant_id) do update set is_due = true
"""
DUE_TENANTS = "select tenant_id from app_platform.token_clocks where is_due order by tenant_id limit %(limit)s"
LOCK_CLOCK = "select booked_to from app_platform.token_clocks where tenant_id = %(tenant_id)s and is_due for update"
BOOKED = (
    "update app_platform.token_clocks set booked_to = %(booked_to)s, is_due = false where tenant_id = %(tenant_id)s"
)

FIRST = "select min(started_at) from app_platform.token_usage where tenant_id = %(tenant_id)s and booked_at is null"
CARRIED = """
    select key_id, project_id, region_id, model_id, lease_id, min(started_at) as began_at,
           sum(tokens_in)::bigint as tokens_in, sum(tokens_out)::bigint as tokens_out
    from app_platform.token_usage where tenant_id = %(tenant_id)s and booked_at is null
    group by key_id, project_id, region_id, model_id, lease_id, width_bucket(started_at, %(changes)s::timestamptz[])
    order by key_id, model_id, began_at, lease_id
"""
MARK = (
    "update app_platform.token_usage set booked_at = kernel.now() where tenant_id = %(tenant_id)s and booked_at is null"
)

SUMS = """
    select case when %(by_key)s then key_id end as key_id, case when %(by_project)s then project_id end as project_id,
           case when %(by_model)s then model_id end as model_id,
           count(*) as requests, count(*) filter (where outcome in ('upstream_failed', 'interrupted')) as failed,
           sum(tokens_in)::bigint as tokens_in, sum(tokens_out)::bigint as tokens_out
    from app_platform.token_usage
    where started_at >= %(since)s and started_at < %(until)s
      and (%(projects)s::text[] is null or project_id = any(%(projects)s))
    group by 1, 2, 3 order by 7 desc, 1, 2, 3 limit 1000
"""


async def insert(tx: Tx, tenant_id: str, columns: dict[str, list[Any]]) -> None:
    """Each once: what is there already stays as it is."""
    if await tx.run(INSERT, columns | {"tenant_id": tenant_id}):
        await tx.run(DUE_NOW, {"tenant_id": tenant_id})


async def due_tenants(tx: Tx, limit: int) -> list[str]:
    return [row[0] for row in await tx.all(DUE_TENANTS, {"limit": limit})]


async def lock_clock(tx: Tx, tenant_id: str) -> datetime | None:
    """Up to when the tenant's tokens are booked; None when nothing is due."""
    return await tx.value(LOCK_CLOCK, {"tenant_id": tenant_id})  # type: ignore[no-any-return]


async def booked(tx: Tx, tenant_id: str, booked_to: datetime) -> None:
    await tx.run(MARK, {"tenant_id": tenant_id})
    await tx.run(BOOKED, {"tenant_id": tenant_id, "booked_to": booked_to})


async def first(tx: Tx, tenant_id: str) -> datetime | None:
    """When the oldest request began that is not booked."""
    return await tx.value(FIRST, {"tenant_id": tenant_id})  # type: ignore[no-any-return]


async def carried(tx: Tx, tenant_id: str, changes: Sequence[datetime]) -> list[CarriedRow]:
    """All that is not booked, summed between the instants `changes`."""
    return await tx.all(CARRIED, {"tenant_id": tenant_id, "changes": list(changes)}, into=CarriedRow)


async def sums(
    tx: Tx, since: datetime, until: datetime, by: Sequence[str], projects: Sequence[str] | None
) -> list[UsageRow]:
    """Of the transaction's tenant; `by`: key, project, model. `projects`: only these; None: all."""
    groups = {f"by_{name}": name in by for name in ("key", "project", "model")}
    values = {"since": since, "until": until, "projects": None if projects is None else list(projects)}
    return await tx.all(SUMS, values | groups, into=UsageRow)
