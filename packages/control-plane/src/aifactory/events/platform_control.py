"""What platform_control tells the other domains."""

from dataclasses import dataclass

from aifactory.events import event


@event("platform_control.certificate_issued", 1)
@dataclass(frozen=True)
class CertificateIssued:
    """A node got a certificate, its first or its next one."""

    certificate_id: str
    serial: str
    node_id: str
    not_after: str


@event("platform_control.certificate_revoked", 1)
@dataclass(frozen=True)
class CertificateRevoked:
    """A node's certificate is refused from now on, on every connection."""

    certificate_id: str
    serial: str
    node_id: str
    reason: str


@event("platform_control.dead_letter_replayed", 1)
@dataclass(frozen=True)
class DeadLetterReplayed:
    """An operator gave a consumer an event again, under the event's own id."""

    dead_letter_id: str
    consumer: str
    event_id: str
    event_type: str


@event("platform_control.webhook_created", 1)
@dataclass(frozen=True)
class WebhookCreated:
    """A tenant wants its events of these types (all, when empty) posted to an address. Never carries the secret."""

    webhook_id: str
    name: str
    event_types: list[str]


@event("platform_control.webhook_deleted", 1)
@dataclass(frozen=True)
class WebhookDeleted:
    """Nothing is posted to it any more."""

    webhook_id: str
    name: str
