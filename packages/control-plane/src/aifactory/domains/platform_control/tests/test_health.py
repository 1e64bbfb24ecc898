"""Health is a judgement over facts; every verdict but `ok` names a runbook that exists."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aifactory.domains.platform_control import facade, health
from aifactory.domains.platform_control.store.registers import ComponentRow, HealthRow
from aifactory.kernel.principal import Principal

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUIET = HealthRow(0, 0.0, 0, 0, 0, 0, "18.6", 5)
ALIVE = [ComponentRow("api-1", "api", NOW, NOW, 1.0), ComponentRow("worker-2", "worker", NOW, NOW, 2.0)]
ROOT = next(parent for parent in Path(__file__).parents if (parent / "packages").is_dir())


def test_a_quiet_platform_is_ok():
    assert health.judge(QUIET, ALIVE, True, NOW).state == "ok"


@pytest.mark.parametrize(
    ("facts", "processes", "nats", "kind", "state"),
    [
        (QUIET, ALIVE, False, "nats", "degraded"),
        (QUIET, ALIVE[:1], True, "worker", "down"),
        (QUIET, [ALIVE[0], replace(ALIVE[1], silent_seconds=21.0)], True, "worker", "down"),
        (replace(QUIET, events_waiting=3, oldest_event_seconds=31.0), ALIVE, True, "events", "degraded"),
        (replace(QUIET, dead_letters_open=1), ALIVE, True, "events", "degraded"),
        (replace(QUIET, flows_overdue=1), ALIVE, True, "flows", "degraded"),
        (replace(QUIET, schedules_failing=1), ALIVE, True, "schedules", "degraded"),
    ],
)
def test_each_trouble_has_a_verdict_and_a_runbook(facts, processes, nats, kind, state):
    view = health.judge(facts, processes, nats, NOW)
    troubled = [part for part in view.components if part.state == state]
    assert view.state == state
    assert {part.kind for part in troubled} == {kind}
    for part in troubled:
        assert part.runbook and (ROOT / part.runbook).is_file(), part


def test_a_process_tells_how_late_its_event_loop_was():
    told = health.judge(QUIET, [replace(ALIVE[0], loop_late_ms=61.2), ALIVE[1]], True, NOW)
    assert [part.message for part in told.components if part.kind in ("api", "worker")] == [
        "heard of 1 s ago; its event loop was at most 61 ms late", "heard of 2 s ago",
    ]  # fmt: skip
    assert told.state == "ok"


async def test_the_facts_come_from_the_real_schema(tx_as):
    async with tx_as(role="operator", principal=Principal("usr_op", "user", "operator")) as tx:
        view = await facade.health(tx, nats_connected=True)
    assert {part.name: part.state for part in view.components} == {
        "postgres": "ok", "nats": "ok", "api": "down", "worker": "down", "events": "ok", "flows": "ok", "schedules": "ok",
    }  # fmt: skip


def test_every_domain_present_says_who_answers_for_it():
    names = [view.name for view in facade.domains().items]
    assert "platform_control" in names
    assert all(view.owner and view.team and view.slos for view in facade.domains().items)
