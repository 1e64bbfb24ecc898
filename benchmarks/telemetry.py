"""`make bench-telemetry`: what the telemetry of 64 nodes costs, with and without it, interleaved A B A B, and how old it is.

The nodes are simulated and speak the real protocol at the real interval. Without: the fault `no-telemetry` on each of
them, all else goes on. CPU is that of each process and all below it, in % of one core. Then each new point of some nodes
is looked for through the API: seconds from its measurement until it was seen, half a second of looking included.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cpu import cpu_seconds  # noqa: E402
from report import spread, write  # noqa: E402

from tests.house import House, until  # noqa: E402

BUDGET = {"worker_percent_of_a_core": "< 10", "visible_after_s_max": "< 15"}
PROCESSES = ("api", "worker", "postgres", "nats", "sim")
NODES = 64
LAUNCHED = ("demo.h100.1", "demo.cpu.16") * 2
SETTLE_SECONDS = 16  # one batch interval: what was measured before the switch has been sent
POINTS = "select coalesce(sum(accepted), 0) from observability.telemetry_streams"
SIZE = """
select coalesce(sum(pg_total_relation_size(inhrelid)), 0)
from pg_inherits where inhparent in ('observability.node_looks'::regclass, 'observability.sandbox_looks'::regclass)
"""
LOOK_SECONDS = 0.5
LOOKED_AT = 8  # nodes


class Fleet:
    """The simulated nodes, by the control socket of their simulator."""

    def __init__(self, house: House) -> None:
        facts = json.loads(next(house.data_dir.rglob("control.json")).read_text())
        self._http = httpx.Client(
            base_url=facts["url"], headers={"Authorization": f"Bearer {facts['token']}"}, trust_env=False
        )
        self.names = [node["name"] for node in self._http.get("/nodes").raise_for_status().json()["items"]]

    def tell(self, on: bool) -> None:
        for name in self.names:
            path = f"/nodes/{name}/faults/no-telemetry"
            answer = self._http.delete(path) if on else self._http.put(path, json={})
            answer.raise_for_status()


def launch(house: House) -> int:
    """As many of these as the demo tenant's credit and quota take."""
    launched = 0
    house.login("demo@example.com")
    for number, sku in enumerate(LAUNCHED):
        words = ("--sku", sku, "--region", "demo", "--name", f"bench-{number}", "--ssh-key", str(house.ssh_key()))
        launched += house.cli("allocations", "create", *words, "--wait").code == 0
    return launched


def quiet(house: House) -> bool:
    """Every slot was cleaned."""
    items = httpx.get(house.url + "/api/v3/offers", timeout=5, trust_env=False).json()["items"]
    return all(item["available"] == item["capacity"] for item in items)


def measured(house: House, seconds: float) -> dict[str, float]:
    """% of a core by process, and points a second."""
    pids = house.pids()
    with house.owner_db() as database:
        before, points = {name: cpu_seconds([pids[name]]) for name in PROCESSES}, number(database, POINTS)
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        found = {name: (cpu_seconds([pids[name]]) - before[name]) / took * 100 for name in PROCESSES}
        return found | {"points": (number(database, POINTS) - points) / took}


def number(database: Any, statement: str) -> float:
    return float(database.execute(statement).fetchone()[0])


def seen_after(house: House, seconds: float) -> list[float]:
    """How old each new point was when it could first be read through the API."""
    ages: list[float] = []
    with house.api("admin@example.com") as api:
        nodes = [node["id"] for node in api.get("/admin/nodes", params={"limit": LOOKED_AT}).json()["items"]]
        known: set[tuple[str, str]] = set()
        first, ends = True, time.monotonic() + seconds
        while time.monotonic() < ends:
            for node, at, now in points_of(api, nodes):
                if (node, at) not in known and not first:
                    ages.append(now - datetime.fromisoformat(at).timestamp())
                known.add((node, at))
            first = False
            time.sleep(LOOK_SECONDS)
    return ages


def points_of(api: httpx.Client, nodes: list[str]) -> Iterator[tuple[str, str, float]]:
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    for node in nodes:
        query = {"node_id": node, "names": "cpu.usage", "step": 1, "since": since}
        answer, now = api.get("/telemetry", params=query).raise_for_status(), time.time()
        for line in answer.json()["series"]:
            for point in line["points"]:
                yield node, point["at"], now


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=60)
    chosen = options.parse_args()
    house = House(slots=1, flags=("--demo",), environment={"AIF_DEMO_NODES": str(NODES)})
    house.data_dir.chmod(0o755)
    try:
        house.up()
        until(lambda: quiet(house), 300, "not every slot is clean", 1)
        compare(house, chosen.rounds, chosen.seconds)
    finally:
        with suppress(AssertionError):
            house.stop()


def compare(house: House, rounds: int, seconds: float) -> None:
    fleet, launched = Fleet(house), launch(house)
    cases: dict[str, Callable[[], None]] = {"without": lambda: fleet.tell(False), "with": lambda: fleet.tell(True)}
    seen: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, switch in cases.items():
            switch()
            time.sleep(SETTLE_SECONDS)
            seen[case].append(measured(house, seconds))
            shown = ", ".join(f"{name} {value:.1f}" for name, value in seen[case][-1].items())
            print(f"{case:8} {shown}", file=sys.stderr, flush=True)
    ages = seen_after(house, seconds)
    with house.owner_db() as database:
        database.execute("vacuum analyze observability.node_looks")
        bytes_each = number(database, SIZE) / max(1.0, number(database, POINTS))
    rows = [{"what": f"{len(fleet.names)} nodes, {launched} sandboxes", **heads()}]
    rows += [row(name, seen) for name in PROCESSES]
    rows.append({"what": "seconds until visible", "without": "", "with": spread(ages)})
    middle = {name: statistics.median(each[name] for each in seen["with"]) for name in (*PROCESSES, "points")}
    more = {name: difference(name, seen) for name in PROCESSES}
    write(
        "telemetry",
        rounds,
        rows,
        {
            "worker_percent_of_a_core": round(middle["worker"], 2),
            "worker_percent_more": round(more["worker"], 2),
            "api_percent_more": round(more["api"], 2),
            "postgres_percent_more": round(more["postgres"], 2),
            "points_per_second": round(middle["points"]),
            "bytes_per_point": round(bytes_each),
            "visible_after_s_median": round(statistics.median(ages), 2),
            "visible_after_s_max": round(max(ages), 2),
        },
        BUDGET,
    )


def heads() -> dict[str, str]:
    return {"without": "min / median / max", "with": "min / median / max"}


def row(name: str, seen: dict[str, list[dict[str, float]]]) -> dict[str, str]:
    return {"what": f"{name}, % of a core"} | {case: spread([e[name] for e in each]) for case, each in seen.items()}


def difference(name: str, seen: dict[str, list[dict[str, float]]]) -> float:
    """Median over the pairs, each of which followed one another."""
    pairs = zip(seen["with"], seen["without"], strict=True)
    return statistics.median(a[name] - b[name] for a, b in pairs)


if __name__ == "__main__":
    main()
