"""What runs now, in a file mapped into memory: a gateway that is killed leaves every request that it carried behind.

A slot is written before its request leaves for an upstream, and again when it ends; both are stores to memory that the
kernel owns, so they cost no call and survive kill -9 (not a loss of power: then what ran in the last second is lost to
us, not to the tenant). A finished slot is free again only when the spool has its bytes.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aifactory_gateway.carried import (
    ENDED,
    ENDED_AT,
    ENDED_TIME,
    ENDED_TIME_AT,
    MOST,
    NUMBERS,
    OUTCOME_NUMBERS,
    SOURCE_NUMBERS,
    Carried,
    unpacked,
)
from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import Outcome, UsageSource

_log = logging.getLogger(__name__)

SLOT_BYTES = 1_024
SLOTS = 16_384
_FREE, _RUNS, _ENDED = 0, 1, 2
_COUNT = struct.Struct("<Q")
_COUNT_AT = ENDED_AT + 8  # the tokens out
_MOST_FACTS = SLOT_BYTES - NUMBERS.size
_INTERRUPTED = OUTCOME_NUMBERS["interrupted"]
_NONE = SOURCE_NUMBERS["none"]


class Journal:
    """One process's slots. `running`: requests that have begun and not ended."""

    def __init__(self, path: Path, slots: int = SLOTS) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._slots = max(slots, os.fstat(descriptor).st_size // SLOT_BYTES)
            os.ftruncate(descriptor, self._slots * SLOT_BYTES)
            self._memory = mmap.mmap(descriptor, self._slots * SLOT_BYTES)
        finally:
            os.close(descriptor)
        self.running = 0
        self._ended: list[tuple[int, str, int]] = []
        self._free = [slot for slot in range(self._slots - 1, -1, -1) if self._memory[slot * SLOT_BYTES] == _FREE]

    def left_behind(self) -> Iterator[tuple[int, Carried]]:
        """Before the first `begin`: the requests of a process that died, each as far as it is known: ended, or
        `interrupted` with the events that had passed. `free` each when it is safe elsewhere. A slot that cannot be read
        (a disk's fault: what we write is whole) is said and left as it is."""
        for slot in range(self._slots):
            state = self._memory[slot * SLOT_BYTES]
            if state != _FREE:
                try:
                    one = unpacked(self._bytes(slot))
                except (ValueError, LookupError, struct.error, msgspec.MsgspecError) as error:
                    _log.error("slot %d of the journal cannot be read: %s", slot, error)
                    continue
                if state != _ENDED:
                    one.end(0, one.tokens_out, "estimate", "interrupted", one.started)
                yield slot, one

    def begin(self, number: int, held: int, streamed: bool, started: float, facts: bytes) -> int:
        """Its slot. Raises Refusal 503."""
        if not self._free:
            raise Refusal(503, "gateway_full", "This gateway carries no more requests now.", retry_after_seconds=1)
        if len(facts) > _MOST_FACTS:
            raise Refusal(500, "record_too_large", "The request's record does not fit.")
        slot, memory = self._free.pop(), self._memory
        at = slot * SLOT_BYTES
        if held > MOST:
            held = MOST
        NUMBERS.pack_into(
            memory, at, _FREE, _NONE, _INTERRUPTED, streamed, len(facts), number, held, 0, 0, started, 0.0
        )
        at_facts = at + NUMBERS.size
        memory[at_facts : at_facts + len(facts)] = facts
        memory[at] = _RUNS
        self.running += 1
        return slot

    def count(self, slot: int, tokens_out: int) -> None:
        """So many events of text have passed."""
        _COUNT.pack_into(self._memory, slot * SLOT_BYTES + _COUNT_AT, tokens_out)

    def end(
        self,
        slot: int,
        tokens_in: int,
        tokens_out: int,
        source: UsageSource,
        outcome: Outcome,
        at_seconds: float,
        lease_id: str,
        femtos: int,
    ) -> None:
        """The request is over, and took `femtos` of that lease. `at_seconds`: Unix time."""
        at, memory = slot * SLOT_BYTES, self._memory
        ENDED.pack_into(memory, at + ENDED_AT, tokens_in, tokens_out)
        ENDED_TIME.pack_into(memory, at + ENDED_TIME_AT, at_seconds)
        memory[at + 1], memory[at + 2] = SOURCE_NUMBERS[source], OUTCOME_NUMBERS[outcome]
        memory[at] = _ENDED
        self.running -= 1
        self._ended.append((slot, lease_id, femtos))

    def cancel(self, slot: int) -> None:
        """Nothing of it reached an upstream."""
        self.running -= 1
        self.free(slot)

    def take_ended(self) -> list[tuple[int, bytes, str, int]]:
        """What has ended since the last call: slot, bytes for the spool, lease, femtos. `free` each when it is there."""
        ended, self._ended = self._ended, []
        return [(slot, self._bytes(slot), lease_id, femtos) for slot, lease_id, femtos in ended]

    def free(self, slot: int) -> None:
        self._memory[slot * SLOT_BYTES] = _FREE
        self._free.append(slot)

    def close(self) -> None:
        self._memory.close()

    def _bytes(self, slot: int) -> bytes:
        at, memory = slot * SLOT_BYTES, self._memory
        return memory[at : at + NUMBERS.size + (memory[at + 4] | memory[at + 5] << 8)]
