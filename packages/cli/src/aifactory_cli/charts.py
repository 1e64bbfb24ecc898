"""Numbers for people: units, and a line of blocks that shows their course."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 40
_STEPS = ((1024**4, "Ti"), (1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki"))
_SHORT = {"{cpu}": "CPU", "By": "B", "By/s": "B/s", "Cel": "°C"}


def quantity(value: float, unit: str) -> str:
    """A value with its UCUM unit, as people write it."""
    if unit == "1":
        return f"{value * 100:.0f} %"
    if unit.startswith("By"):
        for size, prefix in _STEPS:
            if value >= size:
                return f"{value / size:.1f} {prefix}{_SHORT[unit]}"
        return f"{value:.0f} {_SHORT[unit]}"
    return f"{value:.2f} {_SHORT.get(unit, unit)}" if unit == "{cpu}" else f"{value:.0f} {_SHORT.get(unit, unit)}"


def sparkline(values: Sequence[float]) -> str:
    """From nothing to the largest of them, at most forty characters wide."""
    shown = _thinned(values)
    top = max(shown, default=0)
    if top <= 0:
        return BLOCKS[0] * len(shown)
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int(value / top * len(BLOCKS)))] for value in shown)


def _thinned(values: Sequence[float]) -> list[float]:
    """The mean of each of forty equal parts."""
    if len(values) <= WIDTH:
        return list(values)
    edges = [len(values) * number // WIDTH for number in range(WIDTH + 1)]
    parts = [values[start:end] for start, end in itertools.pairwise(edges)]
    return [sum(part) / len(part) for part in parts]
