"""What the control plane tells a token gateway, and what a gateway tells of the requests that it carried.

A gateway decides alone: keys, models, prices and upstreams arrive as a snapshot, money as leases. It answers with one
usage record for each request; the control plane prices the tokens again and books each request once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aifactory_protocol.enrolment import RenewAfterSeconds, Token
from aifactory_protocol.limits import Base64Url, Generation, Id, Instant, Name, Pem, Word

MAX_USAGE_RECORDS = 1_000
MAX_SNAPSHOT_BYTES = 64 * 1024**2

ModelName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*\Z")]
Tokens = Annotated[int, Meta(ge=0, le=2**40)]
Limit = Annotated[int, Meta(ge=1, le=2**40)] | None
Url = Annotated[str, Meta(min_length=8, max_length=500)]
Nanos = Annotated[int, Meta(ge=0, le=2**62)]
"""Money in 10⁻⁹ of the currency's major unit, as in the ledger."""

Capability = Literal["chat", "completions", "responses", "embeddings", "rerank", "images", "transcriptions"]
UsageSource = Literal["upstream", "estimate", "none"]
"""Who counted: the upstream itself; we, by the events that carried text or by bytes; nobody, nothing is charged."""
Outcome = Literal["ok", "client_gone", "upstream_failed", "interrupted"]


class KeyLimits(Struct, frozen=True):
    """This gateway's share of what a key may use; None: not limited."""

    requests_per_minute: Limit = None
    tokens_per_minute: Limit = None
    tokens_per_day: Limit = None
    streams: Limit = None


class GatewayKey(Struct, frozen=True):
    """An API key that may call models. `hash`: HMAC-SHA256 of its text under the gateways' pepper. `models` empty: all."""

    id: Id
    hash: Base64Url
    tenant_id: Id
    project_id: Id
    account_id: Id
    expires_at: Instant
    models: list[ModelName] = []
    limits: KeyLimits = KeyLimits()


class TokenPrice(Struct, frozen=True):
    """Nanos of `currency` for a million tokens."""

    id: Id
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    input_per_million: Nanos
    output_per_million: Nanos


class Route(Struct, frozen=True):
    """One upstream that serves the model, under the name by which that upstream knows it."""

    upstream_id: Id
    upstream_model: ModelName


class GatewayModel(Struct, frozen=True):
    """`context_tokens` bounds prompt and answer together, `max_output_tokens` the answer that nobody bounded."""

    id: ModelName
    capabilities: list[Capability]
    context_tokens: Tokens
    max_output_tokens: Tokens
    price: TokenPrice
    routes: list[Route]
    created_at: Instant


class Upstream(Struct, frozen=True):
    """Where requests are carried to. `secret` is what it wants as its bearer token; empty: nothing. `usage_path`, with
    `{request_id}` in it, is where it tells the usage of a request that we lost sight of; empty: it cannot be asked."""

    id: Id
    url: Url
    secret: Annotated[str, Meta(max_length=500)] = ""
    usage_path: Annotated[str, Meta(max_length=200)] = ""
    max_requests: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    connect_seconds: Annotated[float, Meta(gt=0, le=60)] = 3.0
    first_byte_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 120.0
    between_bytes_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 60.0


class Snapshot(Struct, frozen=True):
    """All that a gateway needs to decide. A higher `version` takes the place of a lower one as a whole."""

    version: Generation
    made_at: Instant
    keys: list[GatewayKey]
    models: list[GatewayModel]
    upstreams: list[Upstream]


class Lease(Struct, frozen=True):
    """Money that this gateway may spend for an account until `expires_at`: what a lost control plane can cost at most."""

    id: Id
    account_id: Id
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    amount: Nanos
    expires_at: Instant


class UsageRecord(Struct, frozen=True):
    """One request that reached an upstream. `id` is unique for ever, so that telling it twice books it once."""

    id: Id
    key_id: Id
    tenant_id: Id
    project_id: Id
    account_id: Id
    lease_id: str
    model: ModelName
    upstream_id: Id
    price_id: Id
    tokens_in: Tokens
    tokens_out: Tokens
    counted_by: UsageSource
    outcome: Outcome
    streamed: bool
    started_at: Instant
    ended_at: Instant


class UsageBatch(Struct, frozen=True):
    """Records in the order in which the requests ended."""

    records: Annotated[list[UsageRecord], Meta(max_length=MAX_USAGE_RECORDS)]


class UsageAnswer(Struct, frozen=True):
    """Every record of the batch is booked now, by this call or an earlier one, but these: they are not told again."""

    refused: dict[str, Word] = {}


class GatewayBootstrapRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A single-use token of an operator, for the gateway of that name, and a certificate request over its own key."""

    token: Token
    gateway_name: Name
    csr_pem: Pem


class GatewayBootstrapResponse(Struct, frozen=True):
    """The gateway's identity. `pepper`: 32 bytes under which keys are hashed for gateways (see GatewayKey.hash)."""

    gateway_id: Id
    certificate_pem: Pem
    ca_pem: Pem
    pepper: Base64Url
    renew_after_seconds: RenewAfterSeconds


class SnapshotRequest(Struct, frozen=True):
    """Answers at once when there is a newer version, else after `wait_seconds` with nothing."""

    known_version: Generation
    wait_seconds: Annotated[int, Meta(ge=0, le=25)] = 25


class SnapshotAnswer(Struct, frozen=True):
    """`snapshot` None: the known version is still the newest. `recheck_seconds`: for how long the gateway may go on with
    what it knows when it hears nothing more."""

    snapshot: Snapshot | None = None
    recheck_seconds: Annotated[int, Meta(ge=1, le=900)] = 900


class LeaseRequest(Struct, frozen=True):
    """`id` is the lease's, made by the gateway: asking again with it brings the same lease. `least`: nanos below which it
    is of no use; more may come."""

    id: Id
    account_id: Id
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    least: Nanos


class LeaseReturn(Struct, frozen=True):
    """These leases take no more requests, and every record of theirs has been told: what is left of them is free."""

    ids: Annotated[list[Id], Meta(max_length=MAX_USAGE_RECORDS)]
