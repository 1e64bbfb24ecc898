"""What a tenant reads about its money: usage and the statement, built as JSON in SQL."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.billing.store.accounts import facts_of_a
from aifactory.kernel.db import Tx

# One row per metered subject that ran between `since` and `until`, newest first; only that part of it is counted.
USAGE_JSON = """
with metered as (
    select o.subject_id, o.tenant_id, o.project_id, o.at, c.at as ended_at
      from billing.meter_transitions o
      left join billing.meter_transitions c on c.tenant_id = o.tenant_id and c.subject_id = o.subject_id and c.kind = 'closed'
     where o.kind = 'opened'
    union all
    select p.subject_id, p.tenant_id, p.project_id, p.opened_at, p.ends_at from billing.usage_periods p
), page as (
    select o.subject_id, o.tenant_id, o.at as opened_at
      from metered o
     where true
       and (%(project_id)s::text is null or o.project_id = %(project_id)s)
       and (%(visible)s::text[] is null or o.project_id = any (%(visible)s::text[]))
       and (%(until)s::timestamptz is null or o.at < %(until)s::timestamptz)
       and (%(since)s::timestamptz is null or o.ended_at is null or o.ended_at > %(since)s::timestamptz)
       and (%(after_at)s::timestamptz is null or (o.at, o.subject_id) < (%(after_at)s::timestamptz, %(after_id)s::text))
     order by o.at desc, o.subject_id desc limit %(limit)s::int + 1
), numbered as (select p.*, row_number() over (order by p.opened_at desc, p.subject_id desc) as n from page p
), counted as (
    select n.n, b.subject_id as resource_id, b.project_id, b.sku, b.region_id, b.dims, b.opened_at, b.closed_at, h.currency,
           coalesce(s.seconds, 0) as seconds, coalesce(s.exact, 0) as exact, coalesce(s.amount, 0) as amount, s.price_per_hour,
           exists (select from billing.charges g where g.tenant_id = b.tenant_id and g.subject_id = b.subject_id) as settled,
           null::numeric as quantity, 'hour' as unit
      from numbered n
      join billing.billable((select array_agg(subject_id) from numbered), coalesce(%(since)s::timestamptz, '-infinity'),
                            least(kernel.now(), coalesce(%(until)s::timestamptz, 'infinity'))) b
        on b.tenant_id = n.tenant_id and b.subject_id = n.subject_id
      join billing.holds h on h.tenant_id = b.tenant_id and h.subject_id = b.subject_id
      left join lateral (select sum(p.seconds) as seconds, sum(p.exact_amount) as exact, sum(p.amount) as amount,
                                (array_agg(p.price_per_hour order by lower(p.billable) desc))[1] as price_per_hour
                           from billing.priced(b.sku, b.region_id, b.span) p) s on true
     where n.n <= %(limit)s::int
    union all
    select n.n, p.source_id, p.project_id, p.sku, p.region_id, jsonb_build_object('name', p.name), p.opened_at,
           (select g.settled_at from billing.charges g where g.tenant_id = p.tenant_id and g.subject_id = p.subject_id), h.currency,
           coalesce(s.seconds, 0), coalesce(s.exact, 0), coalesce(s.amount, 0), s.price,
           exists (select from billing.charges g where g.tenant_id = p.tenant_id and g.subject_id = p.subject_id),
           coalesce(s.quantity, 0), k.unit
      from numbered n
      join billing.usage_periods p on p.tenant_id = n.tenant_id and p.subject_id = n.subject_id
      join billing.skus k on k.sku = p.sku
      join billing.holds h on h.tenant_id = p.tenant_id and h.subject_id = p.subject_id
      left join lateral (select sum(u.seconds) as seconds, sum(u.exact_amount) as exact, sum(u.amount) as amount, sum(u.quantity) as quantity,
                                (array_agg(u.price order by u.from_at desc, u.price_id desc))[1] as price
                           from billing.usage_priced(array[p.subject_id], coalesce(%(since)s::timestamptz, '-infinity'),
                                                     coalesce(%(until)s::timestamptz, 'infinity')) u) s on true
     where n.n <= %(limit)s::int
)
select jsonb_build_object(
    'items', coalesce((select jsonb_agg(jsonb_build_object(
        'allocation_id', c.resource_id, 'name', coalesce(c.dims ->> 'name', c.resource_id), 'project_id', c.project_id,
        'quantity', c.quantity::text, 'unit', c.unit, 'sku', c.sku, 'region_id', c.region_id,
        'price_per_hour', billing.money(coalesce(c.price_per_hour, (
            select p.amount_per_hour from billing.prices p where p.sku = c.sku and p.region_id = c.region_id and p.effective_at <= c.opened_at
             order by p.effective_at desc limit 1)), c.currency),
        'started_at', billing.instant(c.opened_at), 'ended_at', case when c.closed_at is not null then billing.instant(greatest(c.opened_at, c.closed_at)) end,
        'seconds', c.seconds, 'exact_amount', billing.money(c.exact, c.currency), 'amount', billing.money(c.amount, c.currency),
        'settled', c.settled) order by c.n) from counted c), '[]'),
    'as_of', billing.instant(kernel.now()),
    'next_cursor', (select billing.page_cursor(billing.instant(n.opened_at), n.subject_id) from numbered n
                     where n.n = %(limit)s::int and exists (select from numbered where numbered.n > %(limit)s::int)))::text
