"""SKUs, prices and the policies that gate a purchase."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class PriceRow:
    id: str
    sku: str
    name: str
    description: str
    kind: str
    unit: str
    region_id: str
    currency: str
    amount: Decimal
    effective_at: datetime
    next_amount: Decimal | None
    next_effective_at: datetime | None


@dataclass(frozen=True)
class NewPriceRow:
    id: str
    effective_at: datetime


@dataclass(frozen=True)
class PricedRow:
    """Seconds of a span under one price; the span's ends are those of that part."""

    price_id: str
    currency: str
    price_per_hour: Decimal
    from_at: datetime
    to_at: datetime
    seconds: int
    exact_amount: Decimal
    amount: Decimal


@dataclass(frozen=True)
class PolicyRow:
    id: str
    region_id: str
    sku_pattern: str
    use_case: str
    requires_kyc: bool
    requires_payment_method: bool
    satisfied_by_promotional_credit: bool


PRICE_IN_FORCE = """
select p.id, s.sku, s.name, s.description, s.kind, s.unit, p.region_id, p.currency, p.amount_per_hour as amount, p.effective_at,
       n.amount_per_hour as next_amount, n.effective_at as next_effective_at
  from billing.prices p
  join billing.skus s on s.sku = p.sku
  left join lateral (select f.amount_per_hour, f.effective_at from billing.prices f
                      where f.sku = p.sku and f.region_id = p.region_id and f.effective_at > p.effective_at
                      order by f.effective_at limit 1) n on true
 where p.sku = %(sku)s and p.region_id = %(region_id)s and s.state = 'active'
   and p.effective_at <= coalesce(%(at)s::timestamptz, kernel.now())
 order by p.effective_at desc limit 1
"""

PRICES_IN_FORCE = """
select distinct on (p.region_id, p.sku)
       p.id, s.sku, s.name, s.description, s.kind, s.unit, p.region_id, p.currency, p.amount_per_hour as amount, p.effective_at,
       n.amount_per_hour as next_amount, n.effective_at as next_effective_at
  from billing.prices p
  join billing.skus s on s.sku = p.sku
  left join lateral (select f.amount_per_hour, f.effective_at from billing.prices f
                      where f.sku = p.sku and f.region_id = p.region_id and f.effective_at > p.effective_at
                      order by f.effective_at limit 1) n on true
 where s.state = 'active' and p.effective_at <= kernel.now()
   and (%(region_id)s::text is null or p.region_id = %(region_id)s)
 order by p.region_id, p.sku, p.effective_at desc
"""

IS_PRICED = "select exists (select from billing.prices where sku = %(sku)s and region_id = %(region_id)s)"
SKU_EXISTS = "select true from billing.skus where sku = %(sku)s"

PRICE_CHANGES = """
select distinct effective_at from billing.prices
 where sku = any(%(skus)s) and region_id = %(region_id)s and effective_at > %(since)s and effective_at <= kernel.now() order by 1
"""

ADD_SKU = """
insert into billing.skus (sku, name, description, kind, unit) values (%(sku)s, %(name)s, %(description)s, %(kind)s, %(unit)s)
on conflict (sku) do nothing
"""
IS_SAME_SKU = "select kind = %(kind)s and unit = %(unit)s from billing.skus where sku = %(sku)s"

ADD_DEMO_SKU = """
insert into billing.skus (sku, name, description, kind, unit, demo)
values (%(sku)s, %(name)s, %(description)s, 'compute', 'hour', true) on conflict (sku) do nothing
"""

ALLOW_PURCHASES = """
insert into billing.purchase_policies
    (id, region_id, sku_pattern, use_case, requires_kyc, requires_payment_method, satisfied_by_promotional_credit)
values (%(id)s, %(region_id)s, '*', '*', false, true, true) on conflict (region_id, sku_pattern, use_case) do nothing
"""

PIN_PRICES = "select billing.pin_prices(%(sku)s, %(region_id)s)"

