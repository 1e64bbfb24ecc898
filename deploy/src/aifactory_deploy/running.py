"""What the other terminal sees of a running instance: `aif down` and `aif status`."""

import contextlib
import os
import signal
import time
from pathlib import Path

from aifactory_deploy import instance
from aifactory_deploy.layout import Layout
from aifactory_deploy.refusal import Exit, Refusal

STOP_SECONDS = 60.0
KILL_SECONDS = 20.0


def stop_instance(data_dir: Path) -> str:
    """Returns a sentence for a person when no process is left; stopping what does not run is no mistake."""
    layout = Layout(data_dir)
    _need_access(layout)
    if not instance.is_locked(layout):
        return f"nothing runs in {data_dir}"
    began = time.monotonic()
    if supervisor := instance.running_pid(layout):
        os.kill(supervisor, signal.SIGTERM)
    if not _wait_until_free(layout, STOP_SECONDS):
        _kill(layout, supervisor)
    return f"stopped in {time.monotonic() - began:.1f} s"


def _kill(layout: Layout, supervisor: int | None) -> None:
    """First the supervisor alone: its end ends the others and lets the reaper stop the sandboxes. Then whoever is left."""
    for pids in ([supervisor] if supervisor else [], instance.holders(layout)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if _wait_until_free(layout, KILL_SECONDS):
            return
    left = ", ".join(map(str, instance.holders(layout)))
    raise Refusal(
        Exit.START_FAILED, f"Processes {left} do not end.", "Look at them with `ps`; they may wait for a disk."
    )


def describe_instance(data_dir: Path) -> str:
    layout = Layout(data_dir)
    _need_access(layout)
    facts = instance.read(layout)
    supervisor = instance.running_pid(layout)
    if not supervisor or not instance.is_locked(layout):
        raise Refusal(Exit.NOT_RUNNING, f"nothing runs in {data_dir}", "Start it with `aif up`.")
    state = "ready" if facts.get("ready") else "starting"
    rows = [("PROCESS", "PID", "UP", "MEMORY", "RESTARTS")]
    processes = [{"name": "supervisor", "pid": supervisor, "started_at": facts["started_at"], "restarts": 0}]
    for process in processes + facts.get("processes", []):
        rows.append(_row(process))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    where = f"portal {facts['portal_url']}  gateway {facts['gateway_url']}  data {data_dir}"
    return "\n".join([f"{state}  {where}", "", *table])


def _row(process: dict) -> tuple[str, str, str, str, str]:
    pid = process["pid"]
    if pid is None or instance.pid_started(pid) is None:
        return process["name"], "-", "down", "-", str(process["restarts"])
    up = time.time() - process["started_at"]
    span = f"{up:.0f} s" if up < 120 else f"{up / 60:.0f} min" if up < 7200 else f"{up / 3600:.0f} h"
    return process["name"], str(pid), span, f"{_resident_mb(pid):.0f} MB", str(process["restarts"])


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _wait_until_free(layout: Layout, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while instance.is_locked(layout):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _need_access(layout: Layout) -> None:
    if layout.lock.exists() and not os.access(layout.lock, os.R_OK | os.W_OK):
        raise Refusal(
            Exit.PATH_UNUSABLE,
            f"{layout.root} belongs to another user.",
            "Run the command as the user who started it (often root).",
        )
