"""What a crash or a bad disk leaves of the spool: nothing that was appended is lost, nothing damaged is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_gateway.spool import Spool

CHILD = """
import resource, sys
from pathlib import Path
from aifactory_gateway.carried import Carried, Facts
from aifactory_gateway.spool import Spool
facts = Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "lease_1", "org/model:1", "ups_1", "price_1", 3, 7)
spool = Spool(Path(sys.argv[1]), segment_bytes=2_000)
def packed(number):
    return Carried(facts, number, 0, False, 1.0, number, 2 * number, "upstream", "ok", 2.0).packed()
"""
BUSY = """
number = 0
while True:
    spool.append([packed(number + 1), packed(number + 2), packed(number + 3)])
    number += 3
    print(number, flush=True)
"""
FULL = """
spool.append([packed(1)])
resource.setrlimit(resource.RLIMIT_FSIZE, (spool.end.offset + 100, resource.RLIM_INFINITY))
try:
    spool.append([packed(2)])
except OSError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    spool.append([packed(3)])
    print("full", flush=True)
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_a_frame_that_was_half_written_is_not_told_and_stops_nothing_that_comes_later(spool_folder, batch, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1, 2)
    numbered.append(spool, *range(3, 3 + batch))
    spool.close()
    (path,) = numbered.segments(spool_folder)
    whole = path.read_bytes()
    for size in range(2 * numbered.frame, 3 * numbered.frame):
        torn = spool_folder / str(size)
        torn.mkdir()
        (torn / path.name).write_bytes(whole[:size])
        again = Spool(torn)
        numbered.append(again, 9)
        assert numbered.all_of(again) == numbered.deliver(again) == [1, 2, 9]
        again.close()


@pytest.mark.parametrize("offset", [0, 4, 8, 40, -1])
def test_a_corrupted_frame_is_not_told_and_stops_nothing_that_comes_later(spool_folder, offset, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1, 2)
    kept = spool.end.offset
    numbered.append(spool, 3)
    spool.close()
    (path,) = numbered.segments(spool_folder)
    data = bytearray(path.read_bytes())
    data[kept + offset if offset >= 0 else -1] ^= 0x40
    path.write_bytes(data)
    again = Spool(spool_folder)
    numbered.append(again, 4)
    assert numbered.deliver(again) == [1, 2, 4]


def test_a_corrupted_frame_in_an_old_segment_does_not_stop_the_later_ones(spool_folder, numbered):
    spool = Spool(spool_folder, segment_bytes=3 * numbered.frame)
    for number in range(1, 8):
        numbered.append(spool, number)
    spool.close()
    first = numbered.segments(spool_folder)[0]
    data = bytearray(first.read_bytes())
    data[numbered.frame + 20] ^= 0xFF  # the second of three
    first.write_bytes(data)
    told = numbered.deliver(Spool(spool_folder, segment_bytes=3 * numbered.frame))
    assert told[0] == 1 and told[-4:] == [4, 5, 6, 7] and 2 not in told


def test_a_corrupted_frame_costs_only_its_own_record(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1, 2, 3)
    spool.close()
    (path,) = numbered.segments(spool_folder)
    data = bytearray(path.read_bytes())
    data[numbered.frame + 20] ^= 0xFF  # a bit of the second; its length is right
    path.write_bytes(data)
    assert numbered.deliver(Spool(spool_folder)) == [1, 3]


def child(folder: Path, does: str, lines: int) -> str:
    """What it said last before it was killed."""
    said = ""
    words = [sys.executable, "-c", CHILD + does, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(lines):
            said = process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return said.strip()


@pytest.mark.parametrize("lines", [1, 30, 200])
def test_what_a_killed_process_had_appended_is_there(spool_folder, lines, numbered):
    said = int(child(spool_folder, BUSY, lines))
    told = numbered.deliver(Spool(spool_folder, segment_bytes=2_000), 100)
    assert told == list(range(1, len(told) + 1)) and len(told) >= said == 3 * lines


def test_a_disk_that_was_full_costs_only_what_did_not_fit(spool_folder, numbered):
    assert child(spool_folder, FULL, 1) == "full"
    assert numbered.deliver(Spool(spool_folder)) == [1, 3]


def test_zeros_at_the_end_are_cut_off_as_a_power_failure_leaves_them(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1)
    spool.close()
    (path,) = numbered.segments(spool_folder)
    os.truncate(path, path.stat().st_size + 4_096)
    again = Spool(spool_folder)
    numbered.append(again, 2)
    assert numbered.deliver(again) == [1, 2]


def test_a_mark_that_outlived_its_records_hides_nothing_new(spool_folder, numbered):
    """A power failure may keep the mark and lose the last second of the segment."""
    spool = Spool(spool_folder)
    numbered.append(spool, 1)
    kept = spool.end.offset
    numbered.append(spool, 2, 3)
    assert numbered.deliver(spool) == [1, 2, 3]
    spool.close()
    os.truncate(numbered.segments(spool_folder)[0], kept)
    again = Spool(spool_folder)
    numbered.append(again, 4)
    assert numbered.deliver(again) == [4]


def test_an_empty_mark_is_no_mark(spool_folder, numbered):
    spool = Spool(spool_folder)
    numbered.append(spool, 1)
    spool.close()
    (spool_folder / "delivered").write_bytes(b"")
    assert numbered.deliver(Spool(spool_folder)) == [1]


def test_a_batch_larger_than_a_segment_is_told_whole(spool_folder, numbered):
    spool = Spool(spool_folder, segment_bytes=1_000)
    numbered.append(spool, *range(1, 601))
    numbered.append(spool, 601)
    assert numbered.deliver(spool) == list(range(1, 602))


def test_when_all_was_told_the_mark_is_the_end(spool_folder, numbered):
    """Leases are given back only then."""
    spool = Spool(spool_folder, segment_bytes=3 * numbered.frame)
    numbered.append(spool, 1, 2, 3)
    assert numbered.deliver(spool, 3) == [1, 2, 3]
    assert spool.delivered == spool.end