"""

# closing = opening + credits - total, each side computed for itself. held and available are those at the month's end, or now.
STATEMENT_JSON = """
with month as (
    select %(from_at)s::timestamptz as from_at, %(to_at)s::timestamptz as to_at
), mine as (
    select l.account, l.amount, l.occurred_at, l.entry_id from billing.ledger_lines l, month
     where l.tenant_id = %(tenant_id)s and l.currency = %(currency)s and l.account in ('wallet.available', 'wallet.held')
       and l.occurred_at < month.to_at
), sums as (
    select coalesce(sum(m.amount) filter (where m.occurred_at < month.from_at), 0) as opening,
           coalesce(sum(m.amount), 0) as closing,
           coalesce(sum(m.amount) filter (where m.account = 'wallet.held'), 0) as held,
           coalesce(sum(m.amount) filter (where m.account = 'wallet.available'), 0) as available
      from month left join mine m on true
), given as (
    select e.id, e.kind, e.reason, e.subject_id, e.occurred_at, sum(m.amount) as amount
      from month join mine m on m.occurred_at >= month.from_at
      join billing.ledger_entries e on e.id = m.entry_id and e.occurred_at = m.occurred_at
     where e.kind in ('promotional_credit', 'payment', 'outage_credit', 'reversal')
     group by e.id, e.kind, e.reason, e.subject_id, e.occurred_at
), charged as (
    select c.id, c.subject_id, c.project_id, c.total, c.settled_at from billing.charges c, month
     where c.tenant_id = %(tenant_id)s and c.currency = %(currency)s and c.settled_at >= month.from_at and c.settled_at < month.to_at
), page as (
    select l.*, c.subject_id, c.project_id, c.settled_at, row_number() over (order by c.settled_at, c.id, l.line_no) as n, u.source_id, u.name
      from charged c join billing.charge_lines l on l.charge_id = c.id
      left join billing.usage_periods u on u.tenant_id = l.tenant_id and u.subject_id = c.subject_id
     where %(after_at)s::timestamptz is null or (c.settled_at, c.id, l.line_no::int) > (%(after_at)s::timestamptz, %(after_id)s::text, %(after_line)s::int)
     order by c.settled_at, c.id, l.line_no limit %(limit)s::int + 1
), running as (
    select h.subject_id from billing.holds h, month
     where h.tenant_id = %(tenant_id)s and h.currency = %(currency)s and h.state = 'held' and month.to_at > kernel.now() and month.from_at <= kernel.now()
), unbilled as (
    select b.subject_id, b.project_id, b.dims, b.sku, lower(p.billable) as from_at, upper(p.billable) as to_at, p.seconds, p.price_per_hour,
           p.exact_amount, p.amount, null::numeric as quantity, 'hour' as unit
      from billing.billable((select array_agg(r.subject_id) from running r), '-infinity', kernel.now()) b
      cross join lateral billing.priced(b.sku, b.region_id, b.span) p
    union all
    select u.source_id, u.project_id, jsonb_build_object('name', u.name), u.sku, u.from_at, u.to_at, u.seconds, u.price,
           u.exact_amount, u.amount, u.quantity, u.unit
      from billing.usage_priced((select array_agg(r.subject_id) from running r), '-infinity', 'infinity') u
)
select jsonb_build_object(
    'month', %(month)s::text, 'currency', %(currency)s::text,
    'opening', billing.money(s.opening, %(currency)s),
    'credits', billing.money((select coalesce(sum(g.amount), 0) from given g), %(currency)s),
    'credit_entries', coalesce((select jsonb_agg(jsonb_build_object('entry_id', g.id, 'kind', g.kind, 'reason', g.reason,
        'allocation_id', g.subject_id, 'at', billing.instant(g.occurred_at), 'amount', billing.money(g.amount, %(currency)s))
        order by g.occurred_at, g.id) from given g), '[]'),
    'lines', coalesce((select jsonb_agg(jsonb_build_object(
        'allocation_id', coalesce(p.source_id, p.subject_id), 'name', coalesce(p.name, (select o.dims ->> 'name' from billing.meter_transitions o
            where o.tenant_id = p.tenant_id and o.subject_id = p.subject_id and o.kind = 'opened'), p.subject_id),
        'quantity', p.quantity::text, 'unit', coalesce(p.unit, 'hour'),
        'project_id', p.project_id, 'sku', p.sku, 'from', billing.instant(p.from_at), 'to', billing.instant(p.to_at), 'seconds', p.seconds,
        'price_per_hour', billing.money(p.price_per_hour, %(currency)s), 'exact_amount', billing.money(p.exact_amount, %(currency)s),
        'amount', billing.money(p.amount, %(currency)s), 'settled_at', billing.instant(p.settled_at)) order by p.n)
        from page p where p.n <= %(limit)s::int), '[]'),
    'next_cursor', (select billing.page_cursor(billing.instant(p.settled_at), p.charge_id, p.line_no::text) from page p
                     where p.n = %(limit)s::int and exists (select from page where page.n > %(limit)s::int)),
    'total', billing.money((select coalesce(sum(c.total), 0) from charged c), %(currency)s),
    'closing', billing.money(s.closing, %(currency)s),
    'held', billing.money(s.held, %(currency)s), 'available', billing.money(s.available, %(currency)s),
    'unbilled', jsonb_build_object(
        'total', billing.money((select coalesce(sum(u.amount), 0) from unbilled u), %(currency)s),
        'lines', coalesce((select jsonb_agg(jsonb_build_object(
            'allocation_id', u.subject_id, 'name', coalesce(u.dims ->> 'name', u.subject_id), 'project_id', u.project_id, 'sku', u.sku,
            'quantity', u.quantity::text, 'unit', u.unit,
            'from', billing.instant(u.from_at), 'to', billing.instant(u.to_at), 'seconds', u.seconds,
            'price_per_hour', billing.money(u.price_per_hour, %(currency)s), 'exact_amount', billing.money(u.exact_amount, %(currency)s),
            'amount', billing.money(u.amount, %(currency)s)) order by u.from_at, u.subject_id, u.sku, u.price_per_hour)
            from (select * from unbilled order by from_at, subject_id, sku, price_per_hour limit %(limit)s::int) u), '[]')),
    'as_of', billing.instant(kernel.now()))::text
  from sums s
