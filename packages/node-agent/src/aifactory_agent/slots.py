"""How this machine is cut into slots."""

from __future__ import annotations

import os

from aifactory_agent.settings import Settings
from aifactory_protocol.inventory import Slot

SKU = "local.cpu.1"
MOST_MEMORY_BYTES = 1024**3
LEAST_MEMORY_BYTES = 64 * 1024**2
KEPT_FOR_THE_NODE_PERCENT = 25
PIDS = 512


def offered(settings: Settings) -> list[Slot]:
    """One slot per CPU, or as many as asked for, each then with its part of the CPUs."""
    cpus = os.cpu_count() or 1
    count = settings.slots or cpus
    vcpus_millis = max(50, min(1_000, cpus * 1_000 // count))
    share = memory_bytes() * (100 - KEPT_FOR_THE_NODE_PERCENT) // 100 // count
    memory = max(LEAST_MEMORY_BYTES, min(MOST_MEMORY_BYTES, share // 1024**2 * 1024**2))
    return [Slot(index, SKU, vcpus_millis, memory, PIDS) for index in range(count)]


def memory_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