INSERT_PRICE = """
insert into billing.prices (id, sku, region_id, currency, amount_per_hour, effective_at, reason, created_by)
values (%(id)s, %(sku)s, %(region_id)s, %(currency)s, %(amount)s, date_trunc('second', %(effective_at)s::timestamptz, 'UTC'), %(reason)s, kernel.principal())
on conflict (sku, region_id, effective_at) do nothing
returning id, effective_at
"""

PRICE_HISTORY_JSON = """
with page as (
    select p.*, s.unit from billing.prices p join billing.skus s on s.sku = p.sku
     where (%(sku)s::text is null or p.sku = %(sku)s)
       and (%(after_at)s::timestamptz is null or (p.created_at, p.id) < (%(after_at)s::timestamptz, %(after_id)s::text))
     order by p.created_at desc, p.id desc limit %(limit)s::int + 1
), numbered as (select p.*, row_number() over (order by p.created_at desc, p.id desc) as n from page p)
select jsonb_build_object(
    'items', coalesce((select jsonb_agg(jsonb_build_object(
        'id', n.id, 'sku', n.sku, 'region_id', n.region_id, 'unit', n.unit, 'price', billing.money(n.amount_per_hour, n.currency),
        'amount', trim_scale(n.amount_per_hour)::text, 'currency', n.currency,
        'effective_at', billing.instant(n.effective_at), 'scheduled', n.effective_at > kernel.now(), 'reason', n.reason,
        'created_at', billing.instant(n.created_at), 'created_by', n.created_by) order by n.n)
        from numbered n where n.n <= %(limit)s::int), '[]'),
    'next_cursor', (select billing.page_cursor(billing.instant(n.created_at), n.id) from numbered n
                     where n.n = %(limit)s::int and exists (select from numbered where numbered.n > %(limit)s::int)))::text
"""

PRICED_SPAN = """
select p.price_id, p.currency, p.price_per_hour, lower(p.billable) as from_at, upper(p.billable) as to_at, p.seconds, p.exact_amount, p.amount
  from billing.priced(%(sku)s, %(region_id)s, tstzmultirange(tstzrange(%(from_at)s::timestamptz, %(to_at)s::timestamptz))) p
"""

HOLD_FOR_SPAN = """
select billing.ceil_minor(sum(p.exact_amount), min(p.currency))
  from billing.priced(%(sku)s, %(region_id)s, tstzmultirange(tstzrange(%(from_at)s::timestamptz, %(to_at)s::timestamptz))) p
"""

POLICIES_FOR = """
select id, region_id, sku_pattern, use_case, requires_kyc, requires_payment_method, satisfied_by_promotional_credit
  from billing.purchase_policies
 where region_id in ('*', %(region_id)s) and use_case in ('*', %(use_case)s)
"""

UPSERT_SKU = """
insert into billing.skus (sku, name, description, kind, unit) values (%(sku)s, %(name)s, %(description)s, %(kind)s, %(unit)s)
on conflict (sku) do nothing
"""

UPSERT_POLICY = """
insert into billing.purchase_policies
       (id, region_id, sku_pattern, use_case, requires_kyc, requires_payment_method, satisfied_by_promotional_credit)
values (%(id)s, %(region_id)s, %(sku_pattern)s, %(use_case)s, %(requires_kyc)s, %(requires_payment_method)s, %(satisfied_by_promotional_credit)s)
on conflict (region_id, sku_pattern, use_case) do nothing
"""

RECHECK_HOLDS = """
update billing.hold_checks set check_at = least(check_at, kernel.now()) where sku = %(sku)s and region_id = %(region_id)s
"""


async def price_in_force(tx: Tx, sku: str, region_id: str, at: datetime | None = None) -> PriceRow | None:
    return await tx.one(PRICE_IN_FORCE, {"sku": sku, "region_id": region_id, "at": at}, into=PriceRow)


async def prices_in_force(tx: Tx, region_id: str | None) -> list[PriceRow]:
    return await tx.all(PRICES_IN_FORCE, {"region_id": region_id}, into=PriceRow)


