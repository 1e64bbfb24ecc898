"""Limits by control groups, version 1 or 2, made by hand below the agent's own group.

A group is a set of directories, one per hierarchy. What cannot be limited on this machine is not an error here:
`Cgroups.limits` says what works, and the isolation label passes it on.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from aifactory_agent.host import processes

V1_CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "freezer")
V2_CONTROLLERS = ("memory", "cpu", "pids")
CPU_PERIOD_US = 100_000
SEARCH_DEPTH = 8


@dataclass(frozen=True)
class Limits:
    """What a sandbox may use: thousandths of a CPU, bytes of memory without swap, processes and threads."""

    vcpus_millis: int
    memory_bytes: int
    pids: int


@dataclass
class Cgroups:
    """The agent's branch in every hierarchy it may write: controller name → directory."""

    version: int
    branches: dict[str, Path] = field(default_factory=dict)
    works: frozenset[str] = frozenset()

    def make(self, name: str, limits: Limits) -> list[str]:
        """Create the group with its limits; returns its directories, to be remembered before they are used."""
        made = []
        for controller, branch in self.branches.items():
            folder = branch / name
            folder.mkdir(exist_ok=True)
            _set_limits(folder, controller, limits)
            made.append(str(folder))
        return made

    def folders(self, name: str) -> list[str]:
        """Where the group of this name is, or would be."""
        return [str(branch / name) for branch in self.branches.values()]


def open_branch(mark: str, at_top: bool = False) -> Cgroups:
    """Find the hierarchies, make our branch in each, and try out which limits hold.

    Our branch lies in the agent's own group, so that whatever limits the agent limits its sandboxes too; `at_top`
    puts it at the top instead, for tools that want the same path in every hierarchy.
    """
    if os.geteuid() != 0:
        return Cgroups(version=0)
    hierarchies = _v1_hierarchies(at_top)
    version = 1 if "memory" in hierarchies else 2
    if version == 2:
        hierarchies = _v2_hierarchy()
    groups = Cgroups(version)
    seen: set[Path] = set()
    for controller, parent in hierarchies.items():
        branch = parent / f"aifactory-{mark}"
        try:
            branch.mkdir(exist_ok=True)
        except OSError:
            continue
        if branch.resolve() not in seen:
            seen.add(branch.resolve())
            groups.branches[controller] = branch
    if version == 2 and groups.branches:
        _delegate(groups.branches["all"].parent)
        _delegate(groups.branches["all"])
    groups.works = _try_out(groups)
    return groups


def _try_out(groups: Cgroups) -> frozenset[str]:
    name, trial = f"trial-{os.getpid()}", Limits(500, 64 * 1024**2, 32)
    try:
        folders = [Path(folder) for folder in groups.make(name, trial)]
        files = {"memory": ("memory.limit_in_bytes", "memory.max"), "pids": ("pids.max",)}
        files["cpu"] = ("cpu.cfs_quota_us", "cpu.max")
        return frozenset(
            limit
            for limit, names in files.items()
            if any((folder / file).exists() for folder in folders for file in names)
        )
    except OSError:
        return frozenset()
    finally:
        remove(groups.folders(name))


def _set_limits(folder: Path, controller: str, limits: Limits) -> None:
    quota = max(1_000, limits.vcpus_millis * CPU_PERIOD_US // 1_000)
    wanted: dict[str, list[tuple[str, int | str]]] = {
        "memory": [
            ("memory.limit_in_bytes", limits.memory_bytes),
            ("memory.memsw.limit_in_bytes", limits.memory_bytes),
        ],
        "cpu": [("cpu.cfs_period_us", CPU_PERIOD_US), ("cpu.cfs_quota_us", quota)],
        "pids": [("pids.max", limits.pids)],
        "all": [
            ("memory.max", limits.memory_bytes),
            ("memory.swap.max", 0),
            ("cpu.max", f"{quota} {CPU_PERIOD_US}"),
            ("pids.max", limits.pids),
        ],
    }
    for file, value in wanted.get(controller, []):
        if (folder / file).exists():
            (folder / file).write_text(str(value))


def members(folders: list[str]) -> set[int]:
    """Processes in any of these directories or below them; zombies do not count."""
    found: set[int] = set()
    for folder in folders:
        for place, _, _ in os.walk(folder):
            try:
                found.update(int(line) for line in (Path(place) / "cgroup.procs").read_text().split())
            except OSError:
                continue
    return {pid for pid in found if processes.start_ticks(pid) is not None}


def remove(folders: list[str], timeout_seconds: float = 5) -> list[str]:
    """Remove the directories once they are empty; returns those that are left."""
    deadline = time.monotonic() + timeout_seconds
    left = [folder for folder in folders if Path(folder).exists()]
    while left:
        for folder in left:
            for place, _, _ in os.walk(folder, topdown=False):
                try:
                    Path(place).rmdir()
                except OSError:
                    continue
        left = [folder for folder in left if Path(folder).exists()]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def find_branches(mark: str) -> list[Path]:
    """Our branches wherever an earlier run of the agent, perhaps in another group, has made them."""
    found, name = [], f"aifactory-{mark}"
    for mount in _mounts("cgroup", "cgroup2"):
        for place, folders, _ in os.walk(mount):
            if name in folders:
                found.append(Path(place) / name)
            if len(Path(place).relative_to(mount).parts) >= SEARCH_DEPTH:
                folders.clear()
    return found


def _mounts(*kinds: str) -> list[Path]:
    lines = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in lines if fields[2] in kinds]


def _own_groups() -> dict[str, str]:
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = path
    return own


def _v1_hierarchies(at_top: bool) -> dict[str, Path]:
    own, found = {} if at_top else _own_groups(), {}
    lines = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    for fields in lines:
        if fields[2] != "cgroup":
            continue
        for controller in set(fields[3].split(",")) & set(V1_CONTROLLERS):
            found[controller] = _existing(Path(fields[1]), own.get(controller, "/"))
    return {name: found[name] for name in V1_CONTROLLERS if name in found}


def _v2_hierarchy() -> dict[str, Path]:
    mounts = _mounts("cgroup2")
    return {"all": _existing(mounts[0], "/")} if mounts else {}


def _existing(mount: Path, own: str) -> Path:
    """Our own group's directory; the top when it is not visible from here or is already one of our branches."""
    inside = own.lstrip("/").split("/aifactory-")[0]
    folder = mount / inside
    return folder if ".." not in inside and folder.is_dir() else mount


def _delegate(folder: Path) -> None:
    for controller in V2_CONTROLLERS:
        try:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:
            continue
