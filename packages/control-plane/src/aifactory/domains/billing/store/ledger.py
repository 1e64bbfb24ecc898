"""Postings and what can be read from them."""

from dataclasses import dataclass
from decimal import Decimal

from aifactory.kernel.db import Tx
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow

POSTING_EVIDENCE = """
    select 'posting:' || e.id || ':' || lpad(l.line_no::text, 3, '0') as key, e.occurred_at as at, coalesce(e.subject_id, e.account_id) as subject_id,
           e.created_by as actor, e.kind || ': ' || l.account || ' ' || trim_scale(l.amount) || ' ' || l.currency as what,
           e.reason as why, e.tenant_id
    from billing.ledger_entries e join billing.ledger_lines l on l.entry_id = e.id and l.occurred_at = e.occurred_at
    where (%(subjects)s::text[] is null or e.subject_id = any(%(subjects)s)) and (%(actor)s::text is null or e.created_by = %(actor)s)
      and (%(since)s::timestamptz is null or e.occurred_at >= %(since)s) and (%(until)s::timestamptz is null or e.occurred_at < %(until)s)
      and (%(after_at)s::timestamptz is null or (e.occurred_at <= %(after_at)s and (e.occurred_at, 'posting:' || e.id || ':' || lpad(l.line_no::text, 3, '0')) < (%(after_at)s, %(after_key)s)))
    order by e.occurred_at desc, 'posting:' || e.id || ':' || lpad(l.line_no::text, 3, '0') desc limit %(limit)s
"""
# Under which other ids the log of events knows what money did for a subject.
RELATED_IDS = """
    select id from billing.holds where subject_id = %(subject)s
    union all select id from billing.meter_pauses where subject_id = %(subject)s limit 200
"""


@dataclass(frozen=True)
class PostedRow:
    outcome: str
    entry_id: str | None
    available: Decimal
    held: Decimal
    version: int


@dataclass(frozen=True)
class EntryRow:
    id: str
    tenant_id: str
    account_id: str
    currency: str
    kind: str
    subject_id: str | None
    reversed_by: str | None


POST_ENTRY = """
select outcome, entry_id, available, held, version from billing.post_entry(
    %(entry_id)s, %(money_key)s, %(kind)s, %(tenant_id)s, %(account_id)s, %(currency)s, %(subject_id)s, %(reason)s,
    %(accounts)s::text[], %(amounts)s::numeric[], %(reverses)s)
"""

ENTRY = """
select e.id, e.tenant_id, e.account_id, e.currency, e.kind, e.subject_id, r.reversed_by
  from billing.money_keys k
  join billing.ledger_entries e on e.id = k.entry_id and e.occurred_at = k.occurred_at
  left join billing.reversals r on r.tenant_id = e.tenant_id and r.entry_id = e.id
 where k.entry_id = %(entry_id)s
"""

ENTRY_LINES = """
select l.account, l.amount from billing.money_keys k
  join billing.ledger_lines l on l.entry_id = k.entry_id and l.occurred_at = k.occurred_at
 where k.entry_id = %(entry_id)s order by l.line_no
"""

# Row-level security narrows it: a tenant sees its own lines, an operator all.
TRIAL_BALANCE_JSON = """
with by_account as (
    select l.account, l.currency, sum(l.amount) as balance,
           coalesce(-sum(l.amount) filter (where l.amount < 0), 0) as debits, coalesce(sum(l.amount) filter (where l.amount > 0), 0) as credits
      from billing.ledger_lines l group by l.account, l.currency
), by_currency as (
    select b.currency, sum(b.debits) as debits, sum(b.credits) as credits, sum(b.credits) - sum(b.debits) as difference
      from by_account b group by b.currency
), drift as (
    select w.currency from billing.wallets w
      left join (select l.account_id, l.currency, sum(l.amount) filter (where l.account = 'wallet.available') as available,
                        sum(l.amount) filter (where l.account = 'wallet.held') as held
                   from billing.ledger_lines l group by l.account_id, l.currency) s using (account_id, currency)
     where w.available <> coalesce(s.available, 0) or w.held <> coalesce(s.held, 0)
)
select jsonb_build_object(
    'currencies', coalesce((select jsonb_agg(jsonb_build_object(
        'currency', c.currency, 'debits', billing.money(c.debits, c.currency), 'credits', billing.money(c.credits, c.currency),
        'difference', billing.money(c.difference, c.currency)) order by c.currency) from by_currency c), '[]'),
    'accounts', coalesce((select jsonb_agg(jsonb_build_object(
        'account', a.account, 'currency', a.currency, 'balance', billing.money(a.balance, a.currency)) order by a.currency, a.account)
        from by_account a), '[]'),
    'wallets_differing', (select count(*) from drift),
    'balanced', not exists (select from by_currency c where c.difference <> 0) and not exists (select from drift),
    'as_of', billing.instant(kernel.now()))::text
"""

