"""Usage stays on the disk until it was delivered: in order, through crashes, and no longer than it has to."""

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.carried import request_id
from aifactory_gateway.spool import Mark, Spool
from aifactory_protocol.gateway import UsageRecord


def test_records_come_back_as_they_were_in_their_order(spool_folder, numbered):
    spool = Spool(spool_folder)
    assert spool.pending() == ([], spool.end) and spool.delivered == spool.end
    numbered.append(spool, 1, 2)
    spool.append([])
    numbered.append(spool, 3)
    records, mark = spool.pending()
    assert numbered.of(records) == [1, 2, 3] and mark == spool.end
    first = records[0]
    assert (first.id, first.key_id, first.tokens_out, first.outcome) == (request_id("b00t", 1), "key_1", 2, "ok")
    assert msgspec.json.decode(msgspec.json.encode(records), type=list[UsageRecord]) == records


def test_what_was_not_acknowledged_is_told_again(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1, 2, 3)
    records, mark = spool.pending(2)
    assert numbered.of(records) == numbered.of(spool.pending(2)[0]) == [1, 2]
    spool.acknowledge(mark)
    assert numbered.all_of(spool) == [3]
    numbered.append(spool, 4)
    assert numbered.all_of(spool) == [3, 4]


def test_the_mark_survives(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1, 2, 3)
    spool.acknowledge(spool.pending(2)[1])
    spool.close()
    (spool_folder / "delivered.writing").write_bytes(b"half of a ma")  # killed while it wrote the next one
    again = Spool(spool_folder)
    assert again.delivered == spool.delivered
    assert numbered.deliver(again) == [3]
    assert numbered.deliver(Spool(spool_folder)) == []


def test_what_was_delivered_does_not_stay(spool_folder, numbered):
    spool = Spool(spool_folder, segment_bytes=4 * numbered.frame)
    for number in range(1, 21):
        numbered.append(spool, number)
    assert len(numbered.segments(spool_folder)) == 6
    while records := spool.pending(3)[0]:
        first, mark = numbered.of(records)[0], spool.pending(3)[1]
        spool.acknowledge(mark)
        assert int(numbered.segments(spool_folder)[0].stem) == mark.segment
        assert first + len(records) - 1 == 20 or numbered.all_of(spool)[0] == first + len(records)
    assert len(numbered.segments(spool_folder)) == 1
    numbered.append(spool, 21)
    assert numbered.deliver(Spool(spool_folder, segment_bytes=4 * numbered.frame)) == [21]


steps = st.lists(
    st.tuples(st.just("append"), st.integers(0, 12))
    | st.tuples(st.just("deliver"), st.integers(1, 10))
    | st.tuples(st.just("tell in vain"), st.integers(1, 10))
    | st.tuples(st.just("start again"), st.sampled_from([0, 1, 3, 8, 400])),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_every_record_is_delivered_once_in_its_order(numbered, wanted):
    with tempfile.TemporaryDirectory() as name:
        spool, made, told = Spool(Path(name), 4 * numbered.frame), 0, []
        for what, amount in wanted:
            if what == "append":
                numbered.append(spool, *range(made + 1, made + amount + 1))
                made += amount
            elif what == "start again":
                spool.close()
                spool = Spool(Path(name), max(1, amount * numbered.frame))
            else:
                records, mark = spool.pending(amount)
                assert len(records) == min(amount, made - len(told))
                if what == "deliver":
                    told += numbered.of(records)
                    spool.acknowledge(mark)
        told += numbered.deliver(spool, 4)
        assert told == list(range(1, made + 1))
        assert numbered.deliver(Spool(Path(name), 4 * numbered.frame)) == []
        spool.close()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_what_follows_a_mark_is_read_page_by_page(numbered, before, pages):
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name), 3 * numbered.frame)
        begin = spool.delivered
        for number in range(1, 16):
            numbered.append(spool, number)
        _, mark = spool.since(Mark(0, 0), before)
        seen = list(range(1, before + 1))
        for most in pages:
            found, mark = spool.since(mark, most)
            seen += [one.number for one in found]
        assert seen == list(range(1, min(15, before + sum(pages)) + 1))
        assert spool.delivered == begin
        spool.close()


def test_a_spool_is_its_owners(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1)
    spool.sync()
    spool.close()
    assert spool_folder.stat().st_mode & 0o777 == 0o700
    assert numbered.segments(spool_folder)[0].stat().st_mode & 0o777 == 0o600


def test_starts_without_a_request_leave_no_row_of_empty_files(spool_folder, numbered):
    for _ in range(20):
        Spool(spool_folder).close()
    assert len(numbered.segments(spool_folder)) <= 2
