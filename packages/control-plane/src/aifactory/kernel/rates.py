"""How fast one caller may ask: token buckets in this process's memory, so that refusing costs nothing.

Several processes let in as many times more. What is remembered is bounded: those seen longest ago are forgotten first.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field

from aifactory.kernel.errors import Problem

REMEMBERED = 20_000  # callers; about 200 bytes each
READ, CHANGE = 1, 5  # what a request takes unless its route says more
UNLIMITED = 0.0


@dataclass
class Buckets:
    """A bucket of `size` for each caller, refilled by `per_second`."""

    size: float
    per_second: float
    remembered: int = REMEMBERED
    _used: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)

    def take(self, caller: str, cost: float, now: float) -> float:
        """Seconds to wait before this may be asked; 0 when it was admitted. `now`: of a clock that never goes back.

        What costs more than the whole bucket empties it.
        """
        cost = min(cost, self.size)
        used, at = self._used.pop(caller, (0.0, now))
        used = max(0.0, used - (now - at) * self.per_second)
        over = used + cost - self.size
        self._used[caller] = (used if over > 0 else used + cost, now)
        while len(self._used) > self.remembered:
            self._used.popitem(last=False)
        return over / self.per_second if over > 0 else 0.0


class Rates:
    """The limit of one API process for each principal, and for each address of those who are nobody yet."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._buckets = Buckets(max(burst, 1), per_second)

    def admit(self, caller: str, cost: float) -> None:
        """Raises Problem 429 with the seconds to wait."""
        if self._buckets.per_second == UNLIMITED:
            return
        seconds = self._buckets.take(caller, cost, asyncio.get_running_loop().time())
        if seconds > 0:
            raise self._too_fast(1 + int(seconds))

    def _too_fast(self, seconds: int) -> Problem:
        size, per_second = self._buckets.size, self._buckets.per_second
        return Problem(
            429,
            "rate_limited",
            "Too many requests",
            f"{size:g} units at once and {per_second:g} more each second are yours; reading takes {READ}, changing "
            f"{CHANGE}, and what is expensive more.",
            todo="Wait for as long as Retry-After says, and ask less often; webhooks tell what happens.",
            retry_after_seconds=seconds,
            headers={
                "RateLimit-Policy": f'"caller";q={size:g};w={max(1, round(size / per_second))}',
                "RateLimit": f'"caller";r=0;t={seconds}',
            },
        )


def address_of(host: str | None) -> str:
    """Whom an address stands for: of IPv6 a whole /64, which one subscriber has."""
    if host and ":" in host:
        try:
            return f"address {ipaddress.ip_network((host.partition('%')[0], 64), strict=False)}"
        except ValueError:
            pass
    return f"address {host}"
