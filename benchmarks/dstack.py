"""The peer dstack: its server in an environment of its own, and its lists and submits beside ours, interleaved A B A B.

Its defaults stand: SQLite (WAL, synchronous=NORMAL: no fsync at a commit, while our PostgreSQL has one), background
work on, as is ours. It has no fleet, and our two slots are taken first: what either accepts while being measured ends
without a place. dstack 0.22.5 sends no telemetry of its own (Sentry and OpenTelemetry are off until they are configured).
"""

import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpu import spent
from report import spread

from tests.house import House, free_ports

HERE = Path(__file__).parent
VENV = HERE.parent / ".build" / "bench-dstack"
REQUIREMENT = "dstack[server]==0.22.5"
RUNS = 50
CLIENTS = 8
SUBMIT_ROUNDS = 3
INSTALL_SECONDS, START_SECONDS, SETTLE_SECONDS = 180, 60, 30
LIST = """
wrk.method = "POST"
wrk.body = '{"limit": %d}'
wrk.headers["Content-Type"] = "application/json"
"""
UNSETTLED = """
select count(*) from provisioning.allocations where state not in ('active', 'released', 'refused', 'failed')
"""
RATIOS = ("list_rps1_vs_dstack", "submits_vs_dstack")
Wrk = Callable[..., Any]


def compare(
    house: House, headers: dict[str, str], wrk: Wrk, rounds: int, seconds: float
) -> tuple[list[dict[str, Any]], dict[str, float | None]]:
    """Rows and ratios; where dstack cannot be installed the ratios are null and the row says why."""
    try:
        install()
    except (subprocess.SubprocessError, OSError) as error:
        print(f"{REQUIREMENT} could not be installed: {error}", file=sys.stderr)
        return [{"case": "dstack: not installed, not measured"}], dict.fromkeys(RATIOS)
    with tempfile.TemporaryDirectory(prefix="bench-dstack-", dir="/tmp") as folder:
        peer = Peer(Path(folder))
        try:
            peer.start()
            lists, list_ratio = compare_lists(house, peer, headers, wrk, rounds, seconds)
            submits, submit_ratio = compare_submits(house, peer, headers, seconds * 2)
        finally:
            peer.stop()
    return [*lists, *submits], dict(zip(RATIOS, (list_ratio, submit_ratio), strict=True))


def install() -> None:
    """Raises SubprocessError or OSError. An environment that an earlier run left half done is completed."""
    if (VENV / "bin" / "dstack").exists():
        return
    uv = shutil.which("uv") or HERE.parent / ".tools" / "bin" / "uv"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", VENV], check=True)
    command = [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(VENV / "bin" / "python")]
    subprocess.run([*command, REQUIREMENT], check=True, env=environment, timeout=INSTALL_SECONDS)


