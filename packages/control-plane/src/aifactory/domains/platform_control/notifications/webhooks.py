"""Webhooks: made and deleted by a tenant's administrators, tested on request, with the history of their deliveries."""

import json
import os
import re

from aifactory.domains.platform_control import keys
from aifactory.domains.platform_control.notifications import addresses, catalogue, settings, signing
from aifactory.domains.platform_control.notifications.consumer import offer_to_webhook
from aifactory.domains.platform_control.notifications.sealing import seal
from aifactory.domains.platform_control.notifications.views import (
    AttemptView,
    DeliveryDetailView,
    DeliveryList,
    DeliveryView,
    EventTypeList,
    NewWebhookView,
    WebhookList,
    WebhookView,
)
from aifactory.domains.platform_control.store import deliveries as delivery_store
from aifactory.domains.platform_control.store import webhooks as store
from aifactory.events.platform_control import WebhookCreated, WebhookDeleted
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, forbidden, invalid, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.resource import Condition

MAX_WEBHOOKS = 20
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def whole_tenant(tx: Tx, permission: str) -> None:
    """Webhooks hear of everything in the tenant, so whoever reaches only a project of it may not touch them."""
    if not any(grant.object == f"tenant:{tx.tenant_id}" for grant in tx.principal.grants):
        raise forbidden(permission, "it concerns the whole tenant, and your roles are on projects of it only")


async def create(
    tx: Tx, name: str, url: str, event_types: list[str], labels: dict[str, str] | None = None
) -> NewWebhookView:
    """From this commit on the tenant's events of these types (all, when none is named) are posted to `url`.

    Tells `webhook_created`. Raises 422 for an address that must not be reached, 409 for a name in use or the 21st webhook.
    """
    whole_tenant(tx, "webhook.manage")
    if not NAME.fullmatch(name):
        raise invalid("name", "A name has 1 to 63 lower-case letters, digits and inner hyphens.")
    addresses.check_url(url, settings.allowed_networks())
    if await store.count(tx) >= MAX_WEBHOOKS:
        raise conflict("too_many_webhooks", f"A tenant has at most {MAX_WEBHOOKS} webhooks.", "Delete one first.")
    webhook_id, secret = tx.ids.new("whk"), os.urandom(signing.SECRET_BYTES)
    row = await store.insert(
        tx,
        webhook_id,
        seal(secret, webhook_id, keys.sealing_public_key()),
        name=name,
        url=url,
        event_types=catalogue.checked_types(event_types),
        labels=labels or {},
    )
    if row is None:
        raise conflict("name_taken", f"There is a webhook called {name} already.", "Choose another name.")
    await tx.audit("webhook.create", webhook_id, details={"name": name, "url": url, "event_types": row.event_types})
    await tx.emit(WebhookCreated(webhook_id, name, row.event_types), webhook_id, 1)
    return NewWebhookView(**vars(_view(row)), secret=signing.as_text(secret))


async def list_webhooks(tx: Tx, page: Page) -> WebhookList:
    whole_tenant(tx, "webhook.read")
    rows = [_view(row) for row in await store.webhooks(tx, page)]
    return WebhookList(**page_of(rows, page, key=lambda row: (row.created_at, row.id)))


async def show(tx: Tx, webhook_id: str) -> WebhookView:
    whole_tenant(tx, "webhook.read")
    return _view(await _existing(tx, webhook_id))


async def delete(tx: Tx, webhook_id: str) -> None:
    """Nothing more is sent to it, also what was waiting; its secret is gone. Tells `webhook_deleted`."""
    whole_tenant(tx, "webhook.manage")
    row = await _existing(tx, webhook_id)
    await store.delete(tx, webhook_id)
    await tx.audit("webhook.delete", webhook_id, details={"name": row.name})
    await tx.emit(WebhookDeleted(webhook_id, row.name), webhook_id, row.generation + 1)


