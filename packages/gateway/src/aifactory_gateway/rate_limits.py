"""How fast a key may go: buckets that fill evenly over their period, and may go into debt when the truth is known."""

from __future__ import annotations

from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import GatewayKey, KeyLimits

MINUTE_SECONDS = 60.0
DAY_SECONDS = 86_400.0


class Bucket:
    """`capacity` units a period, `level` of them there at `filled_at` (the loop's clock, seconds); below zero after more
    was used than was thought."""

    __slots__ = ("capacity", "counts_requests", "filled_at", "level", "ms_each", "name", "per_second", "what")

    def __init__(self, capacity: int, period_seconds: float, now: float, what: str, name: str = "") -> None:
        self.capacity = capacity
        self.per_second = capacity / period_seconds
        self.ms_each = 1_000 / self.per_second
        self.level = float(capacity)
        self.filled_at = now
        self.what = what
        self.name = name
        self.counts_requests = name == "requests"

    def seconds_until(self, amount: float, now: float) -> float:
        """Fills it; 0 when the amount is there. More than the bucket ever holds waits for a full one."""
        level = self.level + (now - self.filled_at) * self.per_second
        if level > self.capacity:
            level = float(self.capacity)
        self.level, self.filled_at = level, now
        missing = (amount if amount < self.capacity else self.capacity) - level
        return missing / self.per_second if missing > 0 else 0.0


class KeyRates:
    """What one key has used lately. Requests are admitted by an estimate, which `correct` makes true afterwards."""

    __slots__ = ("_buckets", "_named", "_template", "limits", "streams")

    def __init__(self, limits: KeyLimits, now: float) -> None:
        self.streams = 0
        self.limit(limits, now)

    def limit(self, limits: KeyLimits, now: float) -> None:
        """From now on, with full buckets; streams that are held count on."""
        wanted = (
            (limits.requests_per_minute, MINUTE_SECONDS, "requests a minute", "requests"),
            (limits.tokens_per_minute, MINUTE_SECONDS, "tokens a minute", "tokens"),
            (limits.tokens_per_day, DAY_SECONDS, "tokens a day", ""),
        )
        self.limits = limits
        self._buckets = [
            Bucket(capacity, seconds, now, what, name) for capacity, seconds, what, name in wanted if capacity is not None
        ]  # fmt: skip
        self._named = [bucket for bucket in self._buckets if bucket.name]
        self._template = "".join(
            f"x-ratelimit-limit-{one.name}: {one.capacity}\r\n"
            f"x-ratelimit-remaining-{one.name}: %d\r\nx-ratelimit-reset-{one.name}: %dms\r\n"
            for one in self._named
        )

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
            bucket.level -= 1 if bucket.counts_requests else min(tokens, bucket.capacity)
        self.streams += streams

    def correct(self, estimated: int, used: int, streams: bool) -> None:
        """The request has ended and took `used` tokens."""
        for bucket in self._buckets:
            if not bucket.counts_requests:
                level = bucket.level + min(estimated, bucket.capacity) - used
                bucket.level = min(level, bucket.capacity)
        self.streams -= streams

    def headers(self) -> bytes:
        """`x-ratelimit-*` of the limits that this key has, as OpenAI names them, at the time of the last `admit`."""
        figures: list[float] = []
        for bucket in self._named:
            level = bucket.level
            figures += (level if level > 0 else 0, (bucket.capacity - level) * bucket.ms_each)
        return (self._template % tuple(figures)).encode()


class Rates:
    """The rates of every key that was seen. A key whose limits changed begins with full buckets."""

    def __init__(self) -> None:
        self._of: dict[str, KeyRates] = {}

    def of(self, key: GatewayKey, now: float) -> KeyRates:
        found = self._of.get(key.id)
        if found is None:
            found = self._of[key.id] = KeyRates(key.limits, now)
        elif found.limits != key.limits:
            found.limit(key.limits, now)
        return found

    def forget_all_but(self, key_ids: set[str]) -> None:
        """Keys that are gone from the snapshot and hold no stream."""
        for id in [id for id, rates in self._of.items() if id not in key_ids and not rates.streams]:
            del self._of[id]
