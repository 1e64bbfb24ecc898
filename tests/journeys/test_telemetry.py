"""What the charts show is what the host counted: a real sandbox on a real house, burning CPU and holding memory."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from house import House, until

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("telemetry")]
MEGABYTE = 1024**2
BURNT_CPU_SECONDS = 5
HELD_BYTES = 160 * MEGABYTE
WORK = f"""python3 -c '
import time
held = bytearray({HELD_BYTES})
while time.process_time() < {BURNT_CPU_SECONDS}: pass
'"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    started = House(slots=1, environment={"AIF_TELEMETRY_SECONDS": "2"})
    try:
        started.up()
        for person in ("demo", "other", "admin"):
            started.login(f"{person}@example.com")
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def allocation(house: House) -> dict[str, Any]:
    words = ("--sku", "local.cpu.1", "--name", "busy", "--ssh-key", str(house.ssh_key()), "--wait", "-o", "json")
    return house.cli("allocations", "create", *words, check=True).json


def groups_of(house: House, allocation_id: str) -> list[Path]:
    """The control groups that the agent wrote down for this sandbox."""
    record = house.data_dir / "agent" / "sandboxes" / f"{allocation_id}.json"
    return [Path(folder) for folder in json.loads(record.read_text())["cgroups"]]


def cpu_seconds(groups: list[Path]) -> float:
    for folder in groups:
        if (folder / "cpuacct.usage").exists():
            return int((folder / "cpuacct.usage").read_text()) / 1e9
        if (folder / "cpu.stat").exists() and "usage_usec" in (folder / "cpu.stat").read_text():
            return int((folder / "cpu.stat").read_text().split()[1]) / 1e6
    pytest.skip("no control group counts CPU time on this machine")


def series(house: House, name: str, since: datetime, **subject: str) -> list[dict[str, Any]]:
    with house.api("admin@example.com" if "node_id" in subject else "demo@example.com") as api:
        answer = api.get("/telemetry", params={"names": name, "since": since.isoformat(), "step": 1, **subject})
        answer.raise_for_status()
        lines = answer.json()["series"]
    return lines[0]["points"] if lines else []


def instant(point: dict[str, Any]) -> float:
    return datetime.fromisoformat(point["at"]).timestamp()


def test_one_burning_cpu_is_charted_as_the_host_counted_it(house: House, allocation: dict[str, Any]) -> None:
    groups, subject = groups_of(house, allocation["id"]), {"allocation_id": allocation["id"]}
    since = datetime.fromisoformat(allocation["created_at"])
    until(lambda: series(house, "cpu.usage", since, **subject), 60, "no figures of the idle sandbox")
    began = datetime.now(UTC)
    before, clock = cpu_seconds(groups), time.monotonic()
    house.cli("ssh", "busy", "--", WORK, check=True)
    used, took = cpu_seconds(groups) - before, time.monotonic() - clock
    ended = datetime.now(UTC)
    until(
        lambda: any(instant(p) > ended.timestamp() + 1 for p in series(house, "cpu.usage", began, **subject)),
        60,
        "late",
    )
    # From the point before the work, which the first interval of work begins with, to the first one after it.
    points = series(house, "cpu.usage", began - timedelta(seconds=10), **subject)
    before_it = [p for p in points if instant(p) <= began.timestamp()][-1:]
    charted = before_it + [p for p in points if began.timestamp() < instant(p) <= ended.timestamp()]
    charted += [p for p in points if instant(p) > ended.timestamp()][:1]
    area = sum(
        point["value"] * (instant(point) - instant(earlier)) for earlier, point in itertools.pairwise(charted)
    )  # each point is the mean since the one before
    assert BURNT_CPU_SECONDS <= used < BURNT_CPU_SECONDS + 2
    assert area == pytest.approx(used, abs=1.0), f"charted {area} CPU seconds in {took} s, the host counted {used}"
    assert max(point["value"] for point in charted) < 1.2
    memory = [point["value"] for point in series(house, "memory.usage", began, **subject)]
    assert HELD_BYTES <= max(memory) < HELD_BYTES + 128 * MEGABYTE
    assert memory[-1] < max(memory) - HELD_BYTES / 2, "it was given back"


def test_the_node_is_charted_for_operators_only(house: House, allocation: dict[str, Any]) -> None:
    since = datetime.fromisoformat(allocation["created_at"])
    until(lambda: series(house, "memory.usage", since, node_id=allocation["node_id"]), 30, "no figures of the node")
    total = next(int(line.split()[1]) * 1024 for line in Path("/proc/meminfo").read_text().splitlines())
    shown = series(house, "memory.limit", since, node_id=allocation["node_id"])[-1]["value"]
    assert shown == pytest.approx(total, rel=0.01)
    with house.api("demo@example.com") as api:
        assert api.get("/telemetry", params={"node_id": allocation["node_id"]}).status_code == 403
    assert "memory.usage" in house.cli("admin", "telemetry", allocation["node_id"], profile="admin", check=True).out


def test_another_tenant_finds_no_such_allocation(house: House, allocation: dict[str, Any]) -> None:
    with house.api("other@example.com") as api:
        assert api.get("/telemetry", params={"allocation_id": allocation["id"]}).status_code == 404
    ran = house.cli("telemetry", allocation["id"], profile="other")
    assert (ran.code, "not_found" in ran.err or "No such" in ran.err) == (5, True), str(ran)


def test_people_read_it_as_a_line_for_each_metric(house: House, allocation: dict[str, Any]) -> None:
    ran = until(
        lambda: "cpu.usage" in (said := house.cli("telemetry", "busy", check=True)).out and said, 90, "no figures came"
    )
    assert "memory.usage" in ran.out and "CPU" in ran.out