async def test(tx: Tx, webhook_id: str) -> DeliveryView:
    """Sends a message of type `platform_control.webhook_test`, signed and tried like every other; its delivery tells how it went."""
    whole_tenant(tx, "webhook.manage")
    row = await _existing(tx, webhook_id)
    event_id, at = tx.ids.new("evt"), (await tx.now()).isoformat()
    content = {
        "id": event_id,
        "type": catalogue.TEST_TYPE,
        "version": 1,
        "timestamp": at,
        "tenant_id": row.tenant_id,
        "aggregate": row.id,
        "aggregate_version": row.generation,
        "data": {"webhook_id": row.id, "name": row.name},
    }
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    delivery_id = await offer_to_webhook(tx, row.id, event_id, catalogue.TEST_TYPE, body)
    if delivery_id is None:
        raise conflict("queue_full", "Too many messages wait for this webhook.", "Mend its receiver first.")
    await tx.audit("webhook.test", row.id, details={"delivery_id": delivery_id})
    return (await _delivery(tx, row.id, delivery_id))[0]


async def list_deliveries(tx: Tx, webhook_id: str, state: str | None, page: Page) -> DeliveryList:
    whole_tenant(tx, "webhook.read")
    await _existing(tx, webhook_id)
    rows = [_delivery_view(row) for row in await delivery_store.deliveries(tx, "webhook", webhook_id, state, page)]
    return DeliveryList(**page_of(rows, page, key=lambda row: (row.created_at, row.id)))


async def show_delivery(tx: Tx, webhook_id: str, delivery_id: str) -> DeliveryDetailView:
    whole_tenant(tx, "webhook.read")
    await _existing(tx, webhook_id)
    view, body = await _delivery(tx, webhook_id, delivery_id)
    tries = [AttemptView(**vars(row)) for row in await delivery_store.attempts(tx, delivery_id)]
    return DeliveryDetailView(**vars(view), body=body, tries=tries)


async def replay_delivery(tx: Tx, webhook_id: str, delivery_id: str) -> DeliveryView:
    """Sends a message again that was given up, under the same id. Raises 409 for one that was delivered or still waits."""
    whole_tenant(tx, "webhook.manage")
    await _existing(tx, webhook_id)
    view, _ = await _delivery(tx, webhook_id, delivery_id)
    if not await delivery_store.revive(tx, delivery_id, webhook_id):
        raise conflict("not_given_up", f"It is {view.state}.", "Only messages that were given up can be replayed.")
    await tx.audit("webhook.replay", webhook_id, details={"delivery_id": delivery_id, "event_id": view.event_id})
    return (await _delivery(tx, webhook_id, delivery_id))[0]


def event_types() -> EventTypeList:
    """What a webhook can ask for."""
    return EventTypeList(list(catalogue.EVENT_TYPES.values()))


async def _existing(tx: Tx, webhook_id: str) -> store.WebhookRow:
    row = await store.webhook(tx, webhook_id)
    if row is None:
        raise not_found("webhook", webhook_id)
    return row


async def _delivery(tx: Tx, webhook_id: str, delivery_id: str) -> tuple[DeliveryView, str]:
    row = await delivery_store.delivery(tx, "webhook", webhook_id, delivery_id)
    if row is None:
        raise not_found("delivery", delivery_id)
    return _delivery_view(row), row.body


def _delivery_view(row: delivery_store.DeliveryRow) -> DeliveryView:
    values = {name: value for name, value in vars(row).items() if name not in ("channel", "target_id", "body")}
    return DeliveryView(webhook_id=row.target_id, **values)


def _view(row: store.WebhookRow) -> WebhookView:
    values = {n: v for n, v in vars(row).items() if n not in ("failing_since", "last_error", "last_tried_at")}
    return WebhookView(**values, conditions=[_receiving(row)])


def _receiving(row: store.WebhookRow) -> Condition:
    if row.last_tried_at is None:
        return _condition("Unknown", "NothingSentYet", "nothing has been sent to it yet", row.created_at.isoformat())
    if row.failing_since is not None:
        return _condition("False", "LastTryFailed", row.last_error, row.failing_since.isoformat())
    return _condition("True", "LastTryDelivered", "the last message was received", row.last_tried_at.isoformat())


def _condition(status: str, reason: str, message: str, since: str) -> Condition:
    return Condition(type="Receiving", status=status, reason=reason, message=message, since=since)
