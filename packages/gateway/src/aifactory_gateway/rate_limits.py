"""How fast a key may go: buckets that fill evenly over their period, and may go into debt when the truth is known."""

from __future__ import annotations

from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import GatewayKey, KeyLimits

MINUTE_SECONDS = 60.0
DAY_SECONDS = 86_400.0


class Bucket:
    """`capacity` units a period, `level` of them there at `filled_at` (the loop's clock, seconds); below zero after more
    was used than was thought."""

    __slots__ = ("_head", "_ms_each", "capacity", "counts_requests", "filled_at", "level", "per_second", "what")

    def __init__(self, capacity: int, period_seconds: float, now: float, what: str, name: bytes = b"") -> None:
        self.capacity = capacity
        self.per_second = capacity / period_seconds
        self.level = float(capacity)
        self._ms_each = 1_000 / self.per_second
        self.filled_at = now
        self.what = what
        self.counts_requests = name == b"requests"
        self._head = (
            b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %%d\r\nx-ratelimit-reset-%b: %%dms\r\n"
            % (name, capacity, name, name) if name else b""
        )  # fmt: skip

    def seconds_until(self, amount: float, now: float) -> float:
        """Fills it; 0 when the amount is there. More than the bucket ever holds waits for a full one."""
        level = self.level + (now - self.filled_at) * self.per_second
        if level > self.capacity:
            level = float(self.capacity)
        self.level, self.filled_at = level, now
        missing = (amount if amount < self.capacity else self.capacity) - level
        return missing / self.per_second if missing > 0 else 0.0

    def headers(self) -> bytes:
        """As OpenAI names them, at the time it was filled; nothing for a bucket that has no name there."""
        if not self._head:
            return b""
        level = self.level
        return self._head % (level if level > 0 else 0, (self.capacity - level) * self._ms_each)


class KeyRates:
    """What one key has used lately. Requests are admitted by an estimate, which `correct` makes true afterwards."""

    __slots__ = ("_buckets", "limits", "streams")

    def __init__(self, limits: KeyLimits, now: float) -> None:
        wanted = (
            (limits.requests_per_minute, MINUTE_SECONDS, "requests a minute", b"requests"),
            (limits.tokens_per_minute, MINUTE_SECONDS, "tokens a minute", b"tokens"),
            (limits.tokens_per_day, DAY_SECONDS, "tokens a day", b""),
        )
        self.limits = limits
        self._buckets = [
            Bucket(capacity, seconds, now, what, name) for capacity, seconds, what, name in wanted if capacity is not None
        ]  # fmt: skip
        self.streams = 0

    def admit(self, tokens: int, streams: bool, now: float) -> None:
        """All of it or nothing. Raises Refusal 429 that says which limit and when to try again."""
        most = self.limits.streams
        if streams and most is not None and self.streams >= most:
            raise Refusal(429, "too_many_streams", f"This key holds {most} streams at once.", retry_after_seconds=1)
        for bucket in self._buckets:
            wait = bucket.seconds_until(1 if bucket.counts_requests else tokens, now)
            if wait > 0:
                message = f"This key's limit is {bucket.capacity} {bucket.what}. Try again in {wait:.1f} seconds."
                raise Refusal(429, "rate_limit_exceeded", message, retry_after_seconds=wait)
        for bucket in self._buckets:
            bucket.level -= 1 if bucket.counts_requests else tokens
        self.streams += streams

    def correct(self, estimated: int, used: int, streams: bool) -> None:
        """The request has ended and took `used` tokens."""
        for bucket in self._buckets:
            if not bucket.counts_requests:
                bucket.level += estimated - used
        self.streams -= streams

    def headers(self) -> bytes:
        """`x-ratelimit-*` of the limits that this key has."""
        return b"".join([bucket.headers() for bucket in self._buckets])


class Rates:
    """The rates of every key that was seen. A key whose limits changed begins with full buckets."""

    def __init__(self) -> None:
        self._of: dict[str, KeyRates] = {}

    def of(self, key: GatewayKey, now: float) -> KeyRates:
        found = self._of.get(key.id)
        if found is None or found.limits != key.limits:
            streams = found.streams if found else 0
            found = self._of[key.id] = KeyRates(key.limits, now)
            found.streams = streams
        return found

    def forget_all_but(self, key_ids: set[str]) -> None:
        """Keys that are gone from the snapshot and hold no stream."""
        for id in [id for id, rates in self._of.items() if id not in key_ids and not rates.streams]:
            del self._of[id]
