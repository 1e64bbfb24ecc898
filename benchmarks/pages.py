"""`make bench-pages`: what the page cache is worth: one API with it and one without, on one database, interleaved A B A B.

32 keys ask for the same page one after the other, over two connections (an API at ease) and over 32 (one at its limit), so
that nobody shares a read with somebody else; each copy is its reader's own and lives three seconds. CPU is that of the API process, of PostgreSQL and of Valkey, for each answer.
"""

import argparse
import statistics
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import httpx  # noqa: E402
from api import arrange, many_credentials, wrk  # noqa: E402
from cpu import cpu_seconds  # noqa: E402
from report import spread, write  # noqa: E402

from tests.house import House, free_ports, until  # noqa: E402

PAGES = ("home", "launch", "catalog")
CONNECTIONS = (2, 32)
SPENT = ("api", "postgres", "valkey")


@dataclass
class Side:
    """One API: where it answers, and its process."""

    url: str
    pid: int


@dataclass
class Seen:
    rps: float
    p50_ms: float
    micros: dict[str, float]  # CPU for each answer, by process
    hit_rate: float | None

    @property
    def together(self) -> float:
        return sum(self.micros.values())


def without_cache(house: House) -> Side:
    port, agent_port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    words = {"AIF_HTTP_PORT": str(port), "AIF_AGENT_PORT": str(agent_port), "AIF_PUBLIC_URL": url, "AIF_REDIS_URL": ""}
    process = house.one_more("api", **words)
    until(lambda: answers(url), 60, "the API without a cache does not start")
    return Side(url, process.pid)


def answers(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def cache_counts(house: House, side: Side) -> tuple[int, int] | None:
    """(hits, looks) of that API so far; None where it has no cache."""
    with house.api("admin@example.com", side.url) as api:
        cache = api.get("/slos").json()["read_cache"]
    return cache and (cache["hits"], sum(cache[key] for key in ("hits", "misses", "skipped", "failures")))


def load(house: House, side: Side, case: tuple[Any, ...]) -> Seen:
    pids = house.pids() | {"api": side.pid}
    looked = cache_counts(house, side)
    before = {name: cpu_seconds([pids[name]]) for name in SPENT}
    seen = wrk(*case)
    micros = {name: (cpu_seconds([pids[name]]) - before[name]) / seen.requests * 1e6 for name in SPENT}
    now = cache_counts(house, side)
    rate = (now[0] - looked[0]) / max(1, now[1] - looked[1]) if now and looked else None
    return Seen(seen.rps, seen.p50_ms, micros, rate)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4)
    chosen = options.parse_args()
    # one caller asks as fast as it can
    house = House(slots=2, environment={"AIF_REDIS_URL": "embedded", "AIF_RATE_PER_SECOND": "0"})
    house.data_dir.chmod(0o755)
    try:
        house.up()
        house.login("admin@example.com")
        arrange(house)
        keys = many_credentials(house)
        sides = {"cache": Side(house.url, house.pids()["api"]), "none": without_cache(house)}
        cases = product(PAGES, CONNECTIONS, sides)
        seen: dict[tuple[str, int, str], list[Seen]] = {case: [] for case in cases}
        for _ in range(chosen.rounds):
            for (page, connections, name), each in seen.items():
                url = f"{sides[name].url}/api/v3/pages/{page}"
                each.append(load(house, sides[name], (url, connections, chosen.seconds, {}, "-s", keys)))
        tell(seen, chosen.rounds)
    finally:
        house.stop()


def tell(seen: dict[tuple[str, int, str], list[Seen]], rounds: int) -> None:
    rows = [
        {
            "page": f"{page} c{connections}",
            "side": side,
            "rps min/median/max": spread([one.rps for one in each]),
            "p50 ms": spread([one.p50_ms for one in each]),
            **{f"{name} CPU us each": spread([one.micros[name] for one in each]) for name in SPENT},
            "hit rate": spread([one.hit_rate for one in each if one.hit_rate is not None]) if side == "cache" else "",
        }
        for (page, connections, side), each in seen.items()
    ]
    figures = {}
    for page, connections in product(PAGES, CONNECTIONS):
        pairs = list(zip(seen[page, connections, "cache"], seen[page, connections, "none"], strict=True))
        name = f"{page}_c{connections}_with_vs_without"
        figures[f"{name}_rps"] = round(statistics.median(a.rps / b.rps for a, b in pairs), 2)
        figures[f"{name}_cpu"] = round(statistics.median(a.together / b.together for a, b in pairs), 2)
    write("pages", rounds, rows, figures, {})


if __name__ == "__main__":
    main()
