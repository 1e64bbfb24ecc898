"""What of a node's batch is believed: whose each point is, and when it was. Pure.

The node says what it measured. Which tenant an allocation belongs to, and whether the node holds it, is known here; and
so is the time, when the node's clock is off.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aifactory.domains.provisioning.facade import HeldSlot
from aifactory_protocol import METRICS, Metric, ResourceAttributes, TelemetryBatch

BELIEVED_SKEW_SECONDS = 10.0  # a clock that is off by more is replaced by ours
OLDEST_POINT_SECONDS = 600.0
DEFAULT_KEPT_HOURS = 6
MOST_POINTS_SHOWN = 300  # of one series
FINEST_STEP_SECONDS = 5


@dataclass
class Looks:
    """Values by what they are of: whose and when, then metric and device. The same again replaces what was there."""

    values: dict[tuple[str, datetime], dict[tuple[str, str], float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.values.values()))

    def rows(self) -> list[dict[str, Any]]:
        """As the store takes them."""
        return [
            {
                "subject": subject,
                "at": at,
                "names": [name for name, _ in told],
                "devices": [device for _, device in told],
                "values": list(told.values()),
            }
            for (subject, at), told in self.values.items()
        ]


@dataclass
class Sorted:
    """A batch by owner: `node` the node's own points, `tenants` those of its sandboxes by tenant, the rest counted."""

    node: Looks
    tenants: dict[str, Looks]
    dropped: int = 0

    @property
    def accepted(self) -> int:
        return len(self.node) + sum(map(len, self.tenants.values()))


def kept_hours(environment: Mapping[str, str] = os.environ) -> int:
    """How long points are kept: AIF_TELEMETRY_HOURS, 6 when it is not set. ValueError for anything but 1 to 744."""
    hours = int(environment.get("AIF_TELEMETRY_HOURS") or DEFAULT_KEPT_HOURS)
    if not 1 <= hours <= 744:
        raise ValueError(f"AIF_TELEMETRY_HOURS={hours}: 1 to 744 hours are possible")
    return hours


def clock_offset_seconds(batch: TelemetryBatch, arrived_at: datetime) -> float:
    """How far the node's clock is ahead of ours, the way of the message included."""
    return (batch.sent_at - arrived_at).total_seconds()


def sort(batch: TelemetryBatch, node_id: str, held: Iterable[HeldSlot], arrived_at: datetime) -> Sorted:
    """Each point to its owner; what is foreign, unknown, or too far from now is dropped."""
    offset = clock_offset_seconds(batch, arrived_at)
    shift = timedelta(seconds=offset if abs(offset) > BELIEVED_SKEW_SECONDS else 0)
    owners = {(slot.slot_index, slot.allocation_id): slot.tenant_id for slot in held}
    found = Sorted(Looks(), {})
    for resource in batch.resources:
        looks = _owned_by(found, resource.attributes, owners)
        for metric in resource.metrics:
            if looks is None or METRICS.get(metric.name) != metric.unit:
                found.dropped += len(metric.points)
                continue
            found.dropped += _add(looks, resource.attributes.allocation_id or node_id, metric, shift, arrived_at)
    return found


def _owned_by(found: Sorted, what: ResourceAttributes, owners: Mapping[tuple[int, str], str]) -> Looks | None:
    if what.slot_index is None and what.allocation_id is None:
        return found.node
    tenant_id = owners.get((what.slot_index, what.allocation_id))  # type: ignore[arg-type]
    return None if tenant_id is None else found.tenants.setdefault(tenant_id, Looks())


def _add(looks: Looks, subject: str, metric: Metric, shift: timedelta, arrived_at: datetime) -> int:
    """Returns how many were not added. A little ahead of us is moved to now: nothing is measured in the future."""
    oldest = arrived_at - timedelta(seconds=OLDEST_POINT_SECONDS)
    newest = arrived_at + timedelta(seconds=BELIEVED_SKEW_SECONDS)
    dropped = 0
    for point in metric.points:
        at = point.at - shift
        if oldest <= at <= newest:
            look = looks.values.setdefault((subject, min(at, arrived_at)), {})
            look[metric.name, metric.device] = point.value
        else:
            dropped += 1
    return dropped


def step_seconds(since: datetime, until: datetime, wanted: int | None) -> int:
    """The width of one shown point: what was asked for, but never so fine that a series has too many points."""
    least = -(-int((until - since).total_seconds()) // MOST_POINTS_SHOWN)
    return max(least, wanted or FINEST_STEP_SECONDS, 1)
