"""What the routes of webhooks and mail show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.domains.platform_control.notifications.catalogue import EventTypeView
from aifactory.kernel.resource import Condition

DeliveryState = Literal["waiting", "delivered", "dead", "off"]


@dataclass(frozen=True)
class WebhookView:
    """An address of the tenant's that is told of its events. `event_types` empty: of all of them."""

    id: str
    tenant_id: str
    name: str
    url: str
    event_types: list[str]
    labels: dict[str, str]
    state: Literal["active", "deleted"]
    conditions: list[Condition]
    generation: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class NewWebhookView(WebhookView):
    """`secret` signs every message (Standard Webhooks, `whsec_…`). It is shown in this answer only."""

    secret: str | None


@dataclass(frozen=True)
class WebhookList:
    items: list[WebhookView]
    next_cursor: str | None


@dataclass(frozen=True)
class EventTypeList:
    items: list[EventTypeView]


@dataclass(frozen=True)
class DeliveryView:
    """One message to one webhook. `dead` was given up after all tries, `off` was never tried: both can be replayed."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    state: DeliveryState
    attempts: int
    response_code: int | None
    latency_ms: int | None
    error: str
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True)
class DeliveryList:
    items: list[DeliveryView]
    next_cursor: str | None


@dataclass(frozen=True)
class AttemptView:
    attempt: int
    at: datetime
    response_code: int | None
    latency_ms: int
    error: str


@dataclass(frozen=True)
class DeliveryDetailView(DeliveryView):
    """The message as it is sent, and each try."""

    body: str
    tries: list[AttemptView]


@dataclass(frozen=True)
class PreferenceView:
    """Who is told of one kind of thing by mail."""

    kind: str
    about: str
    event_type: str
    recipients: list[str]
    updated_by: str | None
    updated_at: datetime | None


@dataclass(frozen=True)
class PreferencesView:
    """`mail_enabled` false: nothing is sent, `why` says why; what is set here is kept for when it is."""

    mail_enabled: bool
    why: str
    items: list[PreferenceView]
