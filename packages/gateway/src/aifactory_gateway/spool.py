"""Usage records on this machine's disk until the control plane has them: segments that are appended to, and a mark.

A record is told again after a crash between telling and marking; its id makes that harmless. Each process begins a segment
of its own, so that nothing is ever written behind what a crash has torn.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from aifactory_gateway.carried import Carried, unpacked
from aifactory_protocol.gateway import MAX_USAGE_RECORDS, UsageRecord

_log = logging.getLogger(__name__)

SEGMENT_BYTES = 8 * 1024**2
MAX_RECORD_BYTES = 65_536
READ_BYTES = 65_536
_FRAME = struct.Struct("<II")  # length, CRC-32


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
        self._size = 0
        self._full: list[int] = []
        self._segment_bytes = segment_bytes
        self._mark_file = folder / "delivered"
        marked = self._read_mark()
        before = self._segments()
        for number in before:
            if not self._path(number).lstat().st_size:  # a start without traffic
                self._path(number).unlink()
        self._number = max([marked.segment, *before]) + 1 if before or marked.segment else 0
        self._open()
        self.delivered = self._settled(marked)

    def append(self, requests: list[bytes]) -> None:
        """Each as `Carried.packed`. In the kernel's hands when this returns: it survives the process, and the machine
        after `sync`. Raises OSError, and then nothing of it was written."""
        frames: list[bytes] = []
        for data in requests:
            frames += (_FRAME.pack(len(data), zlib.crc32(data)), data)
        view = memoryview(b"".join(frames))
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size = os.fstat(self._descriptor).st_size
        if self._size >= self._segment_bytes:
            self._full.append(self._descriptor)
            self._number += 1
            self._open()

    def sync(self) -> None:
        """Onto the disk. Takes milliseconds, so it may run in a thread beside `append`: only it closes full segments."""
        full, self._full = self._full, []
        for descriptor in (*full, self._descriptor):
            os.fdatasync(descriptor)
        for descriptor in full:
            os.close(descriptor)

    @property
    def end(self) -> Mark:
        """Where the next record goes."""
        return Mark(self._number, self._size)

    def pending(self, most: int = MAX_USAGE_RECORDS) -> tuple[list[UsageRecord], Mark]:
        """The oldest records that were not delivered, and the mark to `acknowledge` when they are."""
        found, mark = self.since(self.delivered, most)
        return [one.record() for one in found], mark

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
        return requests, self._settled(mark)

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
        self.sync()
        os.close(self._descriptor)

    def _settled(self, mark: Mark) -> Mark:
        """The same place, said by the segment in which something follows, or by the end of everything."""
        while mark.segment < self._number and not self._read(mark, 1)[0]:
            mark = Mark(mark.segment + 1, 0)
        return mark

    def _read(self, mark: Mark, most: int) -> tuple[list[Carried], int]:
        """At most so many requests of one segment, and the offset behind them."""
        try:
            descriptor = os.open(self._path(mark.segment), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return [], mark.offset
        requests: list[Carried] = []
        offset = mark.offset
        with open(descriptor, "rb", buffering=READ_BYTES) as file:
            file.seek(offset)
            while len(requests) < most:
                frame = _next_frame(file)
                if frame is None:
                    break
                checksum, data = frame
                offset += _FRAME.size + len(data)
                if zlib.crc32(data) == checksum:
                    requests.append(unpacked(data))
                else:
                    _log.error("a record in segment %d was damaged on the disk", mark.segment)
        return requests, offset

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path(self._number), flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}.usage"

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.usage"))

    def _read_mark(self) -> Mark:
        """One that a loss of power left unreadable is none: then everything that is here is told once more."""
        try:
            return msgspec.json.decode(self._mark_file.read_bytes(), type=Mark)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Mark(0, 0)


def _next_frame(file: BinaryIO) -> tuple[int, bytes] | None:
    """Checksum and bytes; None where nothing whole follows: at the end, or where a crash tore it (the journal has
    that one)."""
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    size, checksum = _FRAME.unpack(head)
    if not 0 < size <= MAX_RECORD_BYTES:
        return None
    data = file.read(size)
    return (checksum, data) if len(data) == size else None
