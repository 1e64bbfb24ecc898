"""A look at counters and gauges, and what two looks make of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Series = tuple[str, str]  # metric, device


@dataclass
class Reading:
    """One look at one resource.

    gauges: values as they are. counters: values that only grow, in parts (by process, by disk), so that a part which
    ends between two looks does not pull the sum down, and a part which begins counts from zero.
    """

    gauges: dict[Series, float] = field(default_factory=dict)
    counters: dict[Series, dict[str, float]] = field(default_factory=dict)


def values(before: Reading | None, now: Reading, seconds: float) -> dict[Series, float]:
    """The gauges, and the counters as a mean per second since the look before; the first look has gauges only."""
    found = dict(now.gauges)
    if before is None or seconds <= 0:
        return found
    for series, parts in now.counters.items():
        if series in before.counters:
            found[series] = _grown(before.counters[series], parts) / seconds
    return found


def _grown(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    return sum(max(0.0, value - before.get(part, 0.0)) for part, value in now.items())
