"""Flows: long-running work as a page you can read. States, a transition table as data, one small method per step.

A flow is a level-triggered reconciler over one row per (kind, subject). Requests only write intent (`start`, `intend`);
the runner (flow_runner.py) leases the row under a growing fence and is the single writer of its state. A step runs in
one transaction that first locks the row and checks the fence, so a worker that lost its lease can change nothing.

    class ReleaseVolume(Flow):
        kind = "storage_network.volume"
        states = State
        initial = State.DELETING
        steps = {State.DELETING: Step("erase", to=(State.DELETED,), deadline_seconds=60, undo="none: erasing is final")}
        terminal = frozenset({State.DELETED})

        async def erase(self, tx: Tx, run: FlowRun) -> Go | Wait: ...
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import not_found

CRASH_MOMENTS = ("before_commit", "after_commit", "after_effect")


@dataclass(frozen=True)
class Step:
    """What happens in one state.

    run: the method's name. to: the states it may go to. deadline_seconds: how long the state may last before an
    incident opens. undo: how its work is undone, or why there is nothing to undo. effect: a method run outside any
    transaction before `run`, whose result `run` receives as `seen`.
    """

    run: str
    to: tuple[StrEnum, ...]
    deadline_seconds: float | None
    undo: str
    effect: str | None = None


@dataclass(frozen=True)
class Go:
    """Move on to `state`. `at`: the instant to record, when the step has used one itself; else that of the record."""

    state: StrEnum
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Wait:
    """Stay; look again in `seconds` at the latest, or when woken. `why` is what an operator reads when it is stuck."""

    seconds: float
    why: str


@dataclass
class FlowRun:
    """The flow's row as the step sees it. `data` may be changed and is saved with the step."""

    id: str
    kind: str
    subject_id: str
    tenant_id: str | None
    state: str
    desired: str
    generation: int
    fence: int
    attempts: int
    why: str
    data: dict[str, Any]
    entered_at: datetime
    deadline_at: datetime | None
    deadline_reported: bool = False


@dataclass(frozen=True)
class EffectContext:
    """What an effect may use: short transactions of its own, and the ports its domain registered."""

    database: Database
    ports: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transition:
    seq: int
    from_state: str | None
    to_state: str
    who: str
    why: str
    at: datetime
    seconds: float
    deadline_seconds: float | None


class Flow:
    """Base of all flows; see the module's docstring. Instances hold no state of a run."""

    kind: str
    states: type[StrEnum]
    initial: StrEnum
    steps: Mapping[Any, Step]
    terminal: frozenset[Any]
    resting: frozenset[Any] = frozenset()  # states that may last for ever: they wait for an intent

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        """Looked at before each step in its transaction: lets a changed `desired` turn the flow. It only decides: no writes. Default: never."""
        return None

    async def overdue(self, tx: Tx, run: FlowRun) -> Go | None:
        """Called instead of the step once the state's deadline has passed. Default: keep trying; the incident is open."""
        return None


class StaleFence(Exception):
    """Another worker has taken this flow over; this one must not write."""


_START = """
insert into kernel.flows (id, kind, subject_id, tenant_id, state, wake_at, entered_at, deadline_at, data, created_at)
select %(id)s, %(kind)s, %(subject)s, %(tenant)s, %(state)s, t, t, t + make_interval(secs => %(deadline)s), %(data)s, t from (select kernel.now() as t) clock
"""
_START_TRANSITION = """
insert into kernel.flow_transitions (flow_id, seq, kind, subject_id, tenant_id, from_state, to_state, who, why, generation, fence, at, seconds, deadline_seconds)
values (%s, 1, %s, %s, %s, null, %s, %s, %s, 1, 0, kernel.now(), 0, %s)
"""


async def start(
    tx: Tx,
    flow: type[Flow],
    subject_id: str,
    tenant_id: str | None,
    data: dict[str, Any] | None = None,
    why: str = "requested",
) -> str:
    """Records the intent to run `flow` for this subject, in the caller's transaction. Returns the flow's id."""
    flow_id = tx.ids.new("flow")
    deadline = flow.steps[flow.initial].deadline_seconds
    await tx.run(
        _START,
        {
            "id": flow_id,
            "kind": flow.kind,
            "subject": subject_id,
            "tenant": tenant_id,
            "state": str(flow.initial),
            "deadline": deadline,
            "data": Jsonb(data or {}),
        },
    )
    await tx.run(
        _START_TRANSITION,
        (flow_id, flow.kind, subject_id, tenant_id, str(flow.initial), tx.principal.id, why, deadline),
    )
    await tx.wake("flows")
    return flow_id


async def intend(tx: Tx, kind: str, subject_id: str, desired: str, why: str) -> int:
    """Writes what is wanted now and wakes the flow. Returns the new generation; same wish again changes nothing.

    Raises 404 when the caller cannot see such a flow.
    """
    row = await tx.one(
        "update kernel.flows set desired = %(desired)s, generation = generation + (desired <> %(desired)s)::int, "
        "why = case when desired <> %(desired)s then %(why)s else why end, wake_at = kernel.now() "
        "where kind = %(kind)s and subject_id = %(subject)s returning generation",
        {"desired": desired, "why": why, "kind": kind, "subject": subject_id},
    )
    if row is None:
        raise not_found(kind.split(".")[-1], subject_id)
    await tx.wake("flows")
    return row[0]


async def wake(tx: Tx, kind: str, subject_id: str) -> None:
    """Something this flow waits for has happened: look at it now."""
    await tx.run(
        "update kernel.flows set wake_at = kernel.now() where kind = %s and subject_id = %s and not ended",
        (kind, subject_id),
    )
    await tx.wake("flows")


async def transitions(tx: Tx, kind: str, subject_id: str) -> list[Transition]:
    return await tx.all(
        "select seq, from_state, to_state, who, why, at, seconds, deadline_seconds from kernel.flow_transitions "
        "where subject_id = %s and kind = %s order by seq limit 1000",
        (subject_id, kind),
        into=Transition,
    )


def crash_points(flow_classes: Iterable[type[Flow]]) -> list[str]:
    """Every named moment at which a worker may die; each must be hit by a test."""
    points = []
    for flow in flow_classes:
        for state, step in flow.steps.items():
            moments = CRASH_MOMENTS if step.effect else CRASH_MOMENTS[:2]
            points += [f"{flow.kind}:{state}:{moment}" for moment in moments]
    return points


def check_table(flow: type[Flow]) -> list[str]:
    """What is wrong with a flow's transition table: unknown targets, missing methods, states without a way out."""
    wrong = []
    for state in flow.states:
        if (state in flow.steps) == (state in flow.terminal):
            wrong.append(f"{flow.kind}: {state} must be either a step or terminal")
    for state, step in flow.steps.items():
        wrong += [
            f"{flow.kind}: {name} is not a method"
            for name in filter(None, (step.run, step.effect))
            if not hasattr(flow, name)
        ]
        if not step.undo:
            wrong.append(f"{flow.kind}: {state} does not say how it is undone")
        if step.deadline_seconds is None and state not in flow.resting:
            wrong.append(f"{flow.kind}: {state} has no deadline")
    return wrong
