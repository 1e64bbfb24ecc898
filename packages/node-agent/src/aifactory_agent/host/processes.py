"""Finding and ending processes without ever mistaking a reused process id for the one we meant."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROC = Path("/proc")
TOOL_MARK = "AIF_AGENT_TOOL=1"


class CommandFailed(Exception):
    """A tool of the machine ended with an error."""


def run(command: list[str], timeout_seconds: float = 60, said: str = "") -> str:
    """Run a tool of the machine to its end, with `said` on its input, and return what it printed; raises CommandFailed."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "AIF_AGENT_TOOL": "1"}
    try:
        done = subprocess.run(
            command,
            input=said.encode(),
            capture_output=True,
            timeout=timeout_seconds,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).decode(errors="replace").strip()[-500:]
        raise CommandFailed(f"{command[0]} ended with {done.returncode}: {complaint}")
    return done.stdout.decode(errors="replace")


def boot_id() -> str:
    """Changes with every start of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def alive(pid: int, started: int) -> bool:
    """Whether this very process still runs."""
    return pid > 0 and start_ticks(pid) == started


def everyone() -> Iterable[int]:
    """All process ids there are now."""
    return (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit())


def of_user(uid: int) -> set[int]:
    """Processes whose real or effective user is this one; zombies do not count."""
    return {pid for pid in everyone() if uid in users(pid) and start_ticks(pid) is not None}


def with_environment(entry: str) -> set[int]:
    """Processes that were started with this exact NAME=value; zombies and we do not count."""
    needle = entry.encode()
    found = {pid for pid in everyone() if pid != os.getpid() and needle in _read(pid, "environ").split(b"\0")}
    return {pid for pid in found if start_ticks(pid) is not None}


def with_argument(argument: str) -> set[int]:
    """Processes that have this exact argument; zombies and we do not count. Readable also where the environment is not."""
    needle = argument.encode()
    found = {pid for pid in everyone() if pid != os.getpid() and needle in _read(pid, "cmdline").split(b"\0")}
    return {pid for pid in found if start_ticks(pid) is not None}


def wait_for_tools(folders: list[str], timeout_seconds: float = 10) -> None:
    """Wait for tools (mount, mkfs) that a killed agent left at work on these folders."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        commands = [_read(pid, "cmdline") for pid in with_environment(TOOL_MARK)]
        if not any(folder.encode() in command for command in commands for folder in folders):
            return
        time.sleep(0.02)


def end_all(find: Callable[[], set[int]], timeout_seconds: float = 10) -> set[int]:
    """Kill whatever `find` finds until it finds nothing, which also defeats forking; returns who is left."""
    deadline = time.monotonic() + timeout_seconds
    pause = 0.005
    while True:
        left = find() - {os.getpid(), 0, 1}
        if not left or time.monotonic() > deadline:
            return left
        for pid in left:
            _kill(pid)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def users(pid: int) -> tuple[int, ...]:
    """Real, effective, saved and file system user of a process; empty when it is gone."""
    for line in _read(pid, "status").splitlines():
        if line.startswith(b"Uid:"):
            return tuple(int(number) for number in line.split()[1:])
    return ()


def _read(pid: int, name: str) -> bytes:
    try:
        with (PROC / str(pid) / name).open("rb") as file:
            return file.read(262_144)
    except OSError:
        return b""
