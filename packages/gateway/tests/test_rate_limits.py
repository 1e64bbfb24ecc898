"""A key goes no faster than its limits, whoever asks when; what was only estimated is corrected afterwards."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.rate_limits import DAY_SECONDS, MINUTE_SECONDS, KeyRates, Rates
from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import GatewayKey, KeyLimits

EPSILON = 1e-6


def key(limits: KeyLimits = KeyLimits(), id: str = "key_1") -> GatewayKey:
    return GatewayKey(id, "aGFzaA", "tnt_1", "prj_1", "acct_1", datetime(2100, 1, 1, tzinfo=UTC), limits=limits)


def admits(rates: KeyRates, tokens: int, now: float, streams: bool = False) -> bool:
    return refusal_of(rates, tokens, now, streams) is None


def refusal_of(rates: KeyRates, tokens: int, now: float, streams: bool = False) -> Refusal | None:
    try:
        rates.admit(tokens, streams, now)
    except Refusal as refusal:
        return refusal
    return None


def told(rates: KeyRates, what: str) -> tuple[int, int, int]:
    """Limit, remaining and milliseconds to a full bucket, as the caller reads them."""
    lines = dict(line.split(": ") for line in rates.headers().decode().splitlines())
    limit, remaining, reset = (lines[f"x-ratelimit-{name}-{what}"] for name in ("limit", "remaining", "reset"))
    return int(limit), int(remaining), int(reset.removesuffix("ms"))


def remaining(rates: KeyRates, now: float) -> int:
    assert admits(rates, 0, now)
    return told(rates, "tokens")[1]


arrivals = st.lists(
    st.tuples(st.floats(0, 40) | st.sampled_from([0.0, 0.001, 59.999, 60.0, 86_400.0]), st.integers(0, 150)),
    max_size=40,
)


def most_in_a_window(admitted: list[tuple[float, int]], capacity: int, period: float) -> float:
    """By how much the fullest window went over what the bucket may give in it; below zero: nowhere."""
    rate, over = capacity / period, float("-inf")
    for first in range(len(admitted)):
        taken = 0
        for at, amount in admitted[first:]:
            taken += amount
            over = max(over, taken - (capacity + rate * (at - admitted[first][0])))
    return over


@settings(max_examples=100, deadline=None)
@given(arrivals, st.integers(1, 100))
def test_no_window_has_more_requests_than_its_bucket_gives(sent, limit):
    rates, now, admitted = KeyRates(KeyLimits(requests_per_minute=limit), 0.0), 0.0, []
    for pause, tokens in sent:
        now += pause
        if admits(rates, tokens, now):
            admitted.append((now, 1))
    assert most_in_a_window(admitted, limit, MINUTE_SECONDS) <= EPSILON


@settings(max_examples=80, deadline=None)
@given(arrivals, st.integers(1, 200), st.sampled_from(["tokens_per_minute", "tokens_per_day"]))
def test_no_window_has_more_tokens_than_its_bucket_gives(sent, limit, name):
    rates, now, admitted = KeyRates(KeyLimits(**{name: limit}), 0.0), 0.0, []
    for pause, tokens in sent:
        now += pause
        if admits(rates, tokens, now):
            admitted.append((now, min(tokens, limit)))  # what is more is taken when it is known
    period = DAY_SECONDS if name == "tokens_per_day" else MINUTE_SECONDS
    assert most_in_a_window(admitted, limit, period) <= EPSILON


@settings(max_examples=100, deadline=None)
@given(arrivals, st.integers(1, 40), st.integers(1, 400))
def test_every_limit_holds_beside_the_others(sent, requests, tokens_a_minute):
    limits = KeyLimits(requests, tokens_a_minute, tokens_a_minute * 3)
    together, alone = KeyRates(limits, 0.0), KeyRates(KeyLimits(tokens_per_minute=tokens_a_minute), 0.0)
    now = 0.0
    for pause, tokens in sent:
        now += pause
        if admits(together, tokens, now):
            assert alone is None or admits(alone, tokens, now)
        else:
            alone = None  # from here on it has had less to carry


# A limit of 60·2^k gives 2^k a second: with times in eighths of a second nothing is rounded, and equal is equal.
exact_limits = st.sampled_from([60, 240, 1_920])
exact_arrivals = st.lists(st.tuples(st.integers(0, 160), st.integers(0, 3_000)), max_size=30)


@settings(max_examples=80, deadline=None)
@given(exact_arrivals, exact_limits, exact_limits, st.integers(0, 30))
def test_who_was_refused_has_taken_nothing(sent, requests, tokens_a_minute, streams):
    """Its twin sees only what was admitted, and cannot be told from it."""
    limits = KeyLimits(requests, tokens_a_minute, 86_400, streams or None)
    asked, twin, now = KeyRates(limits, 0.0), KeyRates(limits, 0.0), 0.0
    for eighths, tokens in sent:
        now += eighths / 8
        if admits(asked, tokens, now, tokens % 2 == 0):
            assert admits(twin, tokens, now, tokens % 2 == 0)
            assert (asked.headers(), asked.streams) == (twin.headers(), twin.streams)
    refusals = [refusal_of(rates, 100_000, now) for rates in (asked, twin)]
    assert len({refusal and (refusal.message, refusal.retry_after_seconds) for refusal in refusals}) == 1


@settings(max_examples=80, deadline=None)
@given(exact_arrivals, exact_limits)
def test_who_waits_as_long_as_it_was_told_is_admitted(sent, limit):
    rates, now = KeyRates(KeyLimits(limit, limit * 4, 86_400), 0.0), 0.0
    for eighths, tokens in sent:
        now += eighths / 8
        waited = 0
        while (refusal := refusal_of(rates, tokens, now)) is not None:
            assert refusal.retry_after_seconds > 0
            now += refusal.retry_after_seconds + 1e-9
            waited += 1
        assert waited <= 3  # each bucket may have its own time


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 200)), max_size=20))
def test_what_was_estimated_is_made_true(requests):
    limit = 1_000
    rates, truth = KeyRates(KeyLimits(tokens_per_minute=limit), 0.0), 0
    admitted = [(estimate, used) for estimate, used in requests if admits(rates, estimate, 0.0)]
    for estimate, used in reversed(admitted):
        rates.correct(estimate, used, False)
        truth += used
    refusal = refusal_of(rates, 1, 0.0)
    if truth < limit:
        assert refusal is None and told(rates, "tokens")[1] == limit - truth - 1
    else:
        assert refusal.retry_after_seconds == pytest.approx((truth - limit + 1) * MINUTE_SECONDS / limit)


def test_a_request_that_is_larger_than_the_limit_waits_for_a_full_bucket_and_empties_it():
    rates = KeyRates(KeyLimits(tokens_per_minute=60), 0.0)
    assert admits(rates, 1, 0.0)
    assert refusal_of(rates, 600, 0.5).retry_after_seconds == 0.5
    assert admits(rates, 600, 1.0)
    assert refusal_of(rates, 1, 1.0).retry_after_seconds == 1
    rates.correct(600, 20, False)
    assert remaining(rates, 1.0) == 40


def test_what_was_used_beyond_the_estimate_is_a_debt_that_is_waited_for():
    rates = KeyRates(KeyLimits(tokens_per_minute=60), 0.0)
    assert admits(rates, 600, 0.0)
    rates.correct(600, 620, False)
    assert refusal_of(rates, 1, 0.0).retry_after_seconds == 561


def test_a_refusal_says_which_limit_and_when_to_come_again():
    rates = KeyRates(KeyLimits(2, 100), 0.0)
    assert refusal_of(rates, 60, 0.0) is None
    refusal = refusal_of(rates, 60, 0.0)
    assert (refusal.status, refusal.code, refusal.closes) == (429, "rate_limit_exceeded", False)
    assert "100 tokens a minute" in refusal.message and refusal.retry_after_seconds == pytest.approx(12)
    assert refusal_of(rates, 1, 0.0) is None
    refusal = refusal_of(rates, 1, 0.0)
    assert "2 requests a minute" in refusal.message and refusal.retry_after_seconds == pytest.approx(30)


def test_no_limit_refuses_nothing_and_tells_nothing():
    rates = KeyRates(KeyLimits(), 0.0)
    assert all(admits(rates, 10**9, 0.0, True) for _ in range(1_000))
    assert rates.headers() == b"" and rates.streams == 1_000


def test_the_caller_reads_what_is_left_and_when_all_is_there_again():
    rates = KeyRates(KeyLimits(60, 600, 10_000), 0.0)
    assert admits(rates, 300, 0.0)
    assert (told(rates, "requests"), told(rates, "tokens")) == ((60, 59, 1_000), (600, 300, 30_000))
    assert rates.headers().count(b"\r\n") == 6  # OpenAI has no name for the day's
    assert admits(rates, 0, 30.0)
    assert told(rates, "tokens") == (600, 600, 0)
    rates.correct(0, 900, False)
    assert told(rates, "tokens") == (600, 0, 90_000)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.lists(st.booleans(), max_size=30))
def test_streams_at_once_are_never_more_than_allowed(most, begins):
    rates, open_streams = KeyRates(KeyLimits(streams=most), 0.0), 0
    for does_begin in begins:
        if does_begin:
            admitted = admits(rates, 1, 0.0, True)
            assert admitted == (open_streams < most)
            open_streams += admitted
        elif open_streams:
            rates.correct(1, 1, True)
            open_streams -= 1
        assert rates.streams == open_streams
        assert admits(rates, 1, 0.0, False)


def test_a_stream_too_many_is_told_so_and_takes_no_place():
    rates = KeyRates(KeyLimits(requests_per_minute=2, streams=1), 0.0)
    assert admits(rates, 1, 0.0, True)
    refusal = refusal_of(rates, 1, 0.0, True)
    assert (refusal.status, refusal.code) == (429, "too_many_streams")
    assert admits(rates, 1, 0.0, False)


def test_a_key_keeps_its_rates_from_snapshot_to_snapshot_while_its_limits_are_the_same():
    rates, limits = Rates(), KeyLimits(1)
    assert admits(rates.of(key(limits), 0.0), 1, 0.0)
    rates.forget_all_but({"key_1"})
    assert not admits(rates.of(key(KeyLimits(1)), 0.0), 1, 0.0)
    assert admits(rates.of(key(limits, "key_2"), 0.0), 1, 0.0)
    assert admits(rates.of(key(KeyLimits(2)), 0.0), 1, 0.0)


def test_a_key_that_is_gone_is_forgotten_when_its_last_stream_has_ended():
    rates = Rates()
    before = rates.of(key(), 0.0)
    before.admit(1, True, 0.0)
    rates.forget_all_but(set())
    assert rates.of(key(), 0.0) is before
    before.correct(1, 1, True)
    rates.forget_all_but(set())
    assert rates.of(key(), 0.0) is not before


def test_a_stream_that_ends_after_the_limits_have_changed_leaves_its_place():
    rates = Rates()
    before = rates.of(key(KeyLimits(streams=1)), 0.0)
    before.admit(1, True, 0.0)
    assert rates.of(key(KeyLimits(streams=2)), 0.0).streams == 1
    before.correct(1, 1, True)
    assert rates.of(key(KeyLimits(streams=2)), 0.0).streams == 0


def test_no_more_is_told_to_be_left_than_the_limit():
    rates = KeyRates(KeyLimits(tokens_per_minute=100), 0.0)
    assert admits(rates, 50, 0.0) and admits(rates, 1, 60.0)
    rates.correct(50, 0, False)
    limit, left, reset = told(rates, "tokens")
    assert left <= limit and reset >= 0


@pytest.mark.parametrize("estimate", [10**18, 10**30, pytest.param(10**309, id="more than a float holds")])
def test_a_huge_estimate_is_corrected_to_the_token(estimate):
    rates = KeyRates(KeyLimits(tokens_per_minute=1_000), 0.0)
    assert admits(rates, estimate, 0.0)
    rates.correct(estimate, 10, False)
    assert remaining(rates, 0.0) == 990
