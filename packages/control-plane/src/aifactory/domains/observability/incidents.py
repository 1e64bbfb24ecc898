"""Incidents: opened when something missed its deadline or its heartbeat, resolved when that is over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.domains.observability import runbooks
from aifactory.domains.observability.incident import COMPONENT, OVER, Trouble, of_component, of_missed_deadline
from aifactory.domains.observability.store import incidents as store
from aifactory.domains.observability.store.incidents import IncidentRow, ResolvedRow
from aifactory.domains.platform_control import facade as platform_control
from aifactory.events.kernel import FlowDeadlineMissed
from aifactory.events.observability import IncidentOpened, IncidentResolved
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.pagination import Page, page_of


@dataclass(frozen=True)
class IncidentView:
    """Something that needs a person: what is stuck since when, why, and where to begin.

    `flow_kind` and `flow_state` say what it is about: a flow in a state, or a `platform_control.component`. `runbook` is its path in the repository, `runbook_url` where it is served.
    """

    id: str
    state: Literal["open", "resolved"]
    flow_kind: str
    flow_state: str
    subject_id: str
    tenant_id: str | None
    cause: str
    runbook: str
    runbook_url: str | None
    deadline_seconds: float
    entered_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True)
class IncidentStep:
    """One thing that happened, in a sentence; `kind` is `transition`, `opened` or `resolved`."""

    at: datetime
    kind: str
    what: str
    who: str


@dataclass(frozen=True)
class IncidentDetail(IncidentView):
    """The incident with what happened before and since, oldest first."""

    timeline: list[IncidentStep]


@dataclass(frozen=True)
class IncidentList:
    items: list[IncidentView]
    next_cursor: str | None


@dataclass(frozen=True)
class IncidentSummary:
    """For the operators' pages: how many are open, and the newest of them."""

    open_count: int
    newest: list[IncidentView]


async def open_for_missed_deadline(tx: Tx, missed: FlowDeadlineMissed) -> None:
    """Opens an incident unless this flow already has one for this state; tells `incident_opened`."""
    await _open(tx, of_missed_deadline(missed, tx.tenant_id))


async def resolve_moved_on(tx: Tx) -> int:
    """Resolves the incidents of flows that left the state they were stuck in; tells `incident_resolved` for each."""
    return await _tell_resolved(tx, await store.resolve_moved_on(tx))


async def watch(tx: Tx) -> tuple[int, int]:
    """Looks at the heartbeats of our own parts: opens an incident for each that is missing, resolves those of what is
    heard again. Returns how many of each. Level-triggered, so that a lost event changes nothing."""
    health = await platform_control.health(tx, nats_connected=True)  # a worker cannot tell how the API is connected
    troubles = [trouble for part in health.components if (trouble := of_component(part, health.as_of))]
    opened = sum([await _open(tx, trouble) for trouble in troubles])
    present = [trouble.key for trouble in troubles]
    return opened, await _tell_resolved(tx, await store.resolve_over(tx, COMPONENT, present, OVER))


async def _open(tx: Tx, trouble: Trouble) -> bool:
    incident_id = tx.ids.new("inc")
    opened = await store.open_incident(tx, incident_id, trouble)
    if opened:
        event = IncidentOpened(incident_id, trouble.subject_id, trouble.cause, trouble.runbook)
        await tx.emit(event, incident_id, 1)
    return opened


async def _tell_resolved(tx: Tx, resolved: list[ResolvedRow]) -> int:
    for row in resolved:
        await tx.emit(IncidentResolved(row.id, row.subject_id, row.resolution), row.id, 2)
    return len(resolved)


async def incident(tx: Tx, incident_id: str) -> IncidentDetail:
    """The incident with its timeline, or 404."""
    row = await store.incident(tx, incident_id)
    if row is None:
        raise not_found("incident", incident_id)
    return IncidentDetail(**vars(_view(row)), timeline=await _timeline(tx, row))


async def _timeline(tx: Tx, row: IncidentRow) -> list[IncidentStep]:
    steps = [
        IncidentStep(step.at, "transition", f"{step.from_state or 'new'} → {step.to_state}: {step.why}", step.who)
        for step in await flows.transitions(tx, row.flow_kind, row.subject_id)
    ]
    steps.append(IncidentStep(row.opened_at, "opened", row.cause, "observability"))
    if row.resolved_at:
        steps.append(IncidentStep(row.resolved_at, "resolved", str(row.resolution), "observability"))
    return sorted(steps, key=lambda step: step.at)


async def list_incidents(tx: Tx, state: str | None, page: Page) -> IncidentList:
    """Newest first; `state` is `open`, `resolved` or None for both."""
    rows = [_view(row) for row in await store.incidents(tx, state, page)]
    return IncidentList(**page_of(rows, page, key=lambda row: (row.opened_at, row.id)))


async def summary(tx: Tx, newest: int = 5) -> IncidentSummary:
    rows = await store.incidents(tx, "open", Page(newest))
    return IncidentSummary(await store.count_open(tx), [_view(row) for row in rows[:newest]])


def _view(row: IncidentRow) -> IncidentView:
    return IncidentView(**vars(row), runbook_url=runbooks.url_of_path(row.runbook))
