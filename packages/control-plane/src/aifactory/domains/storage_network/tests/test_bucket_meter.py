"""Samples become use: nothing is lost and nothing doubled, in whatever order restarts, pauses and late samples come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aifactory.domains.storage_network.bucket_meter import GAP, Meter, grown, sampled
from aifactory.domains.storage_network.ports import BucketUsage, Counter

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def seconds(count):
    return timedelta(seconds=count)


def test_space_counts_with_the_size_that_was_seen_until_the_next_sample():
    meter, _, _ = sampled(Meter(NOON, NOON), 0, BucketUsage(500, None, None), NOON + seconds(10))
    assert meter.byte_seconds == 0
    meter, _, _ = sampled(meter, 500, BucketUsage(100, None, None), NOON + seconds(30))
    assert meter.byte_seconds == Decimal(500 * 20) and not meter.due
    meter, _, _ = sampled(meter, 100, BucketUsage(0, None, None), NOON + seconds(60))
    assert meter.byte_seconds == Decimal(500 * 20 + 100 * 30) and meter.due
    assert meter.closed() == Meter(NOON + seconds(60), NOON + seconds(60))


def test_a_time_without_samples_counts_with_the_smaller_size():
    meter, _, _ = sampled(Meter(NOON, NOON), 500, BucketUsage(10, None, None), NOON + GAP + seconds(1))
    assert meter.byte_seconds == 10 * (GAP.seconds + 1)


def test_a_sample_that_is_older_changes_nothing():
    meter = Meter(NOON, NOON + seconds(10), received_begun="1", received_count=5)
    assert sampled(meter, 9, BucketUsage(9, Counter("1", 50), None), NOON + seconds(9)) == (meter, 0, 0)


def test_a_counter_that_began_anew_counts_whole_also_when_it_has_passed_its_old_value():
    assert grown("1", 100, Counter("2", 150)).by == 150
    assert grown("2", 150, Counter("1", 400)).by == 0, "an old reading"
    assert grown("2", 150, Counter("2", 120)).by == 0, "an old reading"
    assert grown("2", 150, None).by == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from(["move", "sample", "again", "restart", "forget"])), max_size=40
    )
)
def test_what_was_moved_is_what_was_counted_up_to_the_last_sample_before_each_restart(story):
    begun, value, counted, expected = 1, 0, 0, 0
    meter, at, present = Meter(NOON, NOON), NOON, True
    unseen = 0
    for size, what in story:
        if what == "move":
            if not present:
                begun, value, present = begun + 1, 0, True
            value, unseen = value + size, unseen + size
        elif what == "forget" and unseen == 0:  # only an idle counter is forgotten
            present = False
        elif what == "restart":
            present, unseen = False, 0  # what no sample saw is lost to everybody
        elif what in ("sample", "again"):
            at += seconds(1) if what == "sample" else seconds(0)
            counter = Counter(f"{begun:010d}", value) if present else None
            before = meter
            meter, by, _ = sampled(meter, 0, BucketUsage(0, counter, None), at)
            counted += by
            if meter is not before:
                expected, unseen = expected + unseen, 0
    assert counted == expected == meter.received_bytes
