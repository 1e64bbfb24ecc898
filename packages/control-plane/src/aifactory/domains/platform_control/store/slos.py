"""Counts of kept promises, and the histories from which the worker counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.kernel.db import Tx

# The API counts as it answers: what it adds belongs to the bucket of the moment in which it is written.
ADD = """
    insert into platform_control.slo_counts (domain, slo, at, good, total)
    values (%(domain)s, %(slo)s, date_bin('5 minutes', kernel.now(), 'epoch'::timestamptz), %(good)s, %(total)s)
    on conflict (domain, slo, at) do update
    set good = slo_counts.good + excluded.good, total = slo_counts.total + excluded.total, updated_at = kernel.now()
"""

# The worker counts whole buckets again until they cannot change any more.
SET = """
    insert into platform_control.slo_counts (domain, slo, at, good, total)
    values (%(domain)s, %(slo)s, %(at)s, %(good)s, %(total)s)
    on conflict (domain, slo, at) do update set good = excluded.good, total = excluded.total, updated_at = kernel.now()
"""

# A state's deadline is written where it was entered: one transition before the one that left it.
FLOW_DEADLINES = """
    select date_bin('5 minutes', t.at, 'epoch'::timestamptz) as at, count(*) as total,
           count(*) filter (where b.deadline_seconds is null or t.seconds <= b.deadline_seconds) as good
    from kernel.flow_transitions t join kernel.flow_transitions b on b.flow_id = t.flow_id and b.seq = t.seq - 1
    where t.at >= %(since)s and t.kind like %(kinds)s group by 1
"""

FLOW_REACHES = """
    select date_bin('5 minutes', t.at, 'epoch'::timestamptz) as at, count(*) as total,
           count(*) filter (where t.at - f.created_at <= make_interval(secs => %(limit_seconds)s)) as good
    from kernel.flow_transitions t join kernel.flows f on f.id = t.flow_id
    where t.at >= %(since)s and t.kind = %(kind)s and t.to_state = any(%(states)s) group by 1
"""

# What an installation writes while it is being set up waits for the first relay ever: from then on it is late.
EVENTS_SENT = """
    select date_bin('5 minutes', occurred_at, 'epoch'::timestamptz) as at, count(*) as total,
           count(*) filter (where sent_at - greatest(occurred_at, began)
                                  <= make_interval(secs => %(limit_seconds)s)) as good
    from kernel.outbox left join (select sent_at as began from kernel.outbox order by id limit 1) relay on true
    where occurred_at >= %(since)s and occurred_at < kernel.now() - make_interval(secs => %(limit_seconds)s) group by 1
"""

# A dead letter also has its row in the inbox: it is among all, and not among the good.
EVENTS_TAKEN = """
    select at, sum(taken)::bigint as total, sum(taken - dead)::bigint as good from (
        select date_bin('5 minutes', at, 'epoch'::timestamptz) as at, 1 as taken, 0 as dead
        from kernel.inbox where at >= %(since)s
        union all
        select date_bin('5 minutes', created_at, 'epoch'::timestamptz), (replayed_at is not null)::int, 1
        from kernel.dead_letters where created_at >= %(since)s) counted
    group by 1
"""

TOTALS = """
    select domain, slo, max(updated_at) as counted_at,
        coalesce(sum(good) filter (where at > t.now - interval '1 hour'), 0)::bigint as good_1h,
        coalesce(sum(total) filter (where at > t.now - interval '1 hour'), 0)::bigint as total_1h,
        coalesce(sum(good) filter (where at > t.now - interval '6 hours'), 0)::bigint as good_6h,
        coalesce(sum(total) filter (where at > t.now - interval '6 hours'), 0)::bigint as total_6h,
        coalesce(sum(good) filter (where at > t.now - interval '3 days'), 0)::bigint as good_3d,
        coalesce(sum(total) filter (where at > t.now - interval '3 days'), 0)::bigint as total_3d,
        sum(good)::bigint as good_30d, sum(total)::bigint as total_30d
    from platform_control.slo_counts, (select kernel.now() as now) t
    where at > t.now - interval '30 days'
    group by domain, slo
"""

FORGET_COUNTS = "delete from platform_control.slo_counts where at < kernel.now() - interval '32 days'"


@dataclass(frozen=True)
class CountRow:
    at: datetime
    total: int
    good: int


@dataclass(frozen=True)
class TotalsRow:
    domain: str
    slo: str
    counted_at: datetime
    good_1h: int
    total_1h: int
    good_6h: int
    total_6h: int
    good_3d: int
    total_3d: int
    good_30d: int
    total_30d: int


async def add(tx: Tx, counts: Sequence[dict[str, Any]]) -> None:
    await tx.run_many(ADD, counts)


async def set_all(tx: Tx, domain: str, slo: str, counts: Sequence[CountRow]) -> None:
    await tx.run_many(SET, [{"domain": domain, "slo": slo, **vars(count)} for count in counts])


async def flow_deadlines(tx: Tx, domain: str, since: datetime) -> list[CountRow]:
    return await tx.all(FLOW_DEADLINES, {"since": since, "kinds": f"{domain}.%"}, into=CountRow)


async def flow_reaches(tx: Tx, kind: str, states: list[str], limit_seconds: float, since: datetime) -> list[CountRow]:
    params = {"since": since, "kind": kind, "states": states, "limit_seconds": limit_seconds}
    return await tx.all(FLOW_REACHES, params, into=CountRow)


async def events_sent(tx: Tx, limit_seconds: float, since: datetime) -> list[CountRow]:
    return await tx.all(EVENTS_SENT, {"since": since, "limit_seconds": limit_seconds}, into=CountRow)


async def events_taken(tx: Tx, since: datetime) -> list[CountRow]:
    return await tx.all(EVENTS_TAKEN, {"since": since}, into=CountRow)


async def totals(tx: Tx) -> list[TotalsRow]:
    return await tx.all(TOTALS, {}, into=TotalsRow)


async def forget(tx: Tx) -> None:
    await tx.run(FORGET_COUNTS, {})
