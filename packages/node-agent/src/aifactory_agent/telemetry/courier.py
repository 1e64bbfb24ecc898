"""Brings what the collector has to the control plane: each batch under one number, tried again a while, then let go."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

import msgspec

from aifactory_outpost.calls import CallFailed
from aifactory_protocol.telemetry import ResourceMetrics, TelemetryAnswer, TelemetryBatch

MOST_TRIES = 5
LOOKS_PER_BATCH = 3
Post = Callable[[TelemetryBatch], Awaitable[TelemetryAnswer]]


class Takeable(Protocol):
    """Has points that nobody has taken yet."""

    def take(self) -> list[ResourceMetrics]: ...


class Courier:
    """At most one batch is under way; behind it the collector forgets its oldest points."""

    def __init__(self, collector: Takeable, now: Callable[[], datetime]) -> None:
        self._collector = collector
        self._now = now
        self._stream = secrets.token_hex(8)
        self._sequence = 0
        self._under_way: TelemetryBatch | None = None
        self._tries = 0

    async def deliver(self, post: Post) -> None:
        """Send everything that waits. Raises CallFailed; the batch then goes again with the next call, or is let go."""
        while (batch := self._next()) is not None:
            self._tries += 1
            try:
                await post(msgspec.structs.replace(batch, sent_at=self._now()))
            except CallFailed as error:
                if self._tries >= MOST_TRIES or 400 <= error.status < 500:
                    self._under_way = None
                raise
            self._under_way = None

    def _next(self) -> TelemetryBatch | None:
        if self._under_way is None:
            taken = self._collector.take()
            if not taken:
                return None
            self._sequence, self._tries = self._sequence + 1, 0
            self._under_way = TelemetryBatch(self._stream, self._sequence, self._now(), taken)
        return self._under_way
