"""One app from its start to its end: output kept with a bound, exit code written down, everything it started ended too."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from aifactory_agent.door.apps import family
from aifactory_agent.door.apps.output import Output
from aifactory_agent.door.apps.place import Place

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.2
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def supervise(place: Place, command: list[str], environment: dict[str, str]) -> None:
    """Never returns: the daemon's life. The status file says `running` or `exited` before anybody is told of a start."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    output = Output(place.folder)
    reader, writer = os.pipe()
    me = {"pid": os.getpid(), "started": family.started(os.getpid())}
    try:
        child = _start(command, environment, place.home, writer)
    except OSError as error:
        output.write(f"{command[0]}: {error.strerror}\n".encode())
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        place.save({"state": "exited", "exit_code": code, "signal": None, "stopped": False, **me})
        os._exit(0)
    finally:
        os.close(writer)
    place.save({"state": "running", **me})
    status = _until_it_ends(child.pid, reader, output, stop)
    if status is None:
        status = family.end(os.getpid(), GRACE_SECONDS).get(child.pid, signal.SIGKILL)
    family.end(os.getpid(), GRACE_SECONDS if not stop else 0)
    _copy(reader, output)
    _write_down(place, status, stopped=bool(stop), me=me)
    os._exit(0)


def _start(command: list[str], environment: dict[str, str], home: Path, writer: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
        cwd=home,
        env=environment,
        start_new_session=True,
        restore_signals=True,
    )


def _until_it_ends(pid: int, reader: int, output: Output, stop: list[int]) -> int | None:
    """The wait status of the app's first process; None when it was asked to end before."""
    while not stop:
        ready, _, _ = select.select([reader], [], [], LOOK_SECONDS)
        if ready and not _copy_once(reader, output):
            time.sleep(LOOK_SECONDS)  # it closed its output and goes on
        ended = family.reap()
        if pid in ended:
            return ended[pid]
    return None


def _copy(reader: int, output: Output) -> None:
    """What is still in the pipe; those who may hold its other end are gone."""
    os.set_blocking(reader, False)
    while _copy_once(reader, output):
        continue


def _copy_once(reader: int, output: Output) -> bool:
    try:
        data = os.read(reader, 65_536)
    except BlockingIOError:
        return False
    if data:
        output.write(data)
    return bool(data)


def _write_down(place: Place, status: int, *, stopped: bool, me: dict[str, int]) -> None:
    by = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
    code = 128 + os.WTERMSIG(status) if by else os.waitstatus_to_exitcode(status)
    place.save({"state": "exited", "exit_code": code, "signal": by, "stopped": stopped, **me})
