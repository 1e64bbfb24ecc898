"""`make bench-api`: lists and read models of the running API beside plain FastAPI + asyncpg, interleaved A B A B.

The rows are test data written straight into the database. Load comes from wrk over loopback. dstack's figures are
taken only where it can be installed; a ratio that was not measured is null.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import dstack  # noqa: E402
from report import spread, write  # noqa: E402

from tests.house import House  # noqa: E402

PEER_VENV = HERE.parent / ".build" / "bench-fastapi"
BUDGET = {
    "list_rps32_vs_fastapi_asyncpg": ">= 2",
    "read_model_rps32_vs_fastapi_asyncpg": ">= 3",
    "list_rps1_vs_dstack": ">= 40",
    "list_p99_ms_c1": "<= 8",
    "submits_vs_dstack": ">= 50",
}
ROWS = 50
COPY_ROWS = """
insert into provisioning.allocations (id, tenant_id, project_id, region_id, name, sku, mode, image, state, desired_state, generation, price_amount, price_currency, authorized_keys, release_requested_at, created_at, updated_at)
select 'alloc_' || lpad(n::text, 26, '0'), %(tenant)s, %(project)s, 'local', 'bench-' || n, 'local.cpu.1', 'on-demand', 'default', 'released', 'released', 1, 0.12, 'EUR', '[]', kernel.now(),
  kernel.now() - n * interval '1 minute', kernel.now() from generate_series(1, %(rows)s) n
"""


@dataclass
class Load:
    rps: float
    p50_ms: float
    p99_ms: float
    requests: int
    cpu_us: float = 0  # of the serving process, for each request


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def with_cpu(pid: int, *case: Any) -> Load:
    before = cpu_seconds(pid)
    load = wrk(*case)
    load.cpu_us = (cpu_seconds(pid) - before) / load.requests * 1e6
    return load


def wrk(url: str, connections: int, seconds: float, headers: dict[str, str], *options: str) -> Load:
    command = [
        "wrk",
        "-t",
        "1",
        "-c",
        str(connections),
        "-d",
        f"{seconds:g}s",
        "--latency",
        *[w for k, v in headers.items() for w in ("-H", f"{k}: {v}")],
        *options,
        url,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(text)

    def milliseconds(percent: str) -> float:
        value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    rps = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
    requests = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]
    return Load(rps, milliseconds("50"), milliseconds("99"), requests)


def peer_python() -> Path:
    if not PEER_VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", PEER_VENV], check=True)
        uv = shutil.which("uv") or HERE.parent / ".tools" / "bin" / "uv"
        subprocess.run(
            [
                uv,
                "pip",
                "install",
                "-q",
                "--compile-bytecode",
                "--python",
                PEER_VENV / "bin" / "python",
                "fastapi",
                "asyncpg",
                "uvicorn",
                "uvloop",
                "httptools",
            ],
            check=True,
        )
    return PEER_VENV / "bin" / "python"


def start_base(house: House, tenant: str, port: int) -> subprocess.Popen[bytes]:
    password = (house.data_dir / "passwords" / "postgres").read_text().strip()
    url = f"postgresql://postgres:{password}@/aifactory?host={house.data_dir / 'run'}"
    process = subprocess.Popen([peer_python(), HERE / "fastapi_asyncpg.py", str(port), url, tenant])
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/list", timeout=1)
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the base did not start")


EACH_ITS_OWN = """
local tokens, turn = {%s}, 0
request = function()
  turn = turn %% #tokens + 1
  return wrk.format("GET", nil, {["Authorization"] = "Bearer " .. tokens[turn]})
