"""Usage records on this machine's disk until the control plane has them: segments that are appended to, and a mark.

A record is told again after a crash between telling and marking; its id makes that harmless.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aifactory_gateway.carried import Carried, unpacked
from aifactory_protocol.gateway import MAX_USAGE_RECORDS, UsageRecord

SEGMENT_BYTES = 8 * 1024**2
_FRAME = struct.Struct("<II")  # length, CRC-32
_MAX_RECORD_BYTES = 65_536


@dataclass(frozen=True, order=True)
class Mark:
    """Everything before this place has been delivered."""

    segment: int
    offset: int


class Spool:
    """One process's records in `folder`. Not for two processes at once."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._mark_file = folder / "delivered"
        self.delivered = self._read_mark()
        numbers = self._segments()
        self._number = max([self.delivered.segment, *numbers])
        self._cut_torn_end()
        self._open()

    def append(self, requests: list[bytes]) -> None:
        """Each as `Carried.packed`. In the kernel's hands when this returns: it survives the process, and the machine
        after `sync`."""
        frames: list[bytes] = []
        for data in requests:
            frames += (_FRAME.pack(len(data), zlib.crc32(data)), data)
        view = memoryview(b"".join(frames))
        self._size += len(view)
        while view:
            view = view[os.write(self._descriptor, view) :]
        if self._size >= self._segment_bytes:
            self._roll()

    def sync(self) -> None:
        """Onto the disk. Takes milliseconds: not on the loop."""
        os.fdatasync(self._descriptor)

    def pending(self, most: int = MAX_USAGE_RECORDS) -> tuple[list[UsageRecord], Mark]:
        """The oldest records that were not delivered, and the mark to `acknowledge` when they are."""
        found, mark = self.since(self.delivered, most)
        return [one.record() for one in found], mark

    @property
    def end(self) -> Mark:
        """Where the next record goes."""
        return Mark(self._number, self._size)

    def since(self, mark: Mark, most: int) -> tuple[list[Carried], Mark]:
        """At most so many requests from there on, and where they end."""
        requests: list[Carried] = []
        while len(requests) < most:
            found, offset = self._read(mark, most - len(requests))
            requests += found
            mark = Mark(mark.segment, offset)
            if len(requests) >= most or mark.segment >= self._number:
                break
            mark = Mark(mark.segment + 1, 0)
        return requests, mark

    def acknowledge(self, mark: Mark) -> None:
        """The control plane has everything before it."""
        aside = self._mark_file.with_suffix(".writing")
        aside.write_bytes(msgspec.json.encode(mark))
        aside.replace(self._mark_file)
        self.delivered = mark
        for number in self._segments():
            if number < mark.segment:
                self._path(number).unlink()

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self, mark: Mark, most: int) -> tuple[list[Carried], int]:
        path = self._path(mark.segment)
        if not path.exists():
            return [], mark.offset
        with path.open("rb") as file:
            file.seek(mark.offset)
            data = file.read(self._segment_bytes + _MAX_RECORD_BYTES)
        requests: list[Carried] = []
        at = 0
        while len(requests) < most and (size := _frame_at(data, at)):
            requests.append(unpacked(data[at + _FRAME.size : at + size]))
            at += size
        return requests, mark.offset + at

    def _cut_torn_end(self) -> None:
        """A frame that was half written when the machine went down was never taken from the journal."""
        path = self._path(self._number)
        if path.exists():
            data, at = path.read_bytes(), 0
            while size := _frame_at(data, at):
                at += size
            os.truncate(path, at)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path(self._number), flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _roll(self) -> None:
        os.close(self._descriptor)
        self._number += 1
        self._open()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}.usage"

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.usage"))

    def _read_mark(self) -> Mark:
        if not self._mark_file.exists():
            return Mark(0, 0)
        return msgspec.json.decode(self._mark_file.read_bytes(), type=Mark)


def _frame_at(data: bytes, at: int) -> int:
    """Bytes of the whole frame there, 0 when there is none."""
    if at + _FRAME.size > len(data):
        return 0
    size, checksum = _FRAME.unpack_from(data, at)
    end = at + _FRAME.size + size
    if end > len(data) or zlib.crc32(data[at + _FRAME.size : end]) != checksum:
        return 0
    return _FRAME.size + size
