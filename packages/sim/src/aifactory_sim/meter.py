"""Looks at a simulated node from time to time, as a real agent's collector does, and keeps the points until they are taken."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from aifactory_protocol.telemetry import (
    MAX_TELEMETRY_POINTS,
    METRICS,
    Metric,
    Point,
    ResourceAttributes,
    ResourceMetrics,
)
from aifactory_sim.faults import Fault
from aifactory_sim.figures import Series, measured
from aifactory_sim.fleet import Machine
from aifactory_sim.memory import Memory


class Meter:
    """The points of one node that nobody has taken yet."""

    def __init__(self, machine: Machine, memory: Memory) -> None:
        self._machine, self._memory = machine, memory
        self._waiting: dict[ResourceAttributes, dict[Series, deque[Point]]] = {}

    def look(self, at: datetime) -> None:
        """Measure the node and every running sandbox; the oldest points go when nobody takes them."""
        disk = Fault.DEAD_DISK not in self._memory.faults
        for resource, figures in measured(self._machine, self._memory.sandboxes.values(), at, disk).items():
            waiting = self._waiting.setdefault(resource, {})
            for series, value in figures.items():
                line = waiting.setdefault(series, deque(maxlen=MAX_TELEMETRY_POINTS))
                line.append(Point(at, round(value, 4)))

    def take(self) -> list[ResourceMetrics]:
        """What is waiting; it waits no longer."""
        taken, self._waiting = self._waiting, {}
        return [
            ResourceMetrics(
                resource, [Metric(name, METRICS[name], list(line), device) for (name, device), line in series.items()]
            )
            for resource, series in taken.items()
        ]