@dataclass
class Peer:
    """dstack's server on loopback. Home, data and log are in `folder`; nobody but its administrator uses it."""

    folder: Path
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen[bytes] | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def pids(self) -> list[int]:
        return [self.process.pid] if self.process else []

    def start(self) -> None:
        words = [str(VENV / "bin" / "dstack"), "server", "--host=127.0.0.1", f"--port={self.port}", "--no"]
        environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "DSTACK_SERVER_DIR": str(self.folder / "server"),
        }  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*words, "--log-level=ERROR", f"--token={self.token}"],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        ends = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < ends, f"dstack's server does not start:\n{self._last_words()}"
            time.sleep(0.5)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def ask(self, path: str, body: Any) -> Any:
        headers = self.headers | {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def submission(self, public_key: str) -> dict[str, Any]:
        """What one client sends. No image: for another one dstack would ask a registry, during the request."""
        spec = {"configuration": {"type": "task", "commands": ["true"]}, "ssh_key_pub": public_key}
        plan = {"plan": {"run_spec": spec}, "force": True}
        return {"port": self.port, "path": "/api/project/main/runs/apply", "headers": self.headers, "body": plan}

    def settle(self) -> None:
        settle("dstack", lambda: len(self.ask("/api/runs/list", {"only_active": True, "include_jobs": False})))

    def _answers(self) -> bool:
        assert self.process and self.process.poll() is None, self._last_words()
        with suppress(OSError):
            return bool(self.ask("/api/projects/list", {}))
        return False

    def _last_words(self) -> str:
        return (self.folder / "log").read_text()[-2000:]


def compare_lists(
    house: House, peer: Peer, headers: dict[str, str], wrk: Wrk, rounds: int, seconds: float
) -> tuple[list[dict[str, Any]], float]:
    """50 ended allocations beside 50 ended runs, one connection."""
    body = peer.submission(house.ssh_key().read_text().strip())
    for _ in range(RUNS):
        peer.ask(body["path"], body["body"])
    peer.settle()
    script = peer.folder / "list.lua"
    script.write_text(LIST % RUNS)
    our_url, their_url = f"{house.url}/api/v3/allocations?limit={RUNS}", f"http://127.0.0.1:{peer.port}/api/runs/list"
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(spent(house.pids().values(), lambda: wrk(our_url, 1, seconds, headers)))
        theirs.append(spent(peer.pids, lambda: wrk(their_url, 1, seconds, peer.headers, "-s", str(script))))
    rows = [list_row("list c1 beside dstack", ours, seconds), list_row("dstack list c1", theirs, seconds)]
    return rows, round(statistics.median(a.rps / b.rps for (a, _), (b, _) in zip(ours, theirs, strict=True)), 1)


def list_row(case: str, rounds: list[tuple[Any, float]], seconds: float) -> dict[str, Any]:
    loads = [load for load, _ in rounds]
    return {
        "case": case,
        "rps min/median/max": spread([x.rps for x in loads]),
        "p50 ms": spread([x.p50_ms for x in loads]),
        "p99 ms": spread([x.p99_ms for x in loads]),
        "CPU ms each": spread([cpu * 1000 / (x.rps * seconds) for x, cpu in rounds]),
    }


def compare_submits(
    house: House, peer: Peer, headers: dict[str, str], seconds: float
) -> tuple[list[dict[str, Any]], float]:
    """Eight clients each; between the rounds both sides end what they have accepted, so that neither works in the other's."""
    make_room(house)
    key = house.ssh_key().read_text().strip()
    body = {"sku": "local.cpu.1", "ssh_public_key": key}
    our_job = {"port": house.ports[0], "path": "/api/v3/allocations", "headers": headers, "body": body, "accepted": 202}
    their_job = peer.submission(key) | {"accepted": 200}
    ours, theirs = [], []
    submit(our_job, 1)  # takes the slots
    for _ in range(SUBMIT_ROUNDS):
        settle("ours", lambda: unsettled(house))
        ours.append(spent(house.pids().values(), lambda: submit(our_job, seconds)))
        settle("ours", lambda: unsettled(house))
        theirs.append(spent(peer.pids, lambda: submit(their_job, seconds)))
        peer.settle()
    rows = [submit_row("submits c8", ours), submit_row("dstack submits c8", theirs)]
    return rows, round(statistics.median(rate(a) / rate(b) for (a, _), (b, _) in zip(ours, theirs, strict=True)), 1)


def make_room(house: House) -> None:
    """Neither quota nor credit refuses what is measured."""
    with house.owner_db() as database:
        for table in ("iam.quota_limits", "iam.tenant_quota_limits"):
            database.execute(f"update {table} set limit_amount = 1000000 where limit_amount < 1000000")
    with house.api("demo@example.com") as client:
        tenant = client.get("/auth/session").json()["tenant"]["id"]
    grant = {"tenant_id": tenant, "amount": "1000000", "currency": "EUR", "reason": "benchmark"}
    with house.api("admin@example.com") as operator:
        operator.post("/admin/credits", json=grant, headers={"Idempotency-Key": "bench-credit"}).raise_for_status()


def settle(who: str, under_way: Callable[[], int]) -> None:
    """Waits until nothing is under way; what is slower than half a minute is said, and disturbs both sides alike."""
    ends = time.monotonic() + SETTLE_SECONDS
    while left := under_way():
        if time.monotonic() > ends:
            print(f"{who}: {left} still under way after {SETTLE_SECONDS} s", file=sys.stderr)
            return
        time.sleep(0.5)


def unsettled(house: House) -> int:
    with house.owner_db() as database:
        return int(database.execute(UNSETTLED).fetchone()[0])  # type: ignore[index]


def submit(job: dict[str, Any], seconds: float) -> dict[str, Any]:
    words = [sys.executable, str(HERE / "submit_client.py")]
    given = json.dumps(job | {"clients": CLIENTS, "seconds": seconds})
    done = subprocess.run(words, input=given, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    if not answer["accepted"]:
        raise SystemExit(f"{job['path']} accepted nothing: {answer['refused']}")
    return answer


def rate(seen: dict[str, Any]) -> float:
    """Accepted per second."""
    return float(seen["accepted"] / seen["seconds"])


def submit_row(case: str, rounds: list[tuple[dict[str, Any], float]]) -> dict[str, Any]:
    loads = [load for load, _ in rounds]
    return {
        "case": case,
        "rps min/median/max": spread([rate(seen) for seen in loads]),
        "p50 ms": spread([statistics.median(seen["latencies_ms"]) for seen in loads]),
        "p99 ms": spread([sorted(seen["latencies_ms"])[int(len(seen["latencies_ms"]) * 0.99)] for seen in loads]),
        "CPU ms each": spread([cpu * 1000 / seen["accepted"] for seen, cpu in rounds]),
        "accepted": sum(seen["accepted"] for seen in loads),
        "not accepted": sum(sum(seen["refused"].values()) for seen in loads),
    }
