"""Who runs in a data directory: one lock, held by the supervisor and by everything that it starts.

The processes inherit the lock's descriptor, so it becomes free exactly when the last of them is gone, however they ended.
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.refusal import Exit, Refusal

LEFTOVERS_WAIT_SECONDS = 40.0


def take(layout: Layout) -> int:
    """The held lock's descriptor. Refuses when an instance runs; waits when the last one is still ending."""
    lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LEFTOVERS_WAIT_SECONDS
    while not _try(lock):
        if supervisor := running_pid(layout):
            url = read(layout).get("portal_url", "")
            os.close(lock)
            raise Refusal(Exit.ALREADY_RUNNING, f"already running  portal {url}  (pid {supervisor}, {layout.root})")
        if time.monotonic() > deadline:
            pids = ", ".join(map(str, holders(layout)))
            raise Refusal(
                Exit.ALREADY_RUNNING,
                f"An earlier run in {layout.root} has not ended: processes {pids or 'unknown'} are left.",
                "Run `aif down`, which ends them.",
            )
        time.sleep(0.02)
    return lock


def is_locked(layout: Layout) -> bool:
    if not layout.lock.exists():
        return False
    lock = os.open(layout.lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        return not _try(lock)
    finally:
        os.close(lock)


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write(layout: Layout, facts: dict[str, Any]) -> None:
    write_whole(layout.instance, json.dumps({"pid": os.getpid(), "pid_started": pid_started(os.getpid()), **facts}))


def read(layout: Layout) -> dict[str, Any]:
    try:
        return json.loads(layout.instance.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def running_pid(layout: Layout) -> int | None:
    """The supervisor's pid, if that very process lives (a number alone may belong to somebody else by now)."""
    facts = read(layout)
    pid = facts.get("pid")
    return pid if pid and pid_started(pid) == facts.get("pid_started") else None


def pid_started(pid: int) -> int | None:
    """Clock ticks between boot and the process's start; None when it does not run."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else int(fields[18])


def holders(layout: Layout) -> list[int]:
    """Every process that has the lock's file open, except us."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and any(
                fd.readlink() == layout.lock for fd in (process / "fd").iterdir()
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found
