"""`make bench-gateway`: our token gateway beside nginx and LiteLLM, over the same fast model server, interleaved A B A B.

Keys, limits, holds and metering are on in ours and absent in the others. Load comes from wrk over loopback, paced streams
from `gateway_streams.py`. CPU is that of the carrying processes for each answer, from /proc. What could not be installed
is not measured, and its ratio is null.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import gateway_peers as peers  # noqa: E402
from cpu import spent  # noqa: E402
from report import spread, write  # noqa: E402

from tests.house import free_ports  # noqa: E402

BUDGET = {
    "rps32_vs_litellm": ">= 150",
    "rps32_vs_nginx": ">= 0.4",
    "cpu_vs_nginx": "<= 2.5",
    "added_p50_ms_c1": "<= 0.2",
    "streams_vs_nginx": ">= 0.8",
    "ttft_added_ms_c128": "<= 0.5",
    "rss_mb": "<= 80",
}
PACE_MS = 50
IDLE_PACE_MS = 60_000
IDLE = 10_000
FILES = 65_536
POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-benchmark"
wrk.body = '{"model":"m","messages":[{"role":"user","content":"Say something short about the sea, please."}],%s}'
"""
WHOLE, STREAM = POST % '"max_tokens":16', POST % '"max_tokens":100,"stream":true'
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass
class Seen:
    """Of one carrier in one case, a value for each round."""

    rps: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def wrk(url: str, connections: int, seconds: float, script: Path) -> tuple[int, float, float, float]:
    """Answers, answers a second, and the latency's p50 and p99 in ms. Any answer that is no 2xx ends the benchmark."""
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "--latency",
        "--timeout",
        "30s",
        "-s",
        str(script),
        url,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(f"{url} refuses:\n{text}")
    count = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    p50, p99 = (
        float(found[1]) * UNITS[found[2]]
        for found in (re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", text) for share in (50, 99))
    )
    return count, rate, p50, p99


def measure(carrier: peers.Carrier, connections: int, seconds: float, script: Path, seen: Seen) -> None:
    (count, rate, p50, p99), cpu = spent(carrier.pids(), lambda: wrk(carrier.url, connections, seconds, script))
    seen.rps.append(rate)
    seen.p50_ms.append(p50)
    seen.p99_ms.append(p99)
    seen.cpu_us.append(cpu / max(1, count) * 1e6)


def loads(carriers: list[peers.Carrier], rounds: int, seconds: float, folder: Path) -> dict[tuple[str, str], Seen]:
    """Every case, every carrier, in turn; then again."""
    whole, stream = folder / "whole.lua", folder / "stream.lua"
    whole.write_text(WHOLE)
    stream.write_text(STREAM)
    cases = [("whole c1", 1, whole), ("whole c32", 32, whole), ("whole c128", 128, whole), ("streams c32", 32, stream)]
    seen: dict[tuple[str, str], Seen] = {}
    for _ in range(rounds):
        for case, connections, script in cases:
            for carrier in carriers:
                measure(carrier, connections, seconds, script, seen.setdefault((case, carrier.name), Seen()))
    return seen


def first_pieces(carriers: list[peers.Carrier], rounds: int, seconds: float) -> dict[str, list[dict[str, float]]]:
    """128 paced streams: ms until the first piece, by carrier and round."""
    seen: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for carrier in carriers:
            words = [
                sys.executable,
                str(HERE / "gateway_streams.py"),
                "--port",
                str(carrier.port),
                "--seconds",
                str(seconds),
            ]
            text = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
            seen.setdefault(carrier.name, []).append(json.loads(text))
    return seen


def hold_idle(carrier: peers.Carrier, count: int) -> dict[str, Any]:
    """So many streams that say one word a minute."""
    words = [sys.executable, str(HERE / "gateway_streams.py"), "--port", str(carrier.port), "--hold"]
    with subprocess.Popen([*words, "--connections", str(count)], stdin=-1, stdout=-1, text=True) as child:
        line = child.stdout.readline()
        memory = carrier.rss_mb()
        child.communicate("\n")
    begun = json.loads(line)["begun"] if line else 0
    return {"case": f"{count} idle streams", "by": carrier.name, "held": begun, "MB": round(memory, 1)}


def ratio(above: list[float] | None, below: list[float] | None) -> float | None:
    return round(statistics.median(above) / statistics.median(below), 3) if above and below else None


def added(ours: list[float] | None, direct: list[float] | None) -> float | None:
    return round(statistics.median(ours) - statistics.median(direct), 3) if ours and direct else None


def start_all(folder: Path, upstream_port: int, ports: list[int]) -> list[peers.Carrier]:
    carriers = [peers.ours(ports[0], upstream_port)]
    for start, port in ((peers.nginx, ports[1]), (peers.litellm, ports[2])):
        try:
            carriers.append(start(port, upstream_port, folder))
        except (OSError, subprocess.SubprocessError) as error:
            print(f"not measured: {error}", file=sys.stderr)
    return carriers


def row(case: str, by: str, seen: Seen) -> dict[str, Any]:
    return {
        "case": case, "by": by, "per second": spread(seen.rps), "p50 ms": spread(seen.p50_ms),
        "p99 ms": spread(seen.p99_ms), "CPU us each": spread(seen.cpu_us),
    }  # fmt: skip


def raise_limit_of_files() -> None:
    """For this process and those that it starts; a gateway needs two for each stream."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    except (ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    raise_limit_of_files()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=4)
    chosen = arguments.parse_args()
    upstream_port, paced_port, idle_port, *ports = free_ports(8)
    started: list[peers.Carrier] = []
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-gateway-", dir="/tmp") as name:
        try:
            direct = peers.upstream(upstream_port)
            started = [direct, *start_all(Path(name), upstream_port, ports[:3])]
            seen = loads(started, chosen.rounds, chosen.seconds, Path(name))
            rss = round(started[1].rss_mb(), 1)
            rows += [row(case, by, one) for (case, by), one in seen.items()]
            paced = [peers.upstream(paced_port, PACE_MS), peers.ours(ports[3], paced_port)]
            started += paced
            firsts = first_pieces(paced, chosen.rounds, chosen.seconds)
            rows += [
                {"case": "first piece c128", "by": by, "p50 ms": spread([one["p50_ms"] for one in found]),
                 "p99 ms": spread([one["p99_ms"] for one in found])} for by, found in firsts.items()
            ]  # fmt: skip
            started += [peers.upstream(idle_port, IDLE_PACE_MS)]
            idle = peers.ours(ports[4], idle_port)
            started.append(idle)
            rows.append(hold_idle(idle, IDLE))
        finally:
            for carrier in reversed(started):
                carrier.stop()
    of, empty = seen, Seen()
    ours32, nginx32 = of[("whole c32", "gateway")], of.get(("whole c32", "nginx"), empty)
    ratios = {
        "rps32_vs_litellm": ratio(ours32.rps, of.get(("whole c32", "litellm"), empty).rps),
        "rps32_vs_nginx": ratio(ours32.rps, nginx32.rps),
        "cpu_vs_nginx": ratio(ours32.cpu_us, nginx32.cpu_us),
        "added_p50_ms_c1": added(of[("whole c1", "gateway")].p50_ms, of[("whole c1", "direct")].p50_ms),
        "streams_vs_nginx": ratio(of[("streams c32", "gateway")].rps, of.get(("streams c32", "nginx"), empty).rps),
        "ttft_added_ms_c128": added(
            [one["p50_ms"] for one in firsts["gateway"]], [one["p50_ms"] for one in firsts["direct"]]
        ),
        "rss_mb": rss,
    }
    write("gateway", chosen.rounds, rows, ratios, BUDGET)


if __name__ == "__main__":
    main()
