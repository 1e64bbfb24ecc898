"""Meters as the control plane observed them, and what they come to in money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class MeterRow:
    opened_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class BillLineRow:
    price_id: str
    sku: str
    region_id: str
    currency: str
    price_per_hour: Decimal
    from_at: datetime
    to_at: datetime
    seconds: int
    exact_amount: Decimal
    amount: Decimal
    quantity: Decimal | None = None  # of counted use, with its unit; else the seconds are what counts
    unit: str | None = None


@dataclass(frozen=True)
class CostRow:
    subject_id: str
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class ChargeRow:
    id: str
    tenant_id: str
    account_id: str
    currency: str
    total: Decimal
    credited: Decimal


OPEN = """
insert into billing.meter_transitions (tenant_id, subject_id, kind, at, sku, region_id, project_id, dims, recorded_by)
values (%(tenant_id)s, %(subject_id)s, 'opened', date_trunc('second', %(at)s::timestamptz, 'UTC'), %(sku)s, %(region_id)s, %(project_id)s, %(dims)s,
        kernel.principal())
on conflict (tenant_id, subject_id, kind) do nothing
"""

CLOSE = """
insert into billing.meter_transitions (tenant_id, subject_id, kind, at, recorded_by)
values (%(tenant_id)s, %(subject_id)s, 'closed', date_trunc('second', %(at)s::timestamptz, 'UTC'), kernel.principal())
on conflict (tenant_id, subject_id, kind) do nothing
"""

METER = """
select max(at) filter (where kind = 'opened') as opened_at, max(at) filter (where kind = 'closed') as closed_at
  from billing.meter_transitions where subject_id = %(subject_id)s
"""

PAUSE = """
insert into billing.meter_pauses (id, tenant_id, subject_id, from_at, to_at, reason, recorded_by)
values (%(id)s, %(tenant_id)s, %(subject_id)s, %(from_at)s, %(to_at)s, %(reason)s, kernel.principal())
on conflict (tenant_id, subject_id, from_at, to_at) do nothing
"""

# Of a closed meter: its end decides and no clock does, so a clock that was set back cannot make a bill smaller.
BILL = """
select p.price_id, b.sku, b.region_id, p.currency, p.price_per_hour, lower(p.billable) as from_at, upper(p.billable) as to_at,
       p.seconds, p.exact_amount, p.amount
  from billing.billable(array[%(subject_id)s::text], '-infinity', 'infinity') b
  cross join lateral billing.priced(b.sku, b.region_id, b.span) p
 where b.closed_at is not null
 order by from_at
"""

# A settled subject costs what it was charged, a running one what its seconds come to so far, exactly.
RUNNING_COST = """
select h.subject_id, h.currency, coalesce(c.total, r.amount, 0) as amount
  from billing.holds h
  left join billing.charges c on c.tenant_id = h.tenant_id and c.subject_id = h.subject_id
  left join (select b.tenant_id, b.subject_id, sum(p.exact_amount) as amount
               from billing.billable(%(subjects)s::text[], '-infinity', kernel.now()) b
               cross join lateral billing.priced(b.sku, b.region_id, b.span) p
              group by b.tenant_id, b.subject_id) r on r.tenant_id = h.tenant_id and r.subject_id = h.subject_id
 where h.subject_id = any (%(subjects)s::text[])
"""

CHARGE = """
select c.id, c.tenant_id, c.account_id, c.currency, c.total,
       coalesce((select sum(l.amount) from billing.ledger_entries e
                   join billing.ledger_lines l on l.entry_id = e.id and l.occurred_at = e.occurred_at and l.account = 'wallet.available'
                  where e.tenant_id = c.tenant_id and e.subject_id = c.subject_id and e.kind = 'outage_credit'), 0) as credited
  from billing.charges c where c.subject_id = %(subject_id)s
"""

INSERT_CHARGE = """
insert into billing.charges (id, tenant_id, subject_id, project_id, account_id, currency, entry_id, exact_total, total, settled_at)
values (%(id)s, %(tenant_id)s, %(subject_id)s, %(project_id)s, %(account_id)s, %(currency)s, %(entry_id)s, %(exact_total)s, %(total)s, kernel.now())
"""

INSERT_CHARGE_LINE = """
insert into billing.charge_lines (charge_id, line_no, tenant_id, price_id, sku, region_id, price_per_hour, from_at, to_at, seconds, exact_amount, amount, quantity, unit)
values (%(charge_id)s, %(line_no)s, %(tenant_id)s, %(price_id)s, %(sku)s, %(region_id)s, %(price_per_hour)s, %(from_at)s, %(to_at)s, %(seconds)s,
        %(exact_amount)s, %(amount)s, %(quantity)s, %(unit)s)
"""


async def open_meter(
    tx: Tx,
    tenant_id: str,
    subject_id: str,
    sku: str,
    region_id: str,
    project_id: str,
    at: datetime,
    dims: dict[str, object],
) -> bool:
    """False when it was opened before; then nothing changes."""
    meter = {
        "tenant_id": tenant_id,
        "subject_id": subject_id,
        "sku": sku,
        "region_id": region_id,
        "project_id": project_id,
        "at": at,
    }
    return bool(await tx.run(OPEN, meter | {"dims": Jsonb(dims)}))


async def close_meter(tx: Tx, tenant_id: str, subject_id: str, at: datetime) -> bool:
    """False when it was closed before; the first instant counts."""
    return bool(await tx.run(CLOSE, {"tenant_id": tenant_id, "subject_id": subject_id, "at": at}))


async def meter(tx: Tx, subject_id: str) -> MeterRow:
    row = await tx.one(METER, {"subject_id": subject_id}, into=MeterRow)
    assert row is not None  # aggregates answer one row
    return row


async def pause(
    tx: Tx, pause_id: str, tenant_id: str, subject_id: str, from_at: datetime, to_at: datetime, reason: str
) -> bool:
    interval = {"id": pause_id, "tenant_id": tenant_id, "subject_id": subject_id, "from_at": from_at, "to_at": to_at}
    return bool(await tx.run(PAUSE, interval | {"reason": reason}))


async def bill(tx: Tx, subject_id: str) -> list[BillLineRow]:
    """The lines of a closed meter; none while it is open. Pin the prices first: the answer becomes a posting."""
    return await tx.all(BILL, {"subject_id": subject_id}, into=BillLineRow)


async def running_cost(tx: Tx, subject_ids: list[str]) -> list[CostRow]:
    return await tx.all(RUNNING_COST, {"subjects": subject_ids}, into=CostRow)


async def charge(tx: Tx, subject_id: str) -> ChargeRow | None:
    return await tx.one(CHARGE, {"subject_id": subject_id}, into=ChargeRow)


async def insert_charge(tx: Tx, row: Mapping[str, object], lines: Sequence[Mapping[str, object]]) -> None:
    await tx.run(INSERT_CHARGE, row)
    if lines:
        await tx.run_many(INSERT_CHARGE_LINE, lines)
