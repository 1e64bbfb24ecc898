"""What the door lets a key do with an app: start, stop, look. One call, one JSON line; `look` adds the output after it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from aifactory_agent.door.apps import family
from aifactory_agent.door.apps.output import Output
from aifactory_agent.door.apps.place import Place

MOST_SPECIFICATION_BYTES = 131_072
START_SECONDS = 10.0
STOP_SECONDS = 12.0
TAIL_BYTES = 49_152
MOST_OUTPUT_BYTES = 1024 * 1024


def main() -> None:
    """`tool.py VERB INSTANCE [OFFSET]`, called by the door alone."""
    verb, instance, *rest = sys.argv[1:]
    place = Place(Path(os.environ["HOME"]), instance)
    answer, output = _VERBS[verb](place, *rest)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + output)


def start(place: Place) -> tuple[dict[str, Any], bytes]:
    """Reads `{command, environment, programs}` from stdin. Answers once the app runs, or has ended."""
    wanted = json.loads(sys.stdin.buffer.read(MOST_SPECIFICATION_BYTES))
    missing = [program for program in wanted["programs"] if not os.access(program, os.X_OK)]
    if missing:
        return {"state": "refused", "code": "app_not_installed", "missing": missing}, b""
    try:
        place.make()
    except FileExistsError:
        return _status(place), b""
    known = {_mark("socket"): str(place.socket), _mark("home"): str(place.home), _mark("python"): sys.executable}
    command = [_fill(part, known) for part in wanted["command"]]
    environment = dict(os.environ) | {name: _fill(value, known) for name, value in wanted["environment"].items()}
    if wanted["command"][0] != _mark("python"):  # only what runs on the door's own interpreter finds the door's modules
        environment.pop("PYTHONPATH", None)
    _become_two(place, command, environment)
    deadline = time.monotonic() + START_SECONDS
    while place.status()["state"] == "absent" and time.monotonic() < deadline:
        time.sleep(0.02)
    return _status(place), b""


def stop(place: Place) -> tuple[dict[str, Any], bytes]:
    """Ends it; what has ended already, or never was, is done. Answers with the end of its output too."""
    status = place.status()
    if status["state"] == "running" and _lives(status):
        os.kill(status["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _lives(status) and time.monotonic() < deadline:
            time.sleep(0.02)
        if _lives(status):
            for pid in [*family.descendants(status["pid"]), status["pid"]]:
                os.kill(pid, signal.SIGKILL)
    output = Output(place.folder)
    answer = _status(place)
    end = output.end()
    begins, tail = output.since(end - TAIL_BYTES)
    if place.folder.exists() and place.socket.parent != place.folder:
        shutil.rmtree(place.socket.parent, ignore_errors=True)
    return answer | {"output_start": begins, "output_end": end}, tail


def look(place: Place, offset: str) -> tuple[dict[str, Any], bytes]:
    """How it is, and what it printed since."""
    begins, data = Output(place.folder).since(int(offset))
    data = data[:MOST_OUTPUT_BYTES]
    return _status(place) | {"output_start": begins, "output_end": begins + len(data)}, data


def _status(place: Place) -> dict[str, Any]:
    status = place.status()
    if status["state"] != "running":
        return status
    if not _lives(status):
        return {"state": "exited", "exit_code": None, "signal": "SIGKILL", "stopped": False}
    return status | {"listens": _listens(place.socket), "cpu_milliseconds": family.cpu_milliseconds(status["pid"])}


def _lives(status: dict[str, Any]) -> bool:
    return family.started(status["pid"]) == status["started"]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(1)
        try:
            visitor.connect(str(path))
        except OSError:
            return False
    return True


def _mark(name: str) -> str:
    """How a name that only we know travels: between two characters that no tenant's value holds."""
    return f"\ue000{name}\ue001"


def _fill(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def _become_two(place: Place, command: list[str], environment: dict[str, str]) -> None:
    """The supervisor goes on without us: a session of its own, nothing of ours open."""
    if os.fork() != 0:
        return
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, 256)
    from aifactory_agent.door.apps import supervisor

    try:
        supervisor.supervise(place, command, environment)
    finally:
        os._exit(1)


_VERBS: dict[str, Any] = {"start": start, "stop": stop, "look": look}

if __name__ == "__main__":
    main()