end
"""


def many_credentials(house: House) -> Path:
    """A wrk script in which each request shows the next of 32 keys: nobody asks what somebody else just asks."""
    with house.api("demo@example.com") as client:
        made = [
            client.post("/keys", json={"name": f"bench-{n}"}, headers={"Idempotency-Key": f"bench-key-{n}"})
            for n in range(32)
        ]
    script = house.data_dir / "each-its-own.lua"
    script.write_text(EACH_ITS_OWN % ", ".join(f'"{answer.json()["secret"]}"' for answer in made))
    return script


def arrange(house: House) -> tuple[str, dict[str, str]]:
    """50 allocations of the demo tenant; returns the tenant and the headers of its reader."""
    with house.api("demo@example.com") as client:
        session = client.get("/auth/session").json()
        headers = {"Authorization": client.headers["Authorization"]}
    tenant, project = session["tenant"]["id"], session["projects"][0]["id"]
    with house.owner_db() as connection:
        connection.execute(COPY_ROWS, {"tenant": tenant, "project": project, "rows": ROWS})
        connection.execute("analyze")
    return tenant, headers


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3)
    chosen = options.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk")
    house = House(slots=2, environment={"AIF_RATE_PER_SECOND": "0"})  # one caller asks as fast as it can
    house.data_dir.chmod(0o755)
    base = None
    try:
        house.up()
        tenant, headers = arrange(house)
        port = house.ports[1]
        base = start_base(house, tenant, port)
        measure(house, base.pid, f"http://127.0.0.1:{port}/list", headers, chosen.rounds, chosen.seconds)
    finally:
        if base:
            base.kill()
            base.wait()
        house.stop()


def measure(house: House, base_pid: int, base_url: str, headers: dict[str, str], rounds: int, seconds: float) -> None:
    listing, model = f"{house.url}/api/v3/allocations?limit=50", f"{house.url}/api/v3/pages/home"
    etag = urllib.request.urlopen(urllib.request.Request(model, headers=headers)).headers["ETag"]
    own, api_pid = many_credentials(house), house.pids()["api"]
    cases: dict[str, tuple[Any, ...]] = {
        "base c32": (base_url, 32, {}),
        "list c32": (listing, 32, headers),
        "list c32, 32 keys": (listing, 32, {}, "-s", own),
        "read model c32": (model, 32, headers),
        "read model c32, 32 keys": (model, 32, {}, "-s", own),
        "read model 304 c32": (model, 32, headers | {"If-None-Match": etag}),
        "base c1": (base_url, 1, {}),
        "list c1": (listing, 1, headers),
    }
    seen: dict[str, list[Load]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (url, connections, *sent) in cases.items():
            pid = base_pid if url == base_url else api_pid
            seen[name].append(with_cpu(pid, url, connections, seconds, *sent))
    rows = [
        {
            "case": name,
            "rps min/median/max": spread([x.rps for x in loads]),
            "p50 ms": spread([x.p50_ms for x in loads]),
            "p99 ms": spread([x.p99_ms for x in loads]),
            "server's CPU us each": spread([x.cpu_us for x in loads]),
        }
        for name, loads in seen.items()
    ]

    def ratio(name: str) -> float:
        return round(statistics.median(a.rps / b.rps for a, b in zip(seen[name], seen["base c32"], strict=True)), 2)

    def cheaper(name: str) -> float:
        """How many of these the serving process does for the CPU of one of the base: what load disturbs least."""
        pairs = zip(seen[name], seen["base c32"], strict=True)
        return round(statistics.median(b.cpu_us / a.cpu_us for a, b in pairs), 2)

    dstack_rows, dstack_ratios = dstack.compare(house, headers, wrk, rounds, seconds)
    write(
        "api",
        rounds,
        [*rows, *dstack_rows],
        {
            "list_rps32_vs_fastapi_asyncpg": ratio("list c32"),
            "read_model_rps32_vs_fastapi_asyncpg": ratio("read model c32"),
            "list_rps32_vs_fastapi_asyncpg_32_keys": ratio("list c32, 32 keys"),
            "read_model_rps32_vs_fastapi_asyncpg_32_keys": ratio("read model c32, 32 keys"),
            "list_cpu_vs_fastapi_asyncpg_32_keys": cheaper("list c32, 32 keys"),
            "read_model_cpu_vs_fastapi_asyncpg_32_keys": cheaper("read model c32, 32 keys"),
            "list_rps1_vs_dstack": dstack_ratios["list_rps1_vs_dstack"],
            "list_p99_ms_c1": round(statistics.median(x.p99_ms for x in seen["list c1"]), 2),
            "submits_vs_dstack": dstack_ratios["submits_vs_dstack"],
        },
        BUDGET,
    )


if __name__ == "__main__":
    main()