async def is_priced(tx: Tx, sku: str, region_id: str) -> bool:
    """Now, or from some announced moment on."""
    return bool(await tx.value(IS_PRICED, {"sku": sku, "region_id": region_id}))


async def sku_exists(tx: Tx, sku: str) -> bool:
    return bool(await tx.value(SKU_EXISTS, {"sku": sku}))


async def pin_prices(tx: Tx, sku: str, region_id: str) -> None:
    """Until the commit, no price of this sku changes here. Take it before touching hold_checks, never after."""
    await tx.run(PIN_PRICES, {"sku": sku, "region_id": region_id})


async def priced_span(tx: Tx, sku: str, region_id: str, from_at: datetime, to_at: datetime) -> list[PricedRow]:
    span = {"sku": sku, "region_id": region_id, "from_at": from_at, "to_at": to_at}
    return await tx.all(PRICED_SPAN, span, into=PricedRow)


async def hold_for_span(tx: Tx, sku: str, region_id: str, from_at: datetime, to_at: datetime) -> Decimal:
    span = {"sku": sku, "region_id": region_id, "from_at": from_at, "to_at": to_at}
    return await tx.value(HOLD_FOR_SPAN, span) or Decimal(0)


async def insert_price(
    tx: Tx, sku: str, region_id: str, currency: str, amount: Decimal, effective_at: datetime | None, reason: str
) -> NewPriceRow | None:
    """None when this sku has a price from that very second already. effective_at None: the next second."""
    price = {"id": tx.ids.new("price"), "sku": sku, "region_id": region_id, "currency": currency, "amount": amount}
    return await tx.one(INSERT_PRICE, price | {"effective_at": effective_at, "reason": reason}, into=NewPriceRow)


async def recheck_holds(tx: Tx, sku: str, region_id: str) -> None:
    """Another price means that what is held lasts for another time."""
    await tx.run(RECHECK_HOLDS, {"sku": sku, "region_id": region_id})


async def price_history_json(tx: Tx, sku: str | None, after: tuple[str, ...] | None, limit: int) -> bytes:
    after_at, after_id = after or (None, None)
    return await tx.json(PRICE_HISTORY_JSON, {"sku": sku, "after_at": after_at, "after_id": after_id, "limit": limit})


async def policies_for(tx: Tx, region_id: str, use_case: str) -> list[PolicyRow]:
    return await tx.all(POLICIES_FOR, {"region_id": region_id, "use_case": use_case}, into=PolicyRow)


async def upsert_sku(tx: Tx, sku: str, name: str, description: str, kind: str, unit: str) -> None:
    await tx.run(UPSERT_SKU, {"sku": sku, "name": name, "description": description, "kind": kind, "unit": unit})


async def upsert_policy(tx: Tx, policy: PolicyRow) -> None:
    await tx.run(UPSERT_POLICY, asdict(policy))


async def add_demo_sku(tx: Tx, sku: str, name: str, description: str) -> None:
    """Operator. What is there stays as it is."""
    await tx.run(ADD_DEMO_SKU, {"sku": sku, "name": name, "description": description})


async def allow_purchases(tx: Tx, policy_id: str, region_id: str) -> None:
    """Operator. Everything in the region for whoever has credit or a payment method, unless there is such a rule."""
    await tx.run(ALLOW_PURCHASES, {"id": policy_id, "region_id": region_id})


async def price_changes(tx: Tx, skus: Sequence[str], region_id: str, since: datetime) -> list[datetime]:
    values = {"skus": list(skus), "region_id": region_id, "since": since}
    return [row[0] for row in await tx.all(PRICE_CHANGES, values)]


async def add_sku(tx: Tx, **row: str) -> bool:
    """True when it is new."""
    return await tx.run(ADD_SKU, row) == 1


async def is_same_sku(tx: Tx, sku: str, kind: str, unit: str) -> bool:
    """Whether what is sold under this name is of this kind and unit."""
    return bool(await tx.value(IS_SAME_SKU, {"sku": sku, "kind": kind, "unit": unit}))
