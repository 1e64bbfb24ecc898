"""What processes spend: steadier than the clock on a machine that others load too."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

Seen = TypeVar("Seen")
PARENT, TIMES = (
    1,
    slice(11, 15),
)  # in /proc/<pid>/stat behind the name: utime, stime, and the same of children that ended


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes and of all below them."""
    stats: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stats[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    family = set(roots) & set(stats)
    while more := {pid for pid, stat in stats.items() if int(stat[PARENT]) in family} - family:
        family |= more
    return sum(int(ticks) for pid in family for ticks in stats[pid][TIMES]) / os.sysconf("SC_CLK_TCK")


def spent(roots: Iterable[int], load: Callable[[], Seen]) -> tuple[Seen, float]:
    """What `load` answers, and the CPU seconds that `roots` spent meanwhile."""
    known = list(roots)
    before = cpu_seconds(known)
    seen = load()
    return seen, cpu_seconds(known) - before
