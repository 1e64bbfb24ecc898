"""/api/v3/webhooks."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import (
    DeliveryDetailView,
    DeliveryList,
    DeliveryState,
    DeliveryView,
    EventTypeList,
    NewWebhookView,
    WebhookList,
    WebhookView,
)
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("platform_control", "/webhooks")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=63, pattern=r"^[^\x00-\x1f\x7f]*$")]
EventType = Annotated[str, StringConstraints(max_length=100, pattern=NO_NUL)]


class WebhookCreate(BaseModel):
    """Where the tenant's events are posted, and which. No `event_types` means all that can be subscribed to."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=63, pattern=NO_NUL, description="Lower case, digits, inner hyphens.")
    url: str = Field(min_length=1, max_length=2000, pattern=NO_NUL, description="https, on the public internet.")
    event_types: list[EventType] = Field(default_factory=list, max_length=60)
    labels: dict[Text, Text] = Field(default_factory=dict, max_length=32)


@router.get("", permission="webhook.read")
async def list_webhooks(tx: TenantTx, page: PageQuery) -> WebhookList:
    """The tenant's webhooks, newest first; the condition `Receiving` says how the last message went."""
    return await facade.list_webhooks(tx, page)


@router.post("", permission="webhook.manage", status_code=201, secret_fields=("secret",))
async def create_webhook(body: WebhookCreate, tx: TenantTx) -> NewWebhookView:
    """`secret` is shown in this answer only; repeating the request answers with the webhook, without it."""
    return await facade.create_webhook(tx, body.name, body.url, body.event_types, body.labels)


@router.get("/event-types", permission="webhook.read", tx=False)
async def list_event_types() -> EventTypeList:
    """What a webhook can ask for; /asyncapi.json has each payload's schema."""
    return facade.event_types()


@router.get("/{webhook_id}", permission="webhook.read")
async def show_webhook(webhook_id: PathId, tx: TenantTx, response: Response) -> WebhookView:
    view = await facade.webhook(tx, webhook_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{webhook_id}", permission="webhook.manage", status_code=204)
async def delete_webhook(webhook_id: PathId, tx: TenantTx) -> None:
    """Nothing more is sent to it, also what was waiting."""
    await facade.delete_webhook(tx, webhook_id)


@router.post("/{webhook_id}/test", permission="webhook.manage", status_code=202)
async def test_webhook(webhook_id: PathId, tx: TenantTx) -> DeliveryView:
    """Sends a message of type `platform_control.webhook_test`; the delivery tells how it went."""
    return await facade.test_webhook(tx, webhook_id)


@router.get("/{webhook_id}/deliveries", permission="webhook.read")
async def list_deliveries(
    webhook_id: PathId, tx: TenantTx, page: PageQuery, state: Annotated[DeliveryState | None, Query()] = None
) -> DeliveryList:
    """What was sent to it within thirty days, newest first."""
    return await facade.webhook_deliveries(tx, webhook_id, state, page)


@router.get("/{webhook_id}/deliveries/{delivery_id}", permission="webhook.read")
async def show_delivery(webhook_id: PathId, delivery_id: PathId, tx: TenantTx) -> DeliveryDetailView:
    """The message as it is sent, and each try with its answer and latency."""
    return await facade.webhook_delivery(tx, webhook_id, delivery_id)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", permission="webhook.manage", status_code=202)
async def replay_delivery(webhook_id: PathId, delivery_id: PathId, tx: TenantTx) -> DeliveryView:
    """Sends a message again that was given up, under the same id."""
    return await facade.replay_webhook_delivery(tx, webhook_id, delivery_id)
