"""A process that is killed at any moment leaves each of its requests in the journal, in its true state."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.carried import MAX_FACTS_BYTES, MOST, OUTCOMES, SOURCES, Carried, Facts, encode_facts, unpacked
from aifactory_gateway.journal import SLOT_BYTES, Journal
from aifactory_gateway.refusal import Refusal

FACTS = Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "lease_1", "model", "ups_1", "price_1", 3, 7)
PACKED = encode_facts(FACTS)
CHILD = """
import sys, time
from pathlib import Path
from aifactory_gateway.carried import Facts, encode_facts
from aifactory_gateway.journal import Journal
facts = encode_facts(Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "lease_1", "model", "ups_1", "price_1", 3, 7))
journal = Journal(Path(sys.argv[1]), slots=64)
def begin(number):
    return journal.begin(number, 10 * number, number % 2 == 0, 1000.0 + number, facts)
def end(slot, number, outcome="ok", source="upstream"):
    journal.end(slot, number, 2 * number, source, outcome, 2000.0 + number, "lease_1", 17 * number)
"""
STILL = """
slots = {number: begin(number) for number in range(1, 13)}
for number in (1, 2): end(slots[number], number)
for slot, *_ in journal.take_ended(): journal.free(slot)          # in the spool already
for number in (3, 4): end(slots[number], number)
journal.take_ended()                                              # taken, and perhaps in the spool
for number in (5, 6): end(slots[number], number)
end(slots[7], 7, "client_gone")
end(slots[8], 8, "upstream_failed", "none")
end(slots[9], 9, "ok", "estimate")
journal.cancel(slots[10])
journal.count(slots[11], 4); journal.count(slots[11], 5)
print("ready", flush=True)
time.sleep(60)
"""
BUSY = """
number, kept = 0, []
while True:
    number += 1
    slot = begin(number)
    journal.count(slot, number)
    end(slot, number)
    kept.append(begin(number + 10**9))
    if number % 16 == 0:
        for slot, *_ in journal.take_ended(): journal.free(slot)
        for slot in kept: journal.cancel(slot)
        kept.clear()
        print(number, flush=True)
