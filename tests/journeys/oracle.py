"""Recomputes a bill from what was recorded, knowing nothing of the code that made it: only JSON, SQL and arithmetic.

The rule: an allocation is billable in whole seconds of [active, release requested), both instants cut to the second.
Where the price changes in between, the time is cut there. A segment costs seconds × price per hour ÷ 3600, to nine
places, half to even; each line of the bill is rounded once to the minor unit, half to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any

NINE_PLACES = Decimal("0.000000001")
MINOR_UNIT = {"EUR": Decimal("0.01"), "AED": Decimal("0.01"), "JPY": Decimal("1"), "KWD": Decimal("0.001")}


@dataclass(frozen=True)
class Line:
    """One expected line: a stretch of one allocation under one price."""

    begins: datetime
    ends: datetime
    seconds: int
    price_per_hour: Decimal
    exact: Decimal
    amount: Decimal


def whole_second(instant: Any) -> datetime:
    """The instant without its fraction, in UTC; from RFC 3339 text or a database's datetime."""
    found = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return found.astimezone(UTC).replace(microsecond=0)


def billable(active_at: Any, release_requested_at: Any) -> tuple[datetime, datetime] | None:
    """What is billed, or None when it never became active (then nothing is)."""
    if active_at is None or release_requested_at is None:
        return None
    begins, ends = whole_second(active_at), whole_second(release_requested_at)
    return (begins, max(begins, ends))


def lines(span: tuple[datetime, datetime] | None, prices: list[tuple[Any, Any]], currency: str) -> list[Line]:
    """Expected lines of `span` under `prices`: pairs (effective from, price per hour)."""
    if span is None:
        return []
    begins, ends = span
    history = sorted((whole_second(since), Decimal(str(price))) for since, price in prices)
    cuts = sorted({begins, ends, *(since for since, _ in history if begins < since < ends)})
    found = []
    for start, stop in pairwise(cuts):
        price = [amount for since, amount in history if since <= start][-1]
        seconds = int((stop - start).total_seconds())
        exact = (seconds * price / Decimal(3600)).quantize(NINE_PLACES, ROUND_HALF_EVEN)
        found.append(Line(start, stop, seconds, price, exact, exact.quantize(MINOR_UNIT[currency], ROUND_HALF_EVEN)))
    return found


def total(expected: list[Line]) -> Decimal:
    return sum((line.amount for line in expected), Decimal(0))
