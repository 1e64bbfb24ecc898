"""Quotes: what something would cost, computed and not stored. The id says what was quoted, so it can be checked later."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aifactory.domains.billing.prices import PriceView, price_in_force
from aifactory.domains.billing.store import catalogue
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, invalid
from aifactory.kernel.money import Money

HOLD_AHEAD = timedelta(hours=1)
VALID_FOR = timedelta(minutes=10)
MAX_COUNT = 1_000
MAX_HOURS = Decimal(8_784)  # a leap year
TIMED = ("hour", "gb_hour")  # units of what costs money while it runs; the others are counted
_ID = re.compile(r"^quote_([0-9a-z]{26})_([0-9a-f]{1,12})$")


@dataclass(frozen=True)
class QuoteLine:
    """The part of the time that falls under one price, for one piece; `amount` is rounded as a bill's line is."""

    from_at: datetime
    to_at: datetime
    seconds: int
    price_per_hour: Money
    exact_amount: Money
    amount: Money


@dataclass(frozen=True)
class QuoteView:
    """`total` covers `count` pieces for `hours`; `hold` is what a launch sets aside at once (an hour ahead for each)."""

    id: str
    sku: str
    region_id: str
    count: int
    hours: Decimal
    unit_price: Money
    total: Money
    hold: Money
    currency: str
    valid_until: datetime
    lines: list[QuoteLine]


async def quote(tx: Tx, sku: str, region_id: str, count: int, hours: Decimal) -> QuoteView:
    seconds = _check(count, hours)
    price = await price_in_force(tx, sku, region_id, None)
    check_timed(price)
    start = (await tx.now()).replace(microsecond=0)
    currency = price.price.currency
    rows = await catalogue.priced_span(tx, sku, region_id, start, start + timedelta(seconds=seconds))
    hold = await catalogue.hold_for_span(tx, sku, region_id, start, start + HOLD_AHEAD)
    valid_until = _valid_until(start, price)
    total = sum((row.amount for row in rows), Decimal(0)) * count
    return QuoteView(
        quote_id(price.id, valid_until), sku, region_id, count, hours, price.price, Money(total, currency),
        Money(hold * count, currency), currency, valid_until, [_line(row) for row in rows],
    )  # fmt: skip


def check_timed(price: PriceView) -> None:
    """Raises Problem 422 for what is paid by the GB or the token: so much of it an hour is nobody's promise."""
    if price.unit not in TIMED:
        raise invalid(
            "sku",
            f"{price.sku} is paid by what is used, not by the hour.",
            "Multiply its price by what you expect to use.",
        )


def _check(count: int, hours: Decimal) -> int:
    if not 1 <= count <= MAX_COUNT:
        raise invalid("count", f"Between 1 and {MAX_COUNT}.")
    if not hours.is_finite() or not 0 < hours <= MAX_HOURS:
        raise invalid("hours", f"More than 0 and at most {MAX_HOURS}.")
    return max(1, int(hours * 3600))


def _line(row: catalogue.PricedRow) -> QuoteLine:
    return QuoteLine(
        row.from_at, row.to_at, row.seconds, Money(row.price_per_hour, row.currency),
        Money(row.exact_amount, row.currency), Money(row.amount, row.currency),
    )  # fmt: skip


def _valid_until(start: datetime, price: PriceView) -> datetime:
    """Not beyond the next scheduled price: a quote never promises what a later price would break."""
    end = start + VALID_FOR
    return min(end, price.next_price.effective_at) if price.next_price else end


def quote_id(price_id: str, valid_until: datetime) -> str:
    """Nothing secret and nothing trusted: the price is read again when it is used."""
    return f"quote_{price_id.removeprefix('price_')}_{int(valid_until.timestamp()):x}"


def check_quote(id: str, price: PriceView, now: datetime) -> None:
    """A launch that names a quote gets its price or a refusal that says why. Raises Problem 409 or 422."""
    match = _ID.match(id)
    if match is None:
        raise invalid(
            "quote_id", "This is not the id of a quote.", "Ask for a quote and send its id, or leave quote_id out."
        )
    if now > datetime.fromtimestamp(int(match[2], 16), UTC):
        raise _stale("quote_expired", "The quote is not valid any more.")
    if f"price_{match[1]}" != price.id:
        raise _stale("quote_changed", "The quote is for another sku or region, or the price has changed since.")


def _stale(code: str, detail: str) -> Problem:
    return conflict(code, detail, "Ask for a new quote and decide again.")
