"""The oracle itself, on numbers worked out by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import oracle

START = datetime(2026, 11, 23, 10, 0, 0, 900_000, UTC)


def test_fractions_of_seconds_are_cut_at_both_ends() -> None:
    span = oracle.billable(START, "2026-11-23T10:00:07.100000+00:00")
    (line,) = oracle.lines(span, [("2026-01-01T00:00:00Z", "100.01")], "EUR")
    assert (line.seconds, line.exact, line.amount) == (7, Decimal("0.194463889"), Decimal("0.19"))


def test_a_price_change_cuts_a_line_in_two_and_each_is_rounded_once() -> None:
    span = oracle.billable(START, "2026-11-23T10:00:10Z")
    history = [("2026-01-01T00:00:00Z", "100"), ("2026-11-23T10:00:04Z", "700.07"), ("2027-01-01T00:00:00Z", "1")]
    first, second = oracle.lines(span, history, "EUR")
    assert (first.seconds, first.exact, first.amount) == (4, Decimal("0.111111111"), Decimal("0.11"))
    assert (second.seconds, second.exact, second.amount) == (6, Decimal("1.166783333"), Decimal("1.17"))
    assert oracle.total([first, second]) == Decimal("1.28")


def test_halves_go_to_even() -> None:
    span = oracle.billable("2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z")
    amounts = [oracle.lines(span, [("2026-01-01T00:00:00Z", price)], "EUR")[0].amount for price in ("18", "54")]
    assert amounts == [Decimal("0.00"), Decimal("0.02")]


def test_what_never_was_active_costs_nothing() -> None:
    assert oracle.lines(oracle.billable(None, START), [], "EUR") == []