"""


def left_by_a_killed_process(path: Path, does: str, lines: int) -> tuple[list[Carried], str]:
    """What is left when it was killed after so many lines, and the last of them."""
    said = ""
    child = subprocess.Popen([sys.executable, "-c", CHILD + does, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(lines):
            said = child.stdout.readline()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    journal = Journal(path, slots=64)
    left = [one for _, one in journal.left_behind()]
    journal.close()
    return left, said


def ended(number: int, outcome: str = "ok", source: str = "upstream") -> Carried:
    times = 1000.0 + number, 2000.0 + number
    return Carried(
        FACTS, number, 10 * number, number % 2 == 0, times[0], number, 2 * number, source, outcome, times[1]
    )  # fmt: skip


def interrupted(number: int, passed: int) -> Carried:
    started = 1000.0 + number
    return Carried(
        FACTS, number, 10 * number, number % 2 == 0, started, 0, passed, "estimate", "interrupted", started
    )  # fmt: skip


def test_a_killed_process_leaves_each_request_in_its_state(tmp_path):
    left, said = left_by_a_killed_process(tmp_path / "journal", STILL, 1)
    assert said == "ready\n"
    assert sorted(left, key=lambda one: one.number) == [
        *(ended(number) for number in (3, 4, 5, 6)),
        ended(7, "client_gone"),
        ended(8, "upstream_failed", "none"),
        ended(9, "ok", "estimate"),
        interrupted(11, 5),
        interrupted(12, 0),
    ]


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_a_process_killed_at_any_moment_leaves_nothing_half_written(tmp_path, lines):
    left, said = left_by_a_killed_process(tmp_path / "journal", BUSY, lines)
    assert int(said) == 16 * lines
    assert max(Counter(one.number for one in left).values(), default=1) == 1
    for one in left:
        number = one.number
        if one.outcome == "ok":
            assert one == ended(number)
        elif number > 10**9:
            assert one == interrupted(number, 0)
        else:
            assert one in [interrupted(number, passed) for passed in (0, number, 2 * number)]
    assert sum(one.outcome == "ok" for one in left) <= 16


def begin(journal: Journal, number: int = 1, **more) -> int:
    wanted = {"held": 5, "streamed": False, "started": 1.5, "facts": PACKED} | more
    return journal.begin(number, *wanted.values())


def end(journal: Journal, slot: int, tokens: tuple[int, int] = (3, 4), outcome: str = "ok") -> None:
    journal.end(slot, *tokens, "upstream", outcome, 9.5, "lease_1", 77)


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal", slots=4)
    yield made
    made.close()


def test_what_has_ended_is_taken_once(journal):
    slots = [begin(journal, number, streamed=True) for number in (1, 2)]
    assert (journal.running, journal.take_ended()) == (2, [])
    end(journal, slots[1])
    ((slot, data, lease_id, femtos),) = journal.take_ended()
    assert (slot, lease_id, femtos) == (slots[1], "lease_1", 77)
    assert unpacked(data) == Carried(FACTS, 2, 5, True, 1.5, 3, 4, "upstream", "ok", 9.5)
    assert journal.take_ended() == [] and journal.running == 1
    end(journal, slots[0])
    assert [one[0] for one in journal.take_ended()] == [slots[0]] and journal.running == 0


def test_a_slot_is_free_again_only_when_it_was_freed(journal):
    slots = [begin(journal, number) for number in range(4)]
    assert len(set(slots)) == 4
    for slot in slots:
        end(journal, slot)
    journal.take_ended()
    with pytest.raises(Refusal) as caught:
        begin(journal)
    assert (caught.value.status, caught.value.code, journal.running) == (503, "gateway_full", 0)
    journal.free(slots[2])
    assert begin(journal) == slots[2]


def test_what_never_reached_an_upstream_leaves_nothing(journal, tmp_path):
    journal.cancel(begin(journal))
    assert journal.running == 0 and journal.take_ended() == []
    again = Journal(tmp_path / "journal", slots=4)
    assert list(again.left_behind()) == []
    again.close()


def test_facts_that_do_not_fit_are_refused_and_take_no_slot(journal):
    for size in (SLOT_BYTES, MAX_FACTS_BYTES, 2**17):
        with pytest.raises(Refusal) as caught:
            begin(journal, facts=b"x" * size)
        assert caught.value.code == "record_too_large"
    assert journal.running == 0 and len({begin(journal, number) for number in range(4)}) == 4


def test_the_longest_ids_and_names_fit(journal):
    id = "a" * 16 + "_" + "b" * 64
    facts = Facts("0" * 24, id, id, id, id, id, "m" * 200, id, id, 2**62, 2**62)
    end(journal, begin(journal, facts=encode_facts(facts)))
    ((_, data, _, _),) = journal.take_ended()
    assert unpacked(data).facts == facts


def test_a_hold_larger_than_a_slot_can_say_is_the_largest_it_can(journal, tmp_path):
    begin(journal, held=MOST + 1)
    again = Journal(tmp_path / "journal", slots=4)
    assert [one.held for _, one in again.left_behind()] == [MOST]
    again.close()


def test_a_journal_grows_and_never_loses_a_slot(tmp_path):
    small = Journal(tmp_path / "journal", slots=3)
    for number in (1, 2, 3):
        begin(small, number)
    small.close()
    for slots in (8, 2):
        other = Journal(tmp_path / "journal", slots=slots)
        assert [one.number for _, one in other.left_behind()] == [1, 2, 3]
        other.close()
    last = Journal(tmp_path / "journal", slots=1)
    behind = dict(last.left_behind())
    taken = {begin(last, number) for number in range(5)}
    assert len(taken) == 5 and not taken & behind.keys()
    for slot in behind:
        last.free(slot)
    assert {begin(last) for _ in range(3)} == behind.keys()
    last.close()


def test_a_journal_is_its_owners_and_no_link(tmp_path):
    Journal(tmp_path / "journal", slots=1).close()
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "journal")
    with pytest.raises(OSError):
        Journal(tmp_path / "link", slots=1)


tokens = st.integers(0, 2**40)
requests = st.lists(
    st.tuples(
        st.integers(0, MOST), st.integers(0, 2**70), st.booleans(), st.floats(0, 2**40),
        st.none() | st.tuples(tokens, tokens, st.sampled_from(SOURCES), st.sampled_from(OUTCOMES)),
        tokens, st.text(max_size=40),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(requests)
def test_the_next_process_reads_what_was_written(wanted):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        first, expected = Journal(path, slots=8), []
        for number, held, streamed, started, result, passed, model in wanted:
            facts = Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "", model, "ups_1", "price_1", 0, 2**62)
            slot = first.begin(number, held, streamed, started, encode_facts(facts))
            first.count(slot, passed)
            one = Carried(
                facts, number, min(held, MOST), streamed, started, 0, passed, "estimate", "interrupted", started
            )
            if result is not None:
                first.end(slot, *result, started + 1, "", 0)
                one.end(*result, started + 1)
            expected.append(one)
        assert [unpacked(data) for _, data, _, _ in first.take_ended()] == [
            one for one, (*_, result, _, _) in zip(expected, wanted, strict=True) if result is not None
        ]
        first.close()
        second = Journal(path, slots=8)
        assert [one for _, one in second.left_behind()] == expected
        second.close()


@pytest.mark.parametrize("at", [1, 2, 56], ids=["source", "outcome", "facts"])
def test_a_slot_that_cannot_be_read_does_not_hide_the_others(tmp_path, at):
    path = tmp_path / "journal"
    first = Journal(path, slots=3)
    for number in (1, 2, 3):
        end(first, begin(first, number))
    first.close()
    data = bytearray(path.read_bytes())
    data[SLOT_BYTES + at] = 0xC1  # nothing that is ever written there; in MessagePack it is no type
    path.write_bytes(data)
    second = Journal(path, slots=3)
    assert {1, 3} <= {one.number for _, one in second.left_behind()} <= {1, 2, 3}
