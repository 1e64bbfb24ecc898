"""Telemetry in OpenTelemetry's shape: resources with attributes, their metrics with a unit, and points with a time.

The metrics are a fixed list, so that no node can make series without end. These are claims of the node: they are shown,
and nothing is billed or decided by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Struct

from aifactory_protocol.limits import Id, Instant, SlotIndex, Word

MAX_TELEMETRY_RESOURCES = 1_025  # the node, and a sandbox on each of its slots
MAX_TELEMETRY_METRICS = 256
MAX_TELEMETRY_POINTS = 60

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "cpu.usage": "{cpu}",
        "memory.usage": "By",
        "memory.limit": "By",
        "disk.read": "By/s",
        "disk.write": "By/s",
        "filesystem.usage": "By",
        "network.receive": "By/s",
        "network.transmit": "By/s",
        "gpu.utilization": "1",
        "gpu.memory.usage": "By",
        "gpu.power": "W",
        "gpu.temperature": "Cel",
    }
)
"""Name → unit (UCUM, as OpenTelemetry uses it). Rates are means since the point before."""


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """One value at one instant of the node's clock."""

    at: Instant
    value: Annotated[float, Meta(ge=0, le=2**60)]


class Metric(Struct, frozen=True, forbid_unknown_fields=True):
    """One series; `device` tells those of the same name apart (the GPU's index), else it is empty."""

    name: Word
    unit: Word
    points: Annotated[list[Point], Meta(max_length=MAX_TELEMETRY_POINTS)]
    device: Annotated[str, Meta(max_length=64)] = ""


class ResourceAttributes(Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured: the node itself when both are absent, else the sandbox of this allocation on this slot."""

    slot_index: SlotIndex | None = None
    allocation_id: Id | None = None


class ResourceMetrics(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything measured on one resource."""

    attributes: ResourceAttributes
    metrics: Annotated[list[Metric], Meta(max_length=MAX_TELEMETRY_METRICS)]


class TelemetryBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured since the batch before.

    `stream` is new with each start of the agent and `sequence` grows within it: a batch that comes again is taken once.
    `sent_at` is the node's clock at the moment of sending, by which the control plane sees how far off that clock is.
    """

    stream: Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    sequence: Annotated[int, Meta(ge=1, le=2**53)]
    sent_at: Instant
    resources: Annotated[list[ResourceMetrics], Meta(max_length=MAX_TELEMETRY_RESOURCES)]


class TelemetryAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """How many points were kept, and how many were not: foreign, unknown, or too far from now."""

    accepted: Annotated[int, Meta(ge=0)]
    dropped: Annotated[int, Meta(ge=0)]