"""

# No row while there is neither a wallet nor a currency to say that it is empty in.
WALLET_JSON = f"""
select jsonb_build_object(
    'account_id', a.id,
    'currency', coalesce(f.currency, %(currency)s::text),
    'available', billing.money(coalesce(f.available, 0), coalesce(f.currency, %(currency)s::text)),
    'held', billing.money(coalesce(f.held, 0), coalesce(f.currency, %(currency)s::text)),
    'balance', billing.money(coalesce(f.available + f.held, 0), coalesce(f.currency, %(currency)s::text)),
    'kyc_status', known.kyc_status, 'payment_method', known.payment_method,
    'promotional_credit', known.promotional_credit,
    'wallets', coalesce((select jsonb_agg(jsonb_build_object('currency', w.currency, 'available', billing.money(w.available, w.currency),
        'held', billing.money(w.held, w.currency), 'updated_at', billing.instant(w.updated_at)) order by w.created_at, w.currency)
        from billing.wallets w where w.tenant_id = %(tenant_id)s), '[]'),
    'as_of', billing.instant(kernel.now()))::text
  from (select 1) as one
  left join (select w.* from billing.wallets w where w.tenant_id = %(tenant_id)s order by w.created_at, w.currency limit 1) f on true
  left join billing.billing_accounts a on a.tenant_id = %(tenant_id)s
  cross join lateral (select {facts_of_a}) known
 where coalesce(f.currency, %(currency)s::text) is not null
"""


@dataclass(frozen=True)
class UsageFilter:
    """visible: the projects that the caller may see, None for all of the tenant."""

    project_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    visible: list[str] | None = None


async def usage_json(tx: Tx, only: UsageFilter, after: tuple[str, ...] | None, limit: int) -> bytes:
    after_at, after_id = after or (None, None)
    return await tx.json(USAGE_JSON, vars(only) | {"after_at": after_at, "after_id": after_id, "limit": limit})


async def statement_json(
    tx: Tx,
    tenant_id: str,
    currency: str,
    month: str,
    from_at: datetime,
    to_at: datetime,
    after: tuple[str, ...] | None,
    limit: int,
) -> bytes:
    after_at, after_id, after_line = after or (None, None, None)
    return await tx.json(
        STATEMENT_JSON,
        {
            "tenant_id": tenant_id, "currency": currency, "month": month, "from_at": from_at, "to_at": to_at,
            "after_at": after_at, "after_id": after_id, "after_line": after_line, "limit": limit,
        },
    )  # fmt: skip


async def wallet_json(tx: Tx, tenant_id: str, currency: str | None) -> bytes:
    """`null` when there is no wallet and no `currency` to name instead."""
    return await tx.json(WALLET_JSON, {"tenant_id": tenant_id, "currency": currency})
