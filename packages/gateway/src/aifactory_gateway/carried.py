"""One request that reached an upstream, in the form in which it is kept here: small, and quick to write.

A few numbers of fixed size, then facts that many requests share: they are packed once for each combination of key, model,
upstream and lease, and copied from then on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import msgspec
from msgspec import Struct

from aifactory_protocol.gateway import Outcome, UsageRecord, UsageSource

NUMBERS = struct.Struct("<BBBBHxxQQQQdd")
"""State of the slot, source, outcome, streamed, bytes of facts; number of the request, held femtos, tokens in and out,
started and ended (Unix seconds)."""
ENDED = struct.Struct("<QQ")
ENDED_AT = 24  # of the tokens in NUMBERS
ENDED_TIME = struct.Struct("<d")
ENDED_TIME_AT = 48
SOURCES: tuple[UsageSource, ...] = get_args(UsageSource)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SOURCE_NUMBERS = {name: number for number, name in enumerate(SOURCES)}
OUTCOME_NUMBERS = {name: number for number, name in enumerate(OUTCOMES)}
MOST = 2**64 - 1
MAX_FACTS_BYTES = 4_096


class Facts(Struct, array_like=True):
    """Prices in nanos for a million tokens. `boot` and the request's number make its id."""

    boot: str
    key_id: str
    tenant_id: str
    project_id: str
    account_id: str
    lease_id: str
    model: str
    upstream_id: str
    price_id: str
    input_per_million: int
    output_per_million: int


encode_facts = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(Facts)


def request_id(boot: str, number: int) -> str:
    """Unique for ever: a process's start, chance, and a count."""
    return f"req_{boot}{number:08x}"


@dataclass(slots=True)
class Carried:
    """Times are Unix seconds; `held` is the femtos that were held for it. What follows `started` is known when it ended."""

    facts: Facts
    number: int
    held: int
    streamed: bool
    started: float
    tokens_in: int
    tokens_out: int
    counted_by: UsageSource
    outcome: Outcome
    ended: float

    @property
    def id(self) -> str:
        return request_id(self.facts.boot, self.number)

    @property
    def lease_id(self) -> str:
        return self.facts.lease_id

    @property
    def femtos(self) -> int:
        """What it costs, exactly."""
        return self.tokens_in * self.facts.input_per_million + self.tokens_out * self.facts.output_per_million

    def end(self, tokens_in: int, tokens_out: int, source: UsageSource, outcome: Outcome, at_seconds: float) -> None:
        self.tokens_in, self.tokens_out = tokens_in, tokens_out
        self.counted_by, self.outcome, self.ended = source, outcome, at_seconds

    def packed(self, state: int = 0) -> bytes:
        """As `unpacked` reads it."""
        facts = encode_facts(self.facts)
        return (
            NUMBERS.pack(
                state, SOURCE_NUMBERS[self.counted_by], OUTCOME_NUMBERS[self.outcome], self.streamed, len(facts),
                self.number, min(MOST, self.held), self.tokens_in, self.tokens_out, self.started, self.ended,
            )
            + facts
        )  # fmt: skip

    def record(self) -> UsageRecord:
        """As the control plane reads it."""
        facts = self.facts
        started, ended = (datetime.fromtimestamp(seconds, UTC) for seconds in (self.started, self.ended))
        return UsageRecord(
            self.id, facts.key_id, facts.tenant_id, facts.project_id, facts.account_id, facts.lease_id, facts.model,
            facts.upstream_id, facts.price_id, self.tokens_in, self.tokens_out, self.counted_by, self.outcome,
            self.streamed, started, ended,
        )  # fmt: skip


def unpacked(data: bytes) -> Carried:
    """Raises msgspec.MsgspecError or struct.error for what was never packed here."""
    _, source, outcome, streamed, size, number, held, came, went, started, ended = NUMBERS.unpack_from(data)
    facts = _facts.decode(data[NUMBERS.size : NUMBERS.size + size])
    return Carried(
        facts, number, held, bool(streamed), started, came, went, SOURCES[source], OUTCOMES[outcome], ended
    )  # fmt: skip