ENTRIES_JSON = """
with page as (
    select e.* from billing.ledger_entries e
     where (%(subject_id)s::text is null or e.subject_id = %(subject_id)s)
       and (%(after_at)s::timestamptz is null or (e.occurred_at, e.id) < (%(after_at)s::timestamptz, %(after_id)s::text))
     order by e.occurred_at desc, e.id desc limit %(limit)s::int + 1
), numbered as (select p.*, row_number() over (order by p.occurred_at desc, p.id desc) as n from page p)
select jsonb_build_object(
    'items', coalesce((select jsonb_agg(jsonb_build_object(
        'id', n.id, 'tenant_id', n.tenant_id, 'account_id', n.account_id, 'kind', n.kind, 'currency', n.currency,
        'subject_id', n.subject_id, 'reason', n.reason, 'reverses', n.reverses, 'created_by', n.created_by,
        'occurred_at', billing.instant(n.occurred_at),
        'lines', (select jsonb_agg(jsonb_build_object('account', l.account, 'amount', billing.money(l.amount, l.currency)) order by l.line_no)
                    from billing.ledger_lines l where l.entry_id = n.id and l.occurred_at = n.occurred_at)) order by n.n)
        from numbered n where n.n <= %(limit)s::int), '[]'),
    'next_cursor', (select billing.page_cursor(billing.instant(n.occurred_at), n.id) from numbered n
                     where n.n = %(limit)s::int and exists (select from numbered where numbered.n > %(limit)s::int)))::text
"""


@dataclass(frozen=True)
class Posting:
    """One entry to write. lines: account -> signed amount; positive credits the account. They must add up to zero."""

    money_key: str
    kind: str
    tenant_id: str
    account_id: str
    currency: str
    lines: dict[str, Decimal]
    subject_id: str | None = None
    reason: str = ""
    reverses: str | None = None


async def post_entry(tx: Tx, posting: Posting) -> PostedRow:
    lines = {account: amount for account, amount in posting.lines.items() if amount}
    row = await tx.one(
        POST_ENTRY,
        {
            "entry_id": tx.ids.new("entry"),
            "money_key": posting.money_key,
            "kind": posting.kind,
            "tenant_id": posting.tenant_id,
            "account_id": posting.account_id,
            "currency": posting.currency,
            "subject_id": posting.subject_id,
            "reason": posting.reason,
            "accounts": list(lines),
            "amounts": list(lines.values()),
            "reverses": posting.reverses,
        },
        into=PostedRow,
    )
    assert row is not None  # a function with OUT parameters always answers one row
    return row


async def entry(tx: Tx, entry_id: str) -> EntryRow | None:
    return await tx.one(ENTRY, {"entry_id": entry_id}, into=EntryRow)


async def entry_lines(tx: Tx, entry_id: str) -> list[tuple[str, Decimal]]:
    return await tx.all(ENTRY_LINES, {"entry_id": entry_id})


async def trial_balance_json(tx: Tx) -> bytes:
    return await tx.json(TRIAL_BALANCE_JSON)


async def entries_json(tx: Tx, subject_id: str | None, after: tuple[str, ...] | None, limit: int) -> bytes:
    after_at, after_id = after or (None, None)
    return await tx.json(
        ENTRIES_JSON, {"subject_id": subject_id, "after_at": after_at, "after_id": after_id, "limit": limit}
    )


async def evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """One row for each line of an entry."""
    return await tx.all(POSTING_EVIDENCE, query.params(), into=EvidenceRow)


async def related_ids(tx: Tx, subject_id: str) -> list[str]:
    return [row[0] for row in await tx.all(RELATED_IDS, {"subject": subject_id})]
