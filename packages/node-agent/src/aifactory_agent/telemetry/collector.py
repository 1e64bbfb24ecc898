"""Looks at everything from time to time and keeps the points until they are taken; the oldest go when nobody takes them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import datetime

from aifactory_agent.node import Node
from aifactory_agent.telemetry import gpus, host, sandboxes
from aifactory_agent.telemetry.readings import Reading, Series, values
from aifactory_protocol.telemetry import (
    MAX_TELEMETRY_METRICS,
    MAX_TELEMETRY_POINTS,
    METRICS,
    Metric,
    Point,
    ResourceAttributes,
    ResourceMetrics,
)

MOST_POINTS = 8_000  # a batch of so many stays well below the protocol's largest body
THE_NODE = ResourceAttributes()
log = logging.getLogger(__name__)


class Collector:
    """Memory of one agent process: the look before, and the points nobody has taken yet."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._library = gpus.open_library()
        self._before: dict[ResourceAttributes, tuple[float, Reading]] = {}
        self._waiting: dict[ResourceAttributes, dict[Series, deque[Point]]] = {}
        self._lock = threading.Lock()  # looks are taken on a thread of their own

    def look(self) -> None:
        """Measure the node and every running sandbox, now."""
        seen: dict[ResourceAttributes, tuple[float, Reading]] = {}
        at = self._node.now()
        reading = host.reading(self._node.settings.sandbox_root)
        gpus.add(reading, self._library)
        seen[THE_NODE] = (time.monotonic(), reading)
        for record in self._node.records.every():
            if record.state == "running":
                resource = ResourceAttributes(record.slot_index, record.allocation_id)
                try:
                    seen[resource] = (time.monotonic(), sandboxes.reading(self._node, record))
                except (OSError, ValueError) as error:  # it ended while we looked
                    log.debug("%s was not measured: %s", record.allocation_id, error)
        with self._lock:
            for resource, (instant, reading) in seen.items():
                self._keep(resource, at, instant, reading)
        self._before = seen

    def _keep(self, resource: ResourceAttributes, at: datetime, instant: float, reading: Reading) -> None:
        earlier, before = self._before.get(resource, (instant, None))
        waiting = self._waiting.setdefault(resource, {})
        for series, value in list(values(before, reading, instant - earlier).items())[:MAX_TELEMETRY_METRICS]:
            waiting.setdefault(series, deque(maxlen=MAX_TELEMETRY_POINTS)).append(Point(at, round(value, 6)))

    def take(self) -> list[ResourceMetrics]:
        """What is waiting, as much as fits into a batch; it waits no longer. Empty when there is nothing."""
        taken: list[ResourceMetrics] = []
        points = 0
        with self._lock:
            for resource, series in list(self._waiting.items()):
                points += sum(len(line) for line in series.values())
                if taken and points > MOST_POINTS:
                    break
                del self._waiting[resource]
                metrics = [Metric(name, METRICS[name], list(line), device) for (name, device), line in series.items()]
                taken.append(ResourceMetrics(resource, metrics))
        return taken
