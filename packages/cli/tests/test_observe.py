"""What an allocation uses, as people and programs read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aifactory_cli.charts import quantity, sparkline

ID = "alloc_" + "a" * 26
NODE = "node_" + "b" * 26


def told(*values: float) -> dict[str, Any]:
    points = [{"at": f"2026-11-25T10:00:{n:02d}Z", "value": value} for n, value in enumerate(values)]
    return {"subject_id": ID, "series": [{"name": "cpu.usage", "device": "", "unit": "{cpu}", "points": points}]}


def test_telemetry_is_a_line_for_each_metric_with_its_course(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", f"/allocations/{ID}", answers.Answer({"id": ID}))
    host.on("GET", "/telemetry", answers.Answer(told(0.0, 0.5, 1.0)))
    ran = aif("telemetry", ID, "--last", "30m")
    assert ran.code == 0, ran.err
    assert "cpu.usage" in ran.out and "1.00 CPU" in ran.out and "0.50 CPU" in ran.out and "▁▅█" in ran.out
    asked = host.asked[-1].query
    assert asked["allocation_id"] == [ID]
    since = datetime.fromisoformat(asked["since"][0])
    assert timedelta(minutes=29) < datetime.now(UTC) - since < timedelta(minutes=31)
    assert json.loads(aif("telemetry", ID, "-o", "json").out) == told(0.0, 0.5, 1.0)


def test_an_allocation_without_figures_says_when_they_come(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", f"/allocations/{ID}", answers.Answer({"id": ID}))
    host.on("GET", "/telemetry", answers.Answer({"series": []}))
    ran = aif("telemetry", ID)
    assert (ran.code, ran.out, "about 20 s" in ran.err) == (0, "", True)


def test_operators_look_at_a_node(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", f"/admin/nodes/{NODE}", answers.Answer({"id": NODE}))
    host.on("GET", "/telemetry", answers.Answer(told(3)))
    assert "3.00 CPU" in aif("admin", "telemetry", NODE).out
    assert host.asked[-1].query["node_id"] == [NODE]


def test_a_time_that_is_none_is_refused_before_anything_is_asked(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", f"/allocations/{ID}", answers.Answer({"id": ID}))
    ran = aif("telemetry", ID, "--last", "yesterday")
    assert (ran.code, "last" in ran.err) == (2, True)


def test_evidence_is_asked_by_id_kind_and_time_and_told_newest_first(aif: Any, host: Any, answers: Any) -> None:
    told = {
        "id": "audit:aud_1", "kind": "audit", "domain": "iam", "at": "2026-11-25T10:00:00Z", "subject_id": ID,
        "actor": "usr_1", "what": "allocation.create", "why": "", "tenant_id": "tnt_1",
    }  # fmt: skip
    host.on("GET", "/evidence", answers.Answer({"items": [told], "next_cursor": None}))
    ran = aif("evidence", ID, "--kind", "audit", "--kind", "task", "--since", "2h")
    assert (ran.code, "allocation.create" in ran.out, "usr_1" in ran.out) == (0, True, True), ran.err
    asked = host.asked[-1].query
    assert (asked["id"], asked["kinds"]) == ([ID], ["audit", "task"])
    assert datetime.fromisoformat(asked["since"][0]) < datetime.now(UTC)
    assert aif("evidence", ID, "--kind", "gossip").code == 2


def test_quantities_have_the_units_that_people_read() -> None:
    assert quantity(3 * 1024**3, "By") == "3.0 GiB"
    assert quantity(1536, "By/s") == "1.5 KiB/s"
    assert (quantity(12, "By"), quantity(0.37, "1"), quantity(61, "Cel"), quantity(400, "W")) == (
        "12 B",
        "37 %",
        "61 °C",
        "400 W",
    )


def test_a_long_course_is_forty_blocks_and_an_idle_one_stays_low() -> None:
    assert len(sparkline([float(n) for n in range(300)])) == 40
    assert sparkline([0.0, 0.0]) == "▁▁"
