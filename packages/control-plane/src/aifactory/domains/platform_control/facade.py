"""The only door of platform_control: regions, the agents' certificates, signed tasks, dead letters, health."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aifactory.domains.platform_control import certificates, keys
from aifactory.domains.platform_control.bootstrap_tokens import (
    bootstrap_token_hash,
    bootstrap_token_refused,
    new_bootstrap_token,
)
from aifactory.domains.platform_control.dead_letters import dead_letter, dead_letters, replay_dead_letter, replay_kind
from aifactory.domains.platform_control.demo import close_demo, open_demo
from aifactory.domains.platform_control.domains import domains as all_domains
from aifactory.domains.platform_control.health import judge
from aifactory.domains.platform_control.notifications import sealing
from aifactory.domains.platform_control.notifications.preferences import put as set_notification_preference
from aifactory.domains.platform_control.notifications.preferences import show as notification_preferences
from aifactory.domains.platform_control.notifications.views import (
    DeliveryDetailView,
    DeliveryList,
    DeliveryState,
    DeliveryView,
    EventTypeList,
    NewWebhookView,
    PreferencesView,
    WebhookList,
    WebhookView,
)
from aifactory.domains.platform_control.notifications.webhooks import create as create_webhook
from aifactory.domains.platform_control.notifications.webhooks import delete as delete_webhook
from aifactory.domains.platform_control.notifications.webhooks import event_types, list_webhooks
from aifactory.domains.platform_control.notifications.webhooks import list_deliveries as webhook_deliveries
from aifactory.domains.platform_control.notifications.webhooks import replay_delivery as replay_webhook_delivery
from aifactory.domains.platform_control.notifications.webhooks import show as webhook
from aifactory.domains.platform_control.notifications.webhooks import show_delivery as webhook_delivery
from aifactory.domains.platform_control.notifications.webhooks import test as test_webhook
from aifactory.domains.platform_control.slos.report import SloReport
from aifactory.domains.platform_control.slos.report import report as slo_report
from aifactory.domains.platform_control.slos.requests import RequestCounts
from aifactory.domains.platform_control.store import registers as store
from aifactory.domains.platform_control.views import (
    Certificate,
    CertificateList,
    CertificateStatus,
    CertificateView,
    ComponentView,
    DeadLetterDetailView,
    DeadLetterList,
    DeadLetterView,
    DomainList,
    DomainView,
    HealthView,
    RegionList,
    RegionView,
    ReplayedView,
)
from aifactory.events.platform_control import CertificateIssued, CertificateRevoked
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import invalid, not_found
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.pagination import Page, page_of
from aifactory_protocol import SignedTask, Task
from aifactory_protocol import sign_task as sign_with

__all__ = [
    "Certificate",
    "CertificateList",
    "CertificateStatus",
    "CertificateView",
    "ComponentView",
    "DeadLetterDetailView",
    "DeadLetterList",
    "DeadLetterView",
    "DeliveryDetailView",
    "DeliveryList",
    "DeliveryState",
    "DeliveryView",
    "DomainList",
    "DomainView",
    "EventTypeList",
    "HealthView",
    "NewWebhookView",
    "PreferencesView",
    "RegionList",
    "RegionView",
    "ReplayedView",
    "RequestCounts",
    "SloReport",
    "WebhookList",
    "WebhookView",
    "app_access_seed",
    "app_publisher_key",
    "app_publisher_keys",
    "bootstrap_token_hash",
    "bootstrap_token_refused",
    "ca_fingerprint",
    "ca_pem",
    "certificate_pem",
    "certificate_status",
    "close_demo",
    "create_webhook",
    "dead_letter",
    "dead_letters",
    "delete_webhook",
    "domains",
    "event_types",
    "health",
    "list_certificates",
    "list_webhooks",
    "new_bootstrap_token",
    "notification_preferences",
    "open_demo",
    "open_region",
    "region",
    "regions",
    "replay_dead_letter",
    "replay_kind",
    "replay_webhook_delivery",
    "revoke_certificate",
    "revoke_node",
    "seal",
    "set_notification_preference",
    "sign_agent_csr",
    "sign_task",
    "slo_report",
    "task_public_key",
    "test_webhook",
    "unseal",
    "webhook",
    "webhook_deliveries",
    "webhook_delivery",
]


async def region(tx: Tx, region_id: str) -> RegionView:
    """The region, or 404."""
    row = await store.region(tx, region_id)
    if row is None:
        raise not_found("region", region_id)
    return _region(row)


async def open_region(tx: Tx, region_id: str) -> RegionView:
    """The region where something new may begin now: 404 for an unknown and for a closed one."""
    row = await store.region(tx, region_id)
    if row is None or row.state != "active":
        raise not_found("region", region_id)
    return _region(row)


async def regions(tx: Tx) -> list[RegionView]:
    """All regions that are open, real ones first."""
    return [_region(row) for row in await store.regions(tx)]


async def sign_agent_csr(tx: Tx, csr_pem: str, node_id: str) -> Certificate:
    """Signs the node's own key for an hour and enters it in the register; tells `certificate_issued`.

    The caller has already decided that the request comes from that node. Raises 422 for a request we do not sign.
    """
    authority, certificate_id = keys.authority(), tx.ids.new("cert")
    life = keys.agent_certificate_life()
    issued = certificates.issue_agent_certificate(
        authority, csr_pem, node_id=node_id, certificate_id=certificate_id, now=await tx.now(), life=life
    )
    await store.insert_certificate(tx, certificate_id, node_id, issued)
    await tx.audit("certificate.issue", certificate_id, details={"node_id": node_id, "serial": issued.serial})
    told = CertificateIssued(certificate_id, issued.serial, node_id, issued.not_after.isoformat())
    await tx.emit(told, certificate_id, 1)
    return Certificate(
        id=certificate_id,
        serial=issued.serial,
        node_id=node_id,
        certificate_pem=issued.pem,
        ca_pem=authority.pem,
        not_before=issued.not_before,
        not_after=issued.not_after,
        renew_after_seconds=int(life.total_seconds() * 2 / 3),
    )


async def revoke_certificate(tx: Tx, certificate_id: str, reason: str) -> CertificateView:
    """Refuses the certificate from this commit on, also on open connections; tells `certificate_revoked`.

    Revoking twice changes nothing. The node may enrol again with a new bootstrap token.
    """
    reason = reason.strip()
    if not reason:
        raise invalid("reason", "A revocation needs a reason.", "Say in one sentence why.")
    changed = await store.revoke_certificate(tx, certificate_id, tx.principal.id, reason)
    row = await store.certificate(tx, certificate_id)
    if row is None:
        raise not_found("certificate", certificate_id)
    if changed:
        await tx.audit("certificate.revoke", certificate_id, reason=reason, details={"node_id": row.node_id})
        await tx.emit(CertificateRevoked(row.id, row.serial, row.node_id, reason), row.id, 2)
    return _certificate(row)


async def revoke_node(tx: Tx, node_id: str, reason: str) -> int:
    """Refuses every valid certificate of the node; returns how many. For a node that is retired or enrols anew."""
    revoked = await store.revoke_node_certificates(tx, node_id, tx.principal.id, reason)
    for row in revoked:
        await tx.audit("certificate.revoke", row.id, reason=reason, details={"node_id": node_id})
        await tx.emit(CertificateRevoked(row.id, row.serial, node_id, reason), row.id, 2)
    return len(revoked)


async def certificate_status(tx: Tx, serial: str) -> CertificateStatus:
    """Looked at on every request of an agent: a kept-alive connection outlives its certificate."""
    row = await store.certificate_by_serial(tx, serial)
    return CertificateStatus(row.state, row.node_id) if row else CertificateStatus("unknown", None)


async def certificate_pem(tx: Tx, serial: str) -> str | None:
    """The certificate itself, kept for ever: evidence signed with its key stays verifiable."""
    return await store.certificate_pem(tx, serial)


async def list_certificates(tx: Tx, node_id: str | None, page: Page) -> CertificateList:
    rows = [_certificate(row) for row in await store.certificates(tx, node_id, page)]
    return CertificateList(**page_of(rows, page, key=lambda row: (row.created_at, row.id)))


def ca_pem() -> str:
    """What an agent trusts, once it has compared the fingerprint."""
    return keys.authority().pem


def ca_fingerprint() -> str:
    """SHA-256 (hex) of the CA's DER form: the tail of every bootstrap token."""
    return keys.authority().fingerprint


