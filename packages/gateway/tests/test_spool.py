"""Usage stays on the disk until it was delivered: in order, through crashes, and no longer than it has to."""

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.carried import Carried, Facts, request_id
from aifactory_gateway.spool import Mark, Spool
from aifactory_protocol.gateway import UsageRecord

FACTS = Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "lease_1", "org/model:1", "ups_1", "price_1", 3, 7)


def packed(number: int) -> bytes:
    return Carried(FACTS, number, 0, number % 2 == 0, 1.0, number, 2 * number, "upstream", "ok", 2.0).packed()


FRAME = len(packed(1)) + 8


def numbers(records: list[UsageRecord]) -> list[int]:
    return [record.tokens_in for record in records]


def append(spool: Spool, *wanted: int) -> None:
    spool.append([packed(number) for number in wanted])


def all_of(spool: Spool) -> list[int]:
    return numbers(spool.pending(10_000)[0])


def deliver(spool: Spool, most: int = 1_000) -> list[int]:
    """Page by page until nothing comes, as `Sync` does."""
    told = []
    while True:
        records, mark = spool.pending(most)
        if not records:
            return told
        told += numbers(records)
        spool.acknowledge(mark)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.usage"))


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "state" / "spool"


def test_records_come_back_as_they_were_in_their_order(folder):
    spool = Spool(folder)
    assert spool.pending() == ([], spool.end) and spool.delivered == spool.end
    append(spool, 1, 2)
    spool.append([])
    append(spool, 3)
    records, mark = spool.pending()
    assert numbers(records) == [1, 2, 3] and mark == spool.end
    first = records[0]
    assert (first.id, first.key_id, first.tokens_out, first.outcome) == (request_id("b00t", 1), "key_1", 2, "ok")
    assert msgspec.json.decode(msgspec.json.encode(records), type=list[UsageRecord]) == records


def test_what_was_not_acknowledged_is_told_again(folder):
    spool = Spool(folder)
    append(spool, 1, 2, 3)
    records, mark = spool.pending(2)
    assert numbers(records) == numbers(spool.pending(2)[0]) == [1, 2]
    spool.acknowledge(mark)
    assert all_of(spool) == [3]
    append(spool, 4)
    assert all_of(spool) == [3, 4]


def test_the_mark_survives(folder):
    spool = Spool(folder)
    append(spool, 1, 2, 3)
    spool.acknowledge(spool.pending(2)[1])
    spool.close()
    (folder / "delivered.writing").write_bytes(b"half of a ma")  # killed while it wrote the next one
    again = Spool(folder)
    assert again.delivered == spool.delivered
    assert deliver(again) == [3]
    assert deliver(Spool(folder)) == []


def test_what_was_delivered_does_not_stay(folder):
    spool = Spool(folder, segment_bytes=4 * FRAME)
    for number in range(1, 21):
        append(spool, number)
    assert len(segments(folder)) == 6
    while records := spool.pending(3)[0]:
        first, mark = numbers(records)[0], spool.pending(3)[1]
        spool.acknowledge(mark)
        assert int(segments(folder)[0].stem) == mark.segment
        assert first + len(records) - 1 == 20 or all_of(spool)[0] == first + len(records)
    assert len(segments(folder)) == 1
    append(spool, 21)
    assert deliver(Spool(folder, segment_bytes=4 * FRAME)) == [21]


steps = st.lists(
    st.tuples(st.just("append"), st.integers(0, 12))
    | st.tuples(st.just("deliver"), st.integers(1, 10))
    | st.tuples(st.just("tell in vain"), st.integers(1, 10))
    | st.tuples(st.just("start again"), st.sampled_from([1, FRAME, 3 * FRAME, 2_000, 100_000])),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_every_record_is_delivered_once_in_its_order(wanted):
    with tempfile.TemporaryDirectory() as name:
        spool, made, told = Spool(Path(name), 4 * FRAME), 0, []
        for what, amount in wanted:
            if what == "append":
                append(spool, *range(made + 1, made + amount + 1))
                made += amount
            elif what == "start again":
                spool.close()
                spool = Spool(Path(name), amount)
            else:
                records, mark = spool.pending(amount)
                assert len(records) == min(amount, made - len(told))
                if what == "deliver":
                    told += numbers(records)
                    spool.acknowledge(mark)
        told += deliver(spool, 4)
        assert told == list(range(1, made + 1))
        assert deliver(Spool(Path(name), 4 * FRAME)) == []
        spool.close()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_what_follows_a_mark_is_read_page_by_page(before, pages):
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name), 3 * FRAME)
        begin = spool.delivered
        for number in range(1, 16):
            append(spool, number)
        _, mark = spool.since(Mark(0, 0), before)
        seen = list(range(1, before + 1))
        for most in pages:
            found, mark = spool.since(mark, most)
            seen += [one.number for one in found]
        assert seen == list(range(1, min(15, before + sum(pages)) + 1))
        assert spool.delivered == begin
        spool.close()


def test_a_spool_is_its_owners(folder):
    spool = Spool(folder)
    append(spool, 1)
    spool.sync()
    spool.close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert segments(folder)[0].stat().st_mode & 0o777 == 0o600


def test_starts_without_a_request_leave_no_row_of_empty_files(folder):
    for _ in range(20):
        Spool(folder).close()
    assert len(segments(folder)) <= 2
