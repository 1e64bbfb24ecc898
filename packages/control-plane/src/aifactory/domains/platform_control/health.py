"""Judges the platform's health from one row of facts. Pure: the same facts, the same verdict."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from aifactory.domains.platform_control.store.registers import ComponentRow, HealthRow
from aifactory.domains.platform_control.views import ComponentView, HealthView

Verdict = Literal["ok", "degraded", "down"]

SILENT_AFTER_SECONDS = 20.0  # four missed beats
EVENTS_LATE_SECONDS = 30.0
RUNBOOKS = "packages/control-plane/src/aifactory/domains/platform_control/runbooks/"
_ORDER: dict[Verdict, int] = {"ok": 0, "degraded": 1, "down": 2}


def judge(facts: HealthRow, processes: Iterable[ComponentRow], nats_connected: bool, now: datetime) -> HealthView:
    """Every component with its state; the whole is as bad as its worst part."""
    parts = [
        ComponentView("postgres", "postgres", "ok", _postgres(facts), None),
        _nats(nats_connected),
        *_processes(list(processes)),
        _events(facts),
        _flows(facts),
        _schedules(facts),
    ]
    worst = max((part.state for part in parts), key=_ORDER.__getitem__)
    return HealthView(worst, now, parts)


def _postgres(facts: HealthRow) -> str:
    return f"version {facts.postgres_version}, {facts.postgres_connections} connections"


def _nats(connected: bool) -> ComponentView:
    if connected:
        return ComponentView("nats", "nats", "ok", "connected", None)
    why = "not connected: events still arrive through the scan of the outbox, only seconds later"
    return ComponentView("nats", "nats", "degraded", why, RUNBOOKS + "events-do-not-arrive.md")


def _processes(processes: list[ComponentRow]) -> list[ComponentView]:
    """Each process that beat within the hour, and each kind that must have at least one alive."""
    views = [_process(row) for row in processes if row.kind in ("api", "worker")]
    alive = {view.kind for view in views if view.state == "ok"}
    for kind in ("api", "worker"):
        if kind not in alive:
            why = f"no {kind} process has been heard of for {SILENT_AFTER_SECONDS:.0f} s"
            views.append(ComponentView(kind, kind, "down", why, RUNBOOKS + "process-silent.md"))
    return views


def _process(row: ComponentRow) -> ComponentView:
    kind: Literal["api", "worker"] = "api" if row.kind == "api" else "worker"
    if row.silent_seconds <= SILENT_AFTER_SECONDS:
        late = "" if row.loop_late_ms is None else f"; its event loop was at most {row.loop_late_ms:.0f} ms late"
        return ComponentView(row.name, kind, "ok", f"heard of {row.silent_seconds:.0f} s ago{late}", None)
    why = f"silent for {row.silent_seconds:.0f} s"
    return ComponentView(row.name, kind, "degraded", why, RUNBOOKS + "process-silent.md")


def _events(facts: HealthRow) -> ComponentView:
    waiting = f"{facts.events_waiting} waiting, the oldest for {facts.oldest_event_seconds:.0f} s"
    if facts.dead_letters_open:
        why = f"{facts.dead_letters_open} dead letters are open; {waiting}"
        return ComponentView("events", "events", "degraded", why, RUNBOOKS + "dead-letter-open.md")
    if facts.oldest_event_seconds > EVENTS_LATE_SECONDS:
        return ComponentView("events", "events", "degraded", waiting, RUNBOOKS + "events-do-not-arrive.md")
    return ComponentView("events", "events", "ok", waiting, None)


def _flows(facts: HealthRow) -> ComponentView:
    if facts.flows_overdue:
        why = f"{facts.flows_overdue} flows are past their deadline; each has an incident that says why"
        return ComponentView("flows", "flows", "degraded", why, RUNBOOKS + "flow-stuck.md")
    return ComponentView("flows", "flows", "ok", "none is past its deadline", None)


def _schedules(facts: HealthRow) -> ComponentView:
    if facts.schedules_failing or facts.schedules_late:
        why = f"{facts.schedules_failing} failed when last run, {facts.schedules_late} are late"
        return ComponentView("schedules", "schedules", "degraded", why, RUNBOOKS + "process-silent.md")
    return ComponentView("schedules", "schedules", "ok", "all ran when due", None)
