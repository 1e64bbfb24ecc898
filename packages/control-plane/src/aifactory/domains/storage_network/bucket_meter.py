"""How samples of a store become use: pure, so that every order of restarts and late samples can be tried."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from aifactory.domains.storage_network.ports import BucketUsage, Counter

INTERVAL = timedelta(seconds=60)  # what one record of use spans at least
GAP = timedelta(seconds=120)  # without samples for longer, the smaller of both sizes is taken for the time between


@dataclass(frozen=True)
class Meter:
    """The open interval [from_at, until_at) and how far each counter was read. Bytes, byte-seconds, whole seconds."""

    from_at: datetime
    until_at: datetime
    byte_seconds: Decimal = Decimal(0)
    received_bytes: int = 0
    sent_bytes: int = 0
    received_begun: str = ""
    received_count: int = 0
    sent_begun: str = ""
    sent_count: int = 0

    @property
    def due(self) -> bool:
        return self.until_at - self.from_at >= INTERVAL

    @property
    def empty(self) -> bool:
        return not (self.byte_seconds or self.received_bytes or self.sent_bytes)

    def closed(self) -> "Meter":
        """The next interval, once this one was recorded."""
        return replace(self, from_at=self.until_at, byte_seconds=Decimal(0), received_bytes=0, sent_bytes=0)


@dataclass(frozen=True)
class Grown:
    """How much a counter has grown, and where it stands now."""

    by: int
    begun: str
    count: int


def sampled(meter: Meter, held_before: int, usage: BucketUsage, at: datetime) -> tuple[Meter, int, int]:
    """The meter after a sample taken at `at`, and the bytes received and sent since the last one. A sample that is
    older than the last changes nothing. Space counts with the size that the last sample saw, until this one."""
    if at < meter.until_at:
        return meter, 0, 0
    span = at - meter.until_at
    size = held_before if span <= GAP else min(held_before, usage.bytes_stored)
    received = grown(meter.received_begun, meter.received_count, usage.received)
    sent = grown(meter.sent_begun, meter.sent_count, usage.sent)
    after = Meter(
        from_at=meter.from_at,
        until_at=at,
        byte_seconds=meter.byte_seconds + size * int(span.total_seconds()),
        received_bytes=meter.received_bytes + received.by,
        sent_bytes=meter.sent_bytes + sent.by,
        received_begun=received.begun,
        received_count=received.count,
        sent_begun=sent.begun,
        sent_count=sent.count,
    )
    return after, received.by, sent.by


def grown(begun: str, count: int, counter: Counter | None) -> Grown:
    """A counter only grows within one beginning. Another, later beginning means that it started from 0 again, whatever
    its value; an earlier one, or a smaller value, is an old reading."""
    if counter is None or counter.begun < begun:
        return Grown(0, begun, count)
    if counter.begun > begun:
        return Grown(counter.value, counter.begun, counter.value)
    return Grown(max(0, counter.value - count), begun, max(count, counter.value))
