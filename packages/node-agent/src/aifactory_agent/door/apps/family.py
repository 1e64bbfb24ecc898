"""A process and everything that came from it: found by parentage, which nobody in it can leave, for we are the subreaper."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def started(pid: int) -> int:
    """Start time in ticks since boot; 0 when the process is gone or a zombie."""
    fields = _stat(pid)
    return 0 if fields is None or fields[0] in "ZX" else int(fields[19])


def descendants(pid: int) -> list[int]:
    """Everybody below `pid`, not itself."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and fields[0] not in "ZX":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, open_ = [], [pid]
    while open_:
        children = parents.get(open_.pop(), [])
        found += children
        open_ += children
    return found


def cpu_milliseconds(pid: int) -> int:
    """Of the whole family below `pid`, those who ended and were waited for included."""
    ticks = 0
    for member in [pid, *descendants(pid)]:
        fields = _stat(member)
        if fields is not None:
            own, waited_for = fields[11:13], fields[13:15]
            ticks += sum(int(number) for number in (own + waited_for if member != pid else waited_for))
    return ticks * 1000 // TICKS


def end(pid: int, grace_seconds: float) -> dict[int, int]:
    """Ask everybody below `pid`, wait, then kill until nobody is left. Returns our children's wait statuses."""
    ended: dict[int, int] = {}
    _signal_all(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while descendants(pid) and time.monotonic() < deadline:
        ended |= reap()
        time.sleep(0.02)
    while descendants(pid):
        _signal_all(pid, signal.SIGKILL)
        ended |= reap()
        time.sleep(0.01)
    return ended | reap()


def reap() -> dict[int, int]:
    """Children of ours that have ended: pid to wait status."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def _signal_all(pid: int, number: int) -> None:
    for member in descendants(pid):
        try:
            os.kill(member, number)
        except ProcessLookupError:
            continue
