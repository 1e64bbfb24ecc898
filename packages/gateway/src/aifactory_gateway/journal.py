"""What runs now, in a file mapped into memory: a gateway that is killed leaves every request that it carried behind.

A slot is written before its request leaves for an upstream, and again when it ends; both are stores to memory that the
kernel owns, so they cost no call and survive kill -9 (not a loss of power: then what ran in the last second is lost to
us, not to the tenant). A finished slot is free again only when the spool has its record.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from aifactory_gateway.carried import Carried
from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import Outcome, UsageSource

SLOT_BYTES = 1_024
SLOTS = 16_384
_FREE, _RUNS, _ENDED = 0, 1, 2
_HEAD = struct.Struct("<BBBxHxxQQd")  # state, source, outcome, length of the record, tokens in, tokens out, end
_COUNT = struct.Struct("<Q")
_COUNT_AT = 16
_FACTS = struct.Struct("<QQd")
_FACTS_AT = 8
_SOURCES: tuple[UsageSource, ...] = get_args(UsageSource)
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_encode = msgspec.msgpack.Encoder().encode
_carried = msgspec.msgpack.Decoder(Carried)


class Journal:
    """One process's slots. `running` holds the request of each used slot."""

    def __init__(self, path: Path, slots: int = SLOTS) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._slots = max(slots, os.fstat(descriptor).st_size // SLOT_BYTES)
            os.ftruncate(descriptor, self._slots * SLOT_BYTES)
            self._memory = mmap.mmap(descriptor, self._slots * SLOT_BYTES)
        finally:
            os.close(descriptor)
        self.running: dict[int, Carried] = {}
        self._ended: dict[int, Carried] = {}
        self._free = [slot for slot in range(self._slots - 1, -1, -1) if self._memory[slot * SLOT_BYTES] == _FREE]

    def left_behind(self) -> Iterator[tuple[int, Carried]]:
        """The requests of a process that died, each as far as it is known: ended, or `interrupted` with the events that
        had passed. `free` each when it is safe elsewhere."""
        for slot in range(self._slots):
            at = slot * SLOT_BYTES
            state, source, outcome, size, came, went, end = _HEAD.unpack_from(self._memory, at)
            if state == _FREE or slot in self.running or slot in self._ended:
                continue
            one = _carried.decode(self._memory[at + _HEAD.size : at + _HEAD.size + size])
            if state == _ENDED:
                one.end(came, went, _SOURCES[source], _OUTCOMES[outcome], end)
            else:
                one.end(came, went, "estimate", "interrupted", one.started)
            yield slot, one

    def begin(self, one: Carried) -> int:
        """Its slot. Raises Refusal 503."""
        if not self._free:
            raise Refusal(503, "gateway_full", "This gateway carries no more requests now.", retry_after_seconds=1)
        data, slot = _encode(one), self._free[-1]
        if len(data) > SLOT_BYTES - _HEAD.size:
            raise Refusal(500, "record_too_large", "The request's record does not fit.")
        at, memory = slot * SLOT_BYTES, self._memory
        _HEAD.pack_into(memory, at, _FREE, 0, 0, len(data), 0, 0, 0.0)
        memory[at + _HEAD.size : at + _HEAD.size + len(data)] = data
        memory[at] = _RUNS
        self._free.pop()
        self.running[slot] = one
        return slot

    def count(self, slot: int, tokens_out: int) -> None:
        """So many events of text have passed."""
        _COUNT.pack_into(self._memory, slot * SLOT_BYTES + _COUNT_AT, tokens_out)

    def end(
        self, slot: int, tokens_in: int, tokens_out: int, source: UsageSource, outcome: Outcome, at_seconds: float
    ) -> None:
        """The request is over. `at_seconds`: Unix time."""
        one, at, memory = self.running.pop(slot), slot * SLOT_BYTES, self._memory
        _FACTS.pack_into(memory, at + _FACTS_AT, tokens_in, tokens_out, at_seconds)
        memory[at + 1], memory[at + 2] = _SOURCES.index(source), _OUTCOMES.index(outcome)
        memory[at] = _ENDED
        one.end(tokens_in, tokens_out, source, outcome, at_seconds)
        self._ended[slot] = one

    def cancel(self, slot: int) -> None:
        """Nothing of it reached an upstream."""
        del self.running[slot]
        self.free(slot)

    def take_ended(self) -> dict[int, Carried]:
        """What has ended since the last call; `free` each when it is safe elsewhere."""
        ended, self._ended = self._ended, {}
        return ended

    def free(self, slot: int) -> None:
        self._memory[slot * SLOT_BYTES] = _FREE
        self._free.append(slot)

    def close(self) -> None:
        self._memory.close()
