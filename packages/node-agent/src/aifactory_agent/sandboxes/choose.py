"""Which driver this node uses: the one asked for, or the strictest that proves to work here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.sandboxes.bubblewrap import Bubblewrap
from aifactory_agent.sandboxes.plain import PlainProcess
from aifactory_agent.sandboxes.podman import Podman
from aifactory_agent.sandboxes.ports import SandboxDriver
from aifactory_outpost import durable

ORDER = ("podman", "bubblewrap", "process")


class NoDriver(Exception):
    """The driver asked for does not work on this machine."""


def driver(name: str, folder: Path) -> SandboxDriver:
    """The driver of this name, or with `auto` the strictest that works; raises NoDriver with its reason.

    `folder` is the agent's own, for what a driver must store.
    """
    if name != "auto":
        chosen = named(name, folder)
        reason = chosen.why_not()
        if reason is not None:
            raise NoDriver(f"sandbox driver {name}: {reason}")
        return chosen
    return _strictest(folder)


def _strictest(folder: Path) -> SandboxDriver:
    """Trying podman out takes a while, so the choice holds for as long as the machine runs with the same tools."""
    kept, tools = folder / "driver.json", _tools()
    known = durable.read(kept)
    if known is not None:
        before = json.loads(known)
        if before["tools"] == tools:
            return named(before["driver"], folder)
    candidates = (named(candidate, folder) for candidate in ORDER)
    chosen = next(candidate for candidate in candidates if candidate.why_not() is None)
    durable.write(kept, json.dumps({"driver": chosen.name, "tools": tools}).encode())
    return chosen


def _tools() -> list[str]:
    """What the choice depends on: this boot, and the installed versions of the tools."""
    places = [shutil.which(tool) for tool in ("podman", "runc", "bwrap")]
    return [processes.boot_id(), *(f"{place} {Path(place).stat().st_mtime_ns}" for place in places if place)]


def named(name: str, folder: Path) -> SandboxDriver:
    """The driver of this name, not tried out: also the one a sandbox was once started with, to end it."""
    if name == "podman":
        return Podman(folder / "podman")
    return Bubblewrap() if name == "bubblewrap" else PlainProcess()
