"""What a simulated node would measure: figures that follow its state, made from nothing but names and the time. Pure.

The same machine, sandboxes and instant always give the same figures. They are made up; that the node is simulated is
what it says of itself in its inventory, and what the platform shows beside every chart of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from zlib import crc32

from aifactory_protocol.telemetry import ResourceAttributes
from aifactory_sim.fleet import GB, Design, Machine
from aifactory_sim.memory import Sandbox

Series = tuple[str, str]  # metric, device
Figures = dict[Series, float]
THE_NODE = ResourceAttributes()
WARMING_SECONDS = 60.0  # from the start of a job until it is at its work
SAVING_EVERY_SECONDS, SAVING_SECONDS = 300.0, 15.0  # it saves its state, and computes little meanwhile
IDLE_WATTS = 0.12  # of the most
COOLEST, HOTTEST = 29.0, 74.0


def measured(
    machine: Machine, boxes: Iterable[Sandbox], at: datetime, disk: bool = True
) -> Mapping[ResourceAttributes, Figures]:
    """The node and each running sandbox at that instant; `disk` False: the disk has failed and moves nothing."""
    seconds, design = at.timestamp(), machine.design
    found: dict[ResourceAttributes, Figures] = {}
    node = _idle_node(machine, seconds)
    for box in boxes:
        if box.running:
            age = max(0.0, seconds - datetime.fromisoformat(box.started_at).timestamp())
            inside = _sandbox(design, box.allocation_id, age, seconds)
            found[ResourceAttributes(box.slot_index, box.allocation_id)] = inside
            _add(node, inside, first_gpu=box.slot_index * _gpus(design))
    found[THE_NODE] = node
    if not disk:
        for figures in found.values():
            figures["disk.read", ""] = figures["disk.write", ""] = 0.0
    return found


def _gpus(design: Design) -> int:
    """Of one slot."""
    return design.accelerators // design.slots


def _idle_node(machine: Machine, seconds: float) -> Figures:
    """An operating system that waits."""
    design, name = machine.design, machine.name
    figures: Figures = {
        ("cpu.usage", ""): design.cpus * 0.004 * (1 + _jitter(name, seconds)),
        ("memory.usage", ""): design.memory_gb * GB * 0.02,
        ("memory.limit", ""): float(design.memory_gb * GB),
        ("filesystem.usage", ""): 900.0 * GB,
        ("disk.read", ""): 2e4 * _jitter(name + "r", seconds),
        ("disk.write", ""): 2e5 * _jitter(name + "w", seconds),
        ("network.receive", ""): 1e4 * (1 + _jitter(name + "i", seconds)),
        ("network.transmit", ""): 8e3 * (1 + _jitter(name + "o", seconds)),
    }
    for index in range(design.accelerators):
        _set_gpu(figures, design, str(index), busy=0.0, filled=0.006, hum=_jitter(f"{name}{index}", seconds))
    return figures


def _sandbox(design: Design, seed: str, age: float, seconds: float) -> Figures:
    """A job: it warms up, works with small ups and downs, and saves what it has from time to time."""
    warm = min(1.0, age / WARMING_SECONDS)
    saving = warm >= 1 and age % SAVING_EVERY_SECONDS < SAVING_SECONDS
    wave = 0.5 + 0.5 * math.sin(2 * math.pi * (seconds / 240 + _share(seed)))
    busy = warm * (0.15 if saving else 0.80 + 0.12 * wave + 0.06 * _jitter(seed, seconds))
    cpus, memory = design.cpus / design.slots, design.memory_gb * GB / design.slots
    of_cpus = 0.12 if design.accelerators else 0.9  # accelerators do the work where there are some
    figures: Figures = {
        ("cpu.usage", ""): cpus * (0.01 + of_cpus * busy),
        ("memory.usage", ""): memory * (0.02 + warm * (0.25 + 0.3 * _share(seed + "m"))),
        ("memory.limit", ""): memory,
        ("filesystem.usage", ""): 20 * GB * (1 + warm) + 2e7 * min(age, 86_400),
        ("disk.read", ""): 1e6 + 8e8 * warm * (1 - warm) + 4e7 * busy,
        ("disk.write", ""): 1.5e9 / design.slots if saving else 2e6 * busy,
        ("network.receive", ""): 1e5 + 6e8 / design.slots * busy,
        ("network.transmit", ""): 1e5 + 5e8 / design.slots * busy,
    }
    for index in range(_gpus(design)):
        hum = _jitter(f"{seed}{index}", seconds)
        _set_gpu(figures, design, str(index), busy * (0.96 + 0.04 * hum), 0.01 + warm * 0.8, hum)
    return figures


def _set_gpu(figures: Figures, design: Design, device: str, busy: float, filled: float, hum: float) -> None:
    figures["gpu.utilization", device] = busy
    figures["gpu.memory.usage", device] = design.accelerator_memory_gb * GB * filled
    figures["gpu.power", device] = design.accelerator_watts * (IDLE_WATTS + 0.01 * hum + (0.98 - IDLE_WATTS) * busy)
    figures["gpu.temperature", device] = COOLEST + hum + (HOTTEST - COOLEST) * busy


def _add(node: Figures, inside: Figures, first_gpu: int) -> None:
    """What a sandbox uses is used on the node: sums, and its accelerators in their places."""
    for (name, device), value in inside.items():
        if device:
            node[name, str(first_gpu + int(device))] = value
        elif name != "memory.limit":
            node[name, ""] += value


def _share(seed: str) -> float:
    """0 to 1, the same for the same seed."""
    return crc32(seed.encode()) / 2**32


def _jitter(seed: str, seconds: float) -> float:
    """0 to 1, another in each second."""
    return _share(f"{seed}@{int(seconds)}")
