"""The whole machine, from /proc."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.telemetry.readings import Reading

SECTOR_BYTES = 512  # of /proc/diskstats, whatever the disk's own sectors are
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal; neither idle nor waiting for disks


def reading(disk: Path) -> Reading:
    """CPU, memory, disks and network of the node; `disk` is a folder on the file system that sandboxes use."""
    memory = _memory()
    read, written = disk_bytes(lambda number, name: is_disk(name))
    received, sent = interface_bytes("self")
    usage = shutil.disk_usage(disk)
    return Reading(
        gauges={
            ("memory.usage", ""): memory["MemTotal"] - memory["MemAvailable"],
            ("memory.limit", ""): memory["MemTotal"],
            ("filesystem.usage", ""): usage.total - usage.free,
        },
        counters={
            ("cpu.usage", ""): {"": _busy_seconds()},
            ("disk.read", ""): read,
            ("disk.write", ""): written,
            ("network.receive", ""): received,
            ("network.transmit", ""): sent,
        },
    )


def _busy_seconds() -> float:
    columns = (processes.PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(columns[index]) for index in BUSY_COLUMNS) / TICKS_PER_SECOND


def _memory() -> dict[str, float]:
    lines = (line.split() for line in (processes.PROC / "meminfo").read_text().splitlines())
    return {fields[0].rstrip(":"): float(fields[1]) * 1024 for fields in lines if len(fields) == 3}


def is_disk(name: str) -> bool:
    """A disk by itself: no part of one, and nothing that lies on another."""
    made_up = name.startswith(("loop", "ram", "zram", "dm-", "md", "sr", "fd"))
    return not made_up and Path("/sys/block", name).exists()


def disk_bytes(wanted: Callable[[str, str], bool]) -> tuple[dict[str, float], dict[str, float]]:
    """Bytes read and written since boot, by disk; `wanted(number, name)` chooses, the number like `7:0`."""
    read, written = {}, {}
    for line in (processes.PROC / "diskstats").read_text().splitlines():
        fields = line.split()
        number, name = f"{fields[0]}:{fields[1]}", fields[2]
        if wanted(number, name):
            read[name], written[name] = float(fields[5]) * SECTOR_BYTES, float(fields[9]) * SECTOR_BYTES
    return read, written


def interface_bytes(pid: int | str) -> tuple[dict[str, float], dict[str, float]]:
    """Bytes received and sent, by interface of that process' network, without loopback."""
    received, sent = {}, {}
    for line in (processes.PROC / str(pid) / "net/dev").read_text().splitlines()[2:]:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        if name.strip() != "lo" and (pid != "self" or is_uplink(name.strip())):
            received[name.strip()], sent[name.strip()] = float(fields[0]), float(fields[8])
    return received, sent


def is_uplink(name: str) -> bool:
    """An interface that leads out of the machine: bridges and the like would count the same bytes again."""
    folder = Path("/sys/class/net")
    real = {entry.name for entry in folder.iterdir() if (entry / "device").exists()} if folder.is_dir() else set()
    return name in real if real else not name.startswith(("veth", "br", "virbr", "docker", "cni", "tun", "tap"))
