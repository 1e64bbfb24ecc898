"""One request that reached an upstream, in the form in which it is kept here: small, and quick to write."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from aifactory_protocol.gateway import Outcome, UsageRecord, UsageSource


class Carried(Struct, array_like=True):
    """Times are Unix seconds, prices nanos; `held` is the femtos that were held for it. What follows `started` is known when it has ended."""

    id: str
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
    held: int
    streamed: bool
    started: float
    tokens_in: int = 0
    tokens_out: int = 0
    counted_by: UsageSource = "none"
    outcome: Outcome = "interrupted"
    ended: float = 0.0

    def end(self, tokens_in: int, tokens_out: int, source: UsageSource, outcome: Outcome, at_seconds: float) -> None:
        self.tokens_in, self.tokens_out = tokens_in, tokens_out
        self.counted_by, self.outcome, self.ended = source, outcome, at_seconds

    @property
    def femtos(self) -> int:
        """What it costs, exactly."""
        return self.tokens_in * self.input_per_million + self.tokens_out * self.output_per_million

    def record(self) -> UsageRecord:
        """As the control plane reads it."""
        started, ended = (datetime.fromtimestamp(seconds, UTC) for seconds in (self.started, self.ended))
        return UsageRecord(
            self.id, self.key_id, self.tenant_id, self.project_id, self.account_id, self.lease_id, self.model,
            self.upstream_id, self.price_id, self.tokens_in, self.tokens_out, self.counted_by, self.outcome,
            self.streamed, started, ended,
        )  # fmt: skip