def sign_task(task: Task) -> SignedTask:
    """Wraps a task for its node. Needs no transaction: signing changes nothing."""
    return sign_with(task, keys.task_key())


def task_public_key() -> Ed25519PublicKey:
    """With this key nodes check their tasks."""
    return keys.task_key().public_key()


def app_publisher_key() -> Ed25519PrivateKey:
    """Signs the manifests of apps that we ship; there only for administration on the machine itself."""
    return keys.publisher_key()


def app_publisher_keys() -> tuple[bytes, ...]:
    """Whose signatures on app manifests are believed: raw Ed25519 public keys."""
    return keys.publisher_keys()


def app_access_seed(instance_id: str) -> bytes:
    """The Ed25519 seed of the key with which the platform reaches one app instance, and nothing else."""
    return keys.app_access_seed(instance_id)


async def health(tx: Tx, nats_connected: bool) -> HealthView:
    """What works, what does not, and which runbook to open."""
    return judge(await store.health(tx), await store.components(tx), nats_connected, await tx.now())


async def transition_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """Every step of every flow, as part of a story."""
    return await store.transition_evidence(tx, query)


async def event_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """Every event that the log still holds, as part of a story."""
    return await store.event_evidence(tx, query)


def domains() -> DomainList:
    """The domains of this installation, from the top of the house to its bottom."""
    return DomainList(list(all_domains()))


def _region(row: store.RegionRow) -> RegionView:
    return RegionView(row.id, row.name, row.currency, row.country, row.simulated)


def _certificate(row: store.CertificateRow) -> CertificateView:
    return CertificateView(**vars(row))


def seal(secret: str, purpose: str) -> bytes:
    """Puts a secret away for the worker: no other process can read it again. `purpose` is bound to it, e.g. a row's id."""
    return sealing.seal(secret.encode(), purpose, keys.sealing_public_key())


def unseal(box: bytes, purpose: str) -> str:
    """What was sealed for this purpose. Worker only."""
    return sealing.unseal(box, purpose, keys.sealing_key()).decode()
