"""What leaves this domain: frozen dataclasses, the same for the other domains and on the wire."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class RegionView:
    """A place the platform sells. `simulated` regions demonstrate: all code is real, the machines are not."""

    id: str
    name: str
    currency: str
    country: str
    simulated: bool


@dataclass(frozen=True)
class RegionList:
    items: list[RegionView]


@dataclass(frozen=True)
class Certificate:
    """A signed agent certificate, as the agent gets it."""

    id: str
    serial: str
    node_id: str
    certificate_pem: str
    ca_pem: str
    not_before: datetime
    not_after: datetime
    renew_after_seconds: int


CertificateState = Literal["valid", "expired", "revoked"]


@dataclass(frozen=True)
class CertificateView:
    """A row of the register of agent certificates."""

    id: str
    serial: str
    node_id: str
    fingerprint_sha256: str
    state: CertificateState
    not_before: datetime
    not_after: datetime
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revocation_reason: str | None


@dataclass(frozen=True)
class CertificateList:
    items: list[CertificateView]
    next_cursor: str | None


@dataclass(frozen=True)
class CertificateStatus:
    """May this certificate be believed now? `unknown` was never ours, whoever signed it."""

    state: Literal["valid", "expired", "revoked", "unknown"]
    node_id: str | None


@dataclass(frozen=True)
class DeadLetterView:
    """An event that a consumer could not take, with the error of its last try."""

    id: str
    consumer: str
    event_id: str
    event_type: str
    tenant_id: str | None
    state: Literal["open", "replayed"]
    error: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None
    replayed_by: str | None


@dataclass(frozen=True)
class DeadEventView:
    """The event as it was published; `payload_json` is its payload as JSON text, with the schema of /asyncapi.json."""

    version: int
    aggregate: str
    aggregate_version: int
    occurred_at: datetime
    payload_json: str


@dataclass(frozen=True)
class DeadLetterDetailView(DeadLetterView):
    """`event` is null once it is older than the event log keeps; then it cannot be replayed either."""

    event: DeadEventView | None


@dataclass(frozen=True)
class ReplayedView:
    """How many were given to their consumer again, and how many of the kind are still open."""

    replayed: int
    still_open: int


@dataclass(frozen=True)
class DeadLetterList:
    items: list[DeadLetterView]
    next_cursor: str | None


@dataclass(frozen=True)
class ComponentView:
    """A part of the platform, whether it does its work, and what an operator should know or do."""

    name: str
    kind: Literal["api", "worker", "postgres", "nats", "events", "flows", "schedules"]
    state: Literal["ok", "degraded", "down"]
    message: str
    runbook: str | None


@dataclass(frozen=True)
class HealthView:
    """The whole platform's health: the worst state of its components, and when it was looked at."""

    state: Literal["ok", "degraded", "down"]
    as_of: datetime
    components: list[ComponentView]


Measure = Literal["requests", "latency", "loop_late", "flow_deadlines", "flow_reaches", "events_sent", "events_taken"]


@dataclass(frozen=True)
class SloView:
    """What a domain promises. With a `measure` it is counted: see docs/how-to/describe-a-domain.md for what each counts."""

    name: str
    objective: str
    measure: Measure | None = None
    target: float | None = None
    only: str | None = None
    states: list[str] | None = None
    limit_seconds: float | None = None


@dataclass(frozen=True)
class DomainView:
    """One domain of this installation and who answers for it, from its domain.toml."""

    name: str
    title: str
    what: str
    team: str
    owner: str
    coverage: str
    scale_trigger: str
    skills: list[str]
    paths: list[str]
    slos: list[SloView]


@dataclass(frozen=True)
class DomainList:
    items: list[DomainView]
