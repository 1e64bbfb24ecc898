"""`make bench-startup`: how long until a house is ready, and what it weighs.

Cold means an empty data directory, warm a second start on the same one. API ready is the API process alone: from its
start until /readyz answers 200, against a running PostgreSQL and NATS. Memory is the sum of proportional set sizes.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import spread, write

AIF = Path(sys.executable).parent / "aif"
BUDGET = {"warm_ready_s": "<= 5", "api_ready_s": "<= 1.5", "rss_mb_total": "<= 250", "cli_help_ms": "<= 120"}


def house(data: Path, port: int) -> tuple[float, dict[str, int]]:
    """Starts and stops it once: seconds until ready, and pids by service."""
    begun = time.monotonic()
    started = subprocess.run(
        [
            AIF,
            "up",
            "--data-dir",
            data,
            "--port",
            str(port),
            "--gateway-port",
            str(port + 1),
            "--agent-port",
            str(port + 2),
            "--detach",
        ],
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - begun
    if started.returncode:
        raise SystemExit(started.stdout + started.stderr)
    return seconds, processes(port)


def processes(port: int) -> dict[str, int]:
    """pid by service of the processes whose command line is ours."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        module = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "-m"), "")
        ours = f"AIF_HTTP_PORT={port}" in environment and module in ("aifactory.api", "aifactory.workers")
        if ours or (module == "aifactory_gateway" and f"--port={port + 1}" in words):
            found[module] = int(folder.name)
    return found


def memory_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Pss:\s+(\d+) kB", text, re.M)) / 1024


def api_alone(pid: int, port: int) -> float:
    """Kills the API of a running house; its supervisor starts it again. Seconds until it serves, the supervisor's pause included."""
    import os
    import signal
    import urllib.request

    os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).status == 200:
                return time.monotonic() - begun
        except OSError:
            time.sleep(0.01)
    raise SystemExit("the API did not come back")


def help_ms() -> float:
    begun = time.monotonic()
    subprocess.run([AIF, "--help"], capture_output=True, check=True)
    return (time.monotonic() - begun) * 1000


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    cold, warm, api, memory = [], [], [], []
    for number in range(rounds):
        port = 18_100 + 10 * number
        with tempfile.TemporaryDirectory(prefix="aif-bench-") as folder:
            data = Path(folder) / "data"
            Path(folder).chmod(0o755)
            for starts in (cold, warm):
                seconds, pids = house(data, port)
                starts.append(seconds)
                if starts is warm:
                    time.sleep(5)
                    memory.append(sum(memory_mb(pid) for pid in pids.values()))
                    api.append(api_alone(pids["aifactory.api"], port))
                subprocess.run([AIF, "down", "--data-dir", data], capture_output=True, check=True)
    help_ms()
    helps = [help_ms() for _ in range(max(5, rounds))]
    rows = [
        {"figure": name, "min / median / max": spread(values)}
        for name, values in (
            ("cold start s", cold),
            ("warm start s", warm),
            ("API process restarted s", api),
            ("API + worker + gateway MB (PSS)", memory),
            ("aif --help ms", helps),
        )
    ]
    middle = statistics.median
    write(
        "startup",
        rounds,
        rows,
        {
            "warm_ready_s": round(middle(warm), 2),
            "api_ready_s": round(middle(api), 2),
            "rss_mb_total": round(middle(memory)),
            "cli_help_ms": round(middle(helps)),
        },
        BUDGET,
    )


if __name__ == "__main__":
    main()
