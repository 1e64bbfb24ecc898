"""Counted use: rows per interval, the month they belong to, and what they come to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from aifactory.domains.billing.store.holds import HoldRow
from aifactory.domains.billing.store.meters import BillLineRow
from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class EndRow:
    subject_id: str
    tenant_id: str


OPEN_PERIOD = """
insert into billing.usage_periods (tenant_id, subject_id, source_id, project_id, region_id, sku, name, opened_at, ends_at)
values (%(tenant_id)s, %(subject_id)s, %(source_id)s, %(project_id)s, %(region_id)s, %(sku)s, %(name)s, %(opened_at)s, %(ends_at)s)
on conflict (tenant_id, subject_id) do nothing
"""

EXPECT_END = """
insert into billing.usage_ends (subject_id, tenant_id, ends_at) values (%(subject_id)s, %(tenant_id)s, %(ends_at)s)
on conflict (subject_id) do nothing
"""

FORGET_END = "delete from billing.usage_ends where subject_id = %(subject_id)s"

DUE = (
    "select subject_id, tenant_id from billing.usage_ends where ends_at <= %(before)s order by ends_at limit %(limit)s"
)

INSERT_RECORD = """
insert into billing.usage_records (tenant_id, source_id, sku, from_at, to_at, subject_id, price_id, quantity, recorded_by)
values (%(tenant_id)s, %(source_id)s, %(sku)s, %(from_at)s, %(to_at)s, %(subject_id)s, %(price_id)s, %(quantity)s, kernel.principal())
on conflict (tenant_id, source_id, sku, from_at, price_id) do nothing
"""

LOCK_OPEN = """
select h.id, h.tenant_id, h.subject_id, h.project_id, h.account_id, h.currency, h.sku, h.region_id, h.amount, h.state, h.covered_until,
       h.notified_at, h.exhausted_at, h.version
  from billing.usage_periods p
  join billing.holds h on h.tenant_id = p.tenant_id and h.subject_id = p.subject_id
 where p.source_id = %(source_id)s and h.state = 'held' order by h.subject_id for update of h
"""

NEEDED = """
select coalesce(billing.ceil_minor(sum(u.exact_amount), min(u.currency)), 0)
  from billing.usage_priced(array[%(subject_id)s::text], '-infinity', 'infinity') u
"""

BILL = """
select u.price_id, u.sku, u.region_id, u.currency, u.price as price_per_hour, u.from_at, u.to_at, u.seconds, u.exact_amount, u.amount,
       u.quantity, u.unit
  from billing.usage_priced(array[%(subject_id)s::text], '-infinity', 'infinity') u order by u.from_at, u.price_id
"""


async def open_period(tx: Tx, **row: object) -> None:
    await tx.run(OPEN_PERIOD, row)
    await tx.run(EXPECT_END, row)


async def forget_end(tx: Tx, subject_id: str) -> None:
    await tx.run(FORGET_END, {"subject_id": subject_id})


async def due(tx: Tx, before: datetime, limit: int) -> list[EndRow]:
    return await tx.all(DUE, {"before": before, "limit": limit}, into=EndRow)


async def insert_record(tx: Tx, **row: object) -> bool:
    """False when this interval is in the books already."""
    return bool(await tx.run(INSERT_RECORD, row))


async def lock_open(tx: Tx, source_id: str) -> list[HoldRow]:
    """The holds of the source's months that are not billed yet. All at once and in order: between two of them the wallet
    would be locked, which whoever settles the second waits for."""
    return await tx.all(LOCK_OPEN, {"source_id": source_id}, into=HoldRow)


async def needed(tx: Tx, subject_id: str) -> Decimal:
    """What has accrued, up to the next minor unit."""
    return await tx.value(NEEDED, {"subject_id": subject_id})


async def bill(tx: Tx, subject_id: str) -> list[BillLineRow]:
    return await tx.all(BILL, {"subject_id": subject_id}, into=BillLineRow)
