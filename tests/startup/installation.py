"""An installation of its own for a test: real processes, in a directory and on ports that nobody else uses."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

UP_SECONDS = 120


class Installation:
    def __init__(self, data_dir: Path | None = None) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="aif-test-", dir="/tmp"))  # private, as mktemp makes it
        self.data_dir = data_dir or self.top / "data"
        self.port, self.gateway_port, self.agent_port, self.app_port = free_ports(4)

    def up(self, *flags: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`up --detach`: its one line on stdout, or its words on stderr, and its exit code."""
        ports = (
            f"--port={self.port}",
            f"--gateway-port={self.gateway_port}",
            f"--agent-port={self.agent_port}",
            f"--app-port={self.app_port}",
            "--slots=2",
        )
        return self.command("up", "--detach", *ports, *flags, env=env)

    def command(self, verb: str, *flags: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "aifactory_deploy", verb, f"--data-dir={self.data_dir}", *flags]
        environment = {"AIF_MODEL_SERVER": "none", **os.environ, **(env or {})}
        return subprocess.run(argv, capture_output=True, text=True, timeout=UP_SECONDS, env=environment, cwd="/")

    def destroy(self) -> None:
        self.command("down")
        shutil.rmtree(self.top, ignore_errors=True)

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "instance.json").read_text())

    def pid(self, name: str) -> int:
        return next(process["pid"] for process in self.facts["processes"] if process["name"] == name)

    def log(self, name: str) -> str:
        return (self.data_dir / "logs" / f"{name}.log").read_text()

    def answers(self, path: str = "/readyz") -> int:
        """The status; 0 when nobody answers."""
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=3).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def processes(self) -> list[str]:
        """Everything alive that was started for this data directory, by any trace it leaves."""
        return [line for pid in Path("/proc").glob("[0-9]*") if (line := _ours(pid, str(self.data_dir)))]


def _ours(process: Path, data_dir: str) -> str:
    try:
        if int(process.name) == os.getpid() or (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return ""
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        traces = words + (process / "environ").read_bytes().decode(errors="replace") + str((process / "cwd").readlink())
    except OSError:
        return ""
    return f"{process.name} {words}" if data_dir in traces else ""


# Each parallel worker of the test run has a range of its own; houses of other tests begin at 20,000.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_candidates = itertools.count(10_000 + 1_600 * (_worker % 6) + os.getpid() % 1_000)


def free_ports(count: int) -> list[int]:
    """Never the same twice, and below the range from which the kernel gives ports to outgoing connections."""
    found: list[int] = []
    while len(found) < count:
        candidate = next(_candidates)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            found.append(candidate)
    return found


def eventually(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true answer of `holds`; its last false one when time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
