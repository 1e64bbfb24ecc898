"""Rows of incidents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.domains.observability.incident import Trouble
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

COLUMNS = """
    id, flow_kind, flow_state, subject_id, tenant_id, state, cause, runbook, deadline_seconds, entered_at, opened_at,
    resolved_at, resolution
"""

OPEN_INCIDENT = """
    insert into observability.incidents
        (id, flow_id, flow_kind, flow_state, subject_id, tenant_id, cause, runbook, deadline_seconds, entered_at)
    values (%(id)s, %(key)s, %(kind)s, %(state)s, %(subject_id)s, %(tenant_id)s, %(cause)s, %(runbook)s, %(deadline_seconds)s, %(since)s)
    on conflict (flow_id, flow_state) where state = 'open' do nothing
"""

# A flow that left the state it was stuck in needs nobody any more. Its row tells where it is now.
RESOLVE_MOVED_ON = """
    update observability.incidents i
    set state = 'resolved', resolved_at = kernel.now(), resolution = 'the flow moved on to ' || f.state
    from kernel.flows f
    where i.state = 'open' and f.id = i.flow_id and (f.ended or f.state <> i.flow_state or f.entered_at > i.entered_at)
    returning i.id, i.subject_id, i.tenant_id, i.resolution
"""

# What is watched by looking: an incident is over when the look finds its trouble no more.
RESOLVE_OVER = """
    update observability.incidents
    set state = 'resolved', resolved_at = kernel.now(), resolution = %(resolution)s
    where state = 'open' and flow_kind = %(kind)s and not flow_id = any(%(present)s)
    returning id, subject_id, tenant_id, resolution
"""

INCIDENT_BY_ID = f"select {COLUMNS} from observability.incidents where id = %(id)s"

INCIDENTS = f"""
    select {COLUMNS} from observability.incidents
    where (%(state)s::text is null or state = %(state)s)
      and (%(after_at)s::timestamptz is null or (opened_at, id) < (%(after_at)s, %(after_id)s))
    order by opened_at desc, id desc limit %(limit)s
"""

IDS_ABOUT = "select id from observability.incidents where subject_id = %(subject)s order by id limit 200"

COUNT_OPEN = "select count(*)::int from observability.incidents where state = 'open'"


@dataclass(frozen=True)
class IncidentRow:
    id: str
    flow_kind: str
    flow_state: str
    subject_id: str
    tenant_id: str | None
    state: Literal["open", "resolved"]
    cause: str
    runbook: str
    deadline_seconds: float
    entered_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True)
class ResolvedRow:
    id: str
    subject_id: str
    tenant_id: str | None
    resolution: str


async def open_incident(tx: Tx, incident_id: str, trouble: Trouble) -> bool:
    """False when one is open already for this trouble in this state."""
    return await tx.run(OPEN_INCIDENT, vars(trouble) | {"id": incident_id}) == 1


async def resolve_moved_on(tx: Tx) -> list[ResolvedRow]:
    return await tx.all(RESOLVE_MOVED_ON, {}, into=ResolvedRow)


async def resolve_over(tx: Tx, kind: str, present: list[str], resolution: str) -> list[ResolvedRow]:
    """Of this kind, all whose key is not among those present."""
    return await tx.all(RESOLVE_OVER, {"kind": kind, "present": present, "resolution": resolution}, into=ResolvedRow)


async def incident(tx: Tx, incident_id: str) -> IncidentRow | None:
    return await tx.one(INCIDENT_BY_ID, {"id": incident_id}, into=IncidentRow)


async def incidents(tx: Tx, state: str | None, page: Page) -> list[IncidentRow]:
    after_at, after_id = page.after or (None, None)
    params = {"state": state, "limit": page.limit + 1, "after_at": after_at, "after_id": after_id}
    return await tx.all(INCIDENTS, params, into=IncidentRow)


async def count_open(tx: Tx) -> int:
    return int(await tx.value(COUNT_OPEN, {}))


async def ids_about(tx: Tx, subject_id: str) -> list[str]:
    return [row[0] for row in await tx.all(IDS_ABOUT, {"subject": subject_id})]
