"""Reads the kernel's audit tables; row-level security keeps a tenant to its own chain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.domains.iam.views import AuditEntryView
from aifactory.kernel.audit_chain import AuditRow
from aifactory.kernel.db import Tx
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.pagination import Page

COLUMNS = """
    a.id, a.tenant_id, a.project_id, a.actor_id, a.actor_kind, a.actor_name, a.action, a.target_id, a.decision,
    a.reason, a.request_id, a.occurred_at, a.details
"""
ENTRIES = f"""
    select {COLUMNS} from kernel.audit a
    where (%(target)s::text is null or a.target_id = %(target)s) and (%(actor)s::text is null or a.actor_id = %(actor)s)
      and (%(action)s::text is null or a.action = %(action)s)
      and (%(after_at)s::timestamptz is null or (a.occurred_at, a.id) < (%(after_at)s, %(after_id)s))
    order by a.occurred_at desc, a.id desc limit %(limit)s
"""
EVIDENCE = """
    select 'audit:' || id as key, occurred_at as at, target_id as subject_id, actor_id as actor,
           case decision when 'allowed' then action else action || ' ' || decision end as what, reason as why, tenant_id
    from kernel.audit
    where (%(subjects)s::text[] is null or target_id = any(%(subjects)s)) and (%(actor)s::text is null or actor_id = %(actor)s)
      and (%(since)s::timestamptz is null or occurred_at >= %(since)s) and (%(until)s::timestamptz is null or occurred_at < %(until)s)
      and (%(after_at)s::timestamptz is null or (occurred_at <= %(after_at)s and (occurred_at, 'audit:' || id) < (%(after_at)s, %(after_key)s)))
    order by occurred_at desc, 'audit:' || id desc limit %(limit)s
"""
LINKS = f"""
    select l.audit_id, l.position, l.seal_no, l.hash, {COLUMNS}
    from kernel.audit_links l left join kernel.audit a on a.id = l.audit_id and a.tenant_id = l.tenant_id
    where l.tenant_id = %(tenant_id)s and l.position > %(after)s and l.position <= %(bound)s
    order by l.position, a.occurred_at limit %(limit)s
"""
# Seals and the end of the chain in one snapshot: the sealer goes on while we read.
CHAIN = """
    select e.position, s.seal_no, s.first_position, s.last_position, s.head, s.previous, s.signature, s.sealed_at
    from (select coalesce(max(position), 0) as position from kernel.audit_links where tenant_id = %(tenant_id)s) e
    left join lateral (
        select * from kernel.audit_seals where tenant_id = %(tenant_id)s and seal_no >= %(from_seal)s
        order by seal_no limit %(limit)s
    ) s on true order by s.seal_no
"""
UNSEALED = """
    select a.id, a.occurred_at from kernel.audit a
    where a.tenant_id = %(tenant_id)s and not exists (select from kernel.audit_links l where l.audit_id = a.id)
    order by a.occurred_at, a.id limit 1000
"""


@dataclass(frozen=True)
class Link:
    """A place in the chain with the record that stands there; `row` is None when the record is gone."""

    position: int
    audit_id: str
    seal_no: int
    hash: str
    row: AuditRow | None


@dataclass(frozen=True)
class Seal:
    seal_no: int
    first_position: int
    last_position: int
    head: str
    previous: str
    signature: str
    sealed_at: datetime


async def entries(
    tx: Tx, page: Page, target: str | None, actor: str | None, action: str | None
) -> list[AuditEntryView]:
    after_at, after_id = page.after or (None, None)
    values = {"target": target, "actor": actor, "action": action, "limit": page.limit + 1}
    return await tx.all(ENTRIES, values | {"after_at": after_at, "after_id": after_id}, into=AuditEntryView)


async def evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    return await tx.all(EVIDENCE, query.params(), into=EvidenceRow)


async def links(tx: Tx, tenant_id: str, after: int, bound: int, limit: int) -> list[Link]:
    rows = await tx.all(LINKS, {"tenant_id": tenant_id, "after": after, "bound": bound, "limit": limit})
    return [_link(row) for row in rows]


def _link(row: tuple[Any, ...]) -> Link:
    audit_id, position, seal_no, link_hash, *record = row
    return Link(position, audit_id, seal_no, link_hash, AuditRow(*record) if record[0] is not None else None)


async def chain(tx: Tx, tenant_id: str, from_seal: int, limit: int) -> tuple[int, list[Seal]]:
    """The chain's last position, and its seals from that number on."""
    rows = await tx.all(CHAIN, {"tenant_id": tenant_id, "from_seal": from_seal, "limit": limit})
    return rows[0][0], [Seal(*row[1:]) for row in rows if row[1] is not None]


async def unsealed(tx: Tx, tenant_id: str) -> list[tuple[str, datetime]]:
    """Records that wait for their seal: (id, occurred_at), at most a thousand, oldest first."""
    return [(row[0], row[1]) for row in await tx.all(UNSEALED, {"tenant_id": tenant_id})]
