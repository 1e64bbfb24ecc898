"""One sandbox, from its control groups; from /proc of its processes where the machine has none for us."""

from __future__ import annotations

import os
from pathlib import Path

from aifactory_agent import sandbox
from aifactory_agent.host import cgroups, mounts, processes
from aifactory_agent.node import Node
from aifactory_agent.records import SandboxRecord
from aifactory_agent.telemetry import host
from aifactory_agent.telemetry.readings import Reading

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CPU_FILES = (("cpuacct.usage", None, 1e9), ("cpu.stat", "usage_usec", 1e6))  # version 1, version 2: per second
MEMORY_FILES = (("memory.usage_in_bytes", "total_inactive_file"), ("memory.current", "inactive_file"))


def reading(node: Node, record: SandboxRecord) -> Reading:
    """CPU, memory, disk and network of one running sandbox. Raises OSError when it ends meanwhile."""
    groups = [Path(folder) for folder in record.cgroups]
    pids = cgroups.members(record.cgroups) if groups else sandbox.members(node, record)
    found = Reading(gauges={("memory.limit", ""): float(record.args.memory_bytes)})
    cpu = _group_cpu_seconds(groups)
    found.counters["cpu.usage", ""] = {"": cpu} if cpu is not None else _cpu_seconds(pids)
    memory = _group_memory_bytes(groups)
    found.gauges["memory.usage", ""] = memory if memory is not None else _memory_bytes(pids)
    _add_disk(found, node, record, pids)
    _add_network(found, pids)
    return found


def _group_cpu_seconds(groups: list[Path]) -> float | None:
    for folder in groups:
        for name, key, per_second in CPU_FILES:
            if (folder / name).exists():
                text = (folder / name).read_text()
                if key is None:
                    return int(text) / per_second
                if key in (numbers := _numbers(text)):
                    return numbers[key] / per_second
    return None


def _group_memory_bytes(groups: list[Path]) -> float | None:
    """What it really holds: file pages that the kernel would drop first are not counted."""
    for folder in groups:
        for name, droppable in MEMORY_FILES:
            if (folder / name).exists():
                held = float((folder / name).read_text())
                return max(0.0, held - _numbers((folder / "memory.stat").read_text()).get(droppable, 0))
    return None


def _numbers(text: str) -> dict[str, int]:
    return {key: int(value) for key, value in (line.split() for line in text.splitlines())}


def _cpu_seconds(pids: set[int]) -> dict[str, float]:
    found = {}
    for pid in pids:
        fields = _stat(pid)
        if fields:
            found[f"{pid}@{fields[19]}"] = (int(fields[11]) + int(fields[12])) / host.TICKS_PER_SECOND
    return found


def _memory_bytes(pids: set[int]) -> float:
    return sum(int(fields[21]) * PAGE_BYTES for fields in map(_stat, pids) if fields)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name; empty when it is gone."""
    try:
        text = (processes.PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _add_disk(found: Reading, node: Node, record: SandboxRecord, pids: set[int]) -> None:
    """Its own disks see everything that was read and written; processes that ended take their numbers with them."""
    folder = node.sandbox_folder(record.allocation_id)
    numbers = mounts.device_numbers(folder)
    if not numbers:
        found.counters["disk.read", ""] = {}
        found.counters["disk.write", ""] = {}
        for pid in pids:
            _add_process_io(found, pid)
        return
    read, written = host.disk_bytes(lambda number, name: number in numbers)
    found.counters["disk.read", ""], found.counters["disk.write", ""] = read, written
    if mounts.is_mounted(folder / "scratch"):
        disk = os.statvfs(folder / "scratch")
        found.gauges["filesystem.usage", ""] = float((disk.f_blocks - disk.f_bfree) * disk.f_frsize)


def _add_process_io(found: Reading, pid: int) -> None:
    try:
        lines = (processes.PROC / str(pid) / "io").read_text().splitlines()
    except OSError:
        return
    numbers = {key: float(value) for key, value in (line.split(": ") for line in lines)}
    part = f"{pid}@{processes.start_ticks(pid)}"
    found.counters["disk.read", ""][part] = numbers["read_bytes"]
    found.counters["disk.write", ""][part] = numbers["write_bytes"]


def _add_network(found: Reading, pids: set[int]) -> None:
    """Only where the sandbox has a network of its own: what it uses of the host's cannot be told apart."""
    ours = (processes.PROC / "self/ns/net").stat().st_ino
    for pid in sorted(pids):
        try:
            if (processes.PROC / str(pid) / "ns/net").stat().st_ino == ours:
                continue
            received, sent = host.interface_bytes(pid)
        except OSError:
            continue
        found.counters["network.receive", ""], found.counters["network.transmit", ""] = received, sent
        return
