"""The published events that a tenant may subscribe to: facts about what is its own. What operators see stays inside."""

from dataclasses import dataclass

from aifactory.events import billing, iam, provisioning, storage_network
from aifactory.kernel.errors import invalid

MAX_TYPES = 60
TEST_TYPE = "platform_control.webhook_test"

SUBSCRIBABLE: tuple[type, ...] = (
    provisioning.AllocationRequested,
    provisioning.AllocationRefused,
    provisioning.AllocationActivated,
    provisioning.AllocationReleaseAnnounced,
    provisioning.AllocationReleaseRequested,
    provisioning.AllocationReleased,
    provisioning.AllocationFailed,
    storage_network.VolumeCreated,
    storage_network.VolumeDeleted,
    billing.CreditGranted,
    billing.HoldPlaced,
    billing.HoldVoided,
    billing.HoldExtensionFailed,
    billing.CreditExhausted,
    billing.MeterOpened,
    billing.MeterClosed,
    billing.ChargeSettled,
    billing.OutageCredited,
    iam.TenantSuspended,
    iam.TenantResumed,
    iam.ProjectCreated,
    iam.ProjectDeleted,
    iam.MemberInvited,
    iam.MemberAdded,
    iam.MemberRemoved,
    iam.ApiKeyCreated,
    iam.ApiKeyRevoked,
    iam.QuotaLimitChanged,
    iam.TenantQuotaLimitChanged,
)


@dataclass(frozen=True)
class EventTypeView:
    """An event that a webhook can ask for; its payload's schema is in /asyncapi.json under the same name."""

    type: str
    version: int
    description: str


def _view(event: type) -> EventTypeView:
    own_words = "" if (event.__doc__ or "").startswith(f"{event.__name__}(") else (event.__doc__ or "")
    words = " ".join(own_words.split()) or event.__name__
    return EventTypeView(event.TYPE, event.VERSION, words)  # type: ignore[attr-defined]  # set by @event


EVENT_TYPES: dict[str, EventTypeView] = {view.type: view for view in map(_view, SUBSCRIBABLE)}


def checked_types(wanted: list[str]) -> list[str]:
    """Sorted, each once. An empty wish means every type, also those that come later. Raises 422 for an unknown one."""
    if len(wanted) > MAX_TYPES:
        raise invalid("event_types", f"At most {MAX_TYPES} event types.")
    for name in wanted:
        if name not in EVENT_TYPES:
            todo = "GET /api/v3/webhooks/event-types lists what there is; leave the list empty for all of it."
            raise invalid(
                "event_types", f"{name!r} is not an event that can be subscribed to.", todo, "unknown_event_type"
            )
    return sorted(set(wanted))
