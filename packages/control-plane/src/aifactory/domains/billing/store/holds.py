"""What is set aside for each purchase, and when to look at it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class HoldRow:
    id: str
    tenant_id: str
    subject_id: str
    project_id: str
    account_id: str
    currency: str
    sku: str
    region_id: str
    amount: Decimal
    state: str
    covered_until: datetime | None
    notified_at: datetime | None
    exhausted_at: datetime | None
    version: int


@dataclass(frozen=True)
class DueRow:
    subject_id: str
    tenant_id: str


HOLD = """
select id, tenant_id, subject_id, project_id, account_id, currency, sku, region_id, amount, state, covered_until, notified_at, exhausted_at, version
  from billing.holds where subject_id = %(subject_id)s
"""

LOCK_HOLD = """
select id, tenant_id, subject_id, project_id, account_id, currency, sku, region_id, amount, state, covered_until, notified_at, exhausted_at, version
  from billing.holds where subject_id = %(subject_id)s for update
"""

INSERT_HOLD = """
insert into billing.holds (id, tenant_id, subject_id, project_id, account_id, currency, sku, region_id, use_case, quote_id, price_id, amount, created_by)
values (%(id)s, %(tenant_id)s, %(subject_id)s, %(project_id)s, %(account_id)s, %(currency)s, %(sku)s, %(region_id)s, %(use_case)s, %(quote_id)s,
        %(price_id)s, %(amount)s, kernel.principal())
on conflict (tenant_id, subject_id) do nothing
"""

END_HOLD = """
update billing.holds set state = %(state)s, version = version + 1, updated_at = kernel.now() where id = %(id)s returning version
"""

SAVE_COVER = """
update billing.holds set amount = %(amount)s, covered_until = %(covered_until)s, notified_at = %(notified_at)s, exhausted_at = %(exhausted_at)s,
       version = version + 1, updated_at = kernel.now()
 where id = %(id)s returning version
"""

COVERED_UNTIL = "select billing.covered_until(%(subject_id)s, %(amount)s::numeric, %(horizon)s::timestamptz)"

HOLD_NEEDED = """
select coalesce(billing.ceil_minor(sum(p.exact_amount), min(p.currency)), 0)
  from billing.billable(array[%(subject_id)s::text], '-infinity', %(until)s::timestamptz) b
  cross join lateral billing.priced(b.sku, b.region_id, b.span) p
"""

WATCH = """
insert into billing.hold_checks (subject_id, tenant_id, sku, region_id, check_at)
values (%(subject_id)s, %(tenant_id)s, %(sku)s, %(region_id)s, %(check_at)s)
on conflict (subject_id) do update set check_at = excluded.check_at
"""

UNWATCH = "delete from billing.hold_checks where subject_id = %(subject_id)s"

DUE = "select subject_id, tenant_id from billing.hold_checks where check_at <= kernel.now() order by check_at limit %(limit)s"


async def hold(tx: Tx, subject_id: str) -> HoldRow | None:
    return await tx.one(HOLD, {"subject_id": subject_id}, into=HoldRow)


async def lock_hold(tx: Tx, subject_id: str) -> HoldRow | None:
    """Whoever holds this row decides about the purchase. Lock it before the wallet, never after."""
    return await tx.one(LOCK_HOLD, {"subject_id": subject_id}, into=HoldRow)


async def insert_hold(tx: Tx, row: Mapping[str, object]) -> bool:
    return bool(await tx.run(INSERT_HOLD, row))


async def end_hold(tx: Tx, hold_id: str, state: str) -> int:
    return await tx.value(END_HOLD, {"id": hold_id, "state": state})


async def save_cover(
    tx: Tx,
    hold_id: str,
    amount: Decimal,
    covered_until: datetime | None,
    notified_at: datetime | None,
    exhausted_at: datetime | None,
) -> int:
    return await tx.value(
        SAVE_COVER,
        {
            "id": hold_id,
            "amount": amount,
            "covered_until": covered_until,
            "notified_at": notified_at,
            "exhausted_at": exhausted_at,
        },
    )


async def covered_until(tx: Tx, subject_id: str, amount: Decimal, horizon: datetime) -> datetime:
    return await tx.value(COVERED_UNTIL, {"subject_id": subject_id, "amount": amount, "horizon": horizon})


async def hold_needed(tx: Tx, subject_id: str, until: datetime) -> Decimal:
    return await tx.value(HOLD_NEEDED, {"subject_id": subject_id, "until": until})


async def watch(tx: Tx, row: HoldRow, check_at: datetime) -> None:
    await tx.run(
        WATCH,
        {
            "subject_id": row.subject_id,
            "tenant_id": row.tenant_id,
            "sku": row.sku,
            "region_id": row.region_id,
            "check_at": check_at,
        },
    )


async def unwatch(tx: Tx, subject_id: str) -> None:
    await tx.run(UNWATCH, {"subject_id": subject_id})


async def due(tx: Tx, limit: int) -> list[DueRow]:
    return await tx.all(DUE, {"limit": limit}, into=DueRow)
