"""Webhooks, and who is told by mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

COLUMNS = """
    id, tenant_id, name, url, event_types, labels, state, failing_since, last_error, last_tried_at, created_by, generation,
    created_at, updated_at, deleted_at
"""

INSERT_WEBHOOK = f"""
    insert into platform_control.webhooks (id, tenant_id, name, url, event_types, sealed_secret, labels, created_by)
    values (%(id)s, %(tenant)s, %(name)s, %(url)s, %(event_types)s, %(sealed)s, %(labels)s, %(by)s)
    on conflict (tenant_id, name) where deleted_at is null do nothing
    returning {COLUMNS}
"""

WEBHOOK = f"select {COLUMNS} from platform_control.webhooks where id = %(id)s and deleted_at is null"

WEBHOOKS = f"""
    select {COLUMNS} from platform_control.webhooks
    where deleted_at is null
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""

COUNT_WEBHOOKS = "select count(*)::int from platform_control.webhooks where deleted_at is null"

# The tombstone keeps no secret: what was sealed goes with the webhook.
DELETE_WEBHOOK = """
    update platform_control.webhooks
    set state = 'deleted', deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1, sealed_secret = ''
    where id = %(id)s and deleted_at is null
"""

SUBSCRIBED = """
    select id from platform_control.webhooks
    where deleted_at is null and (event_types = '{}' or %(type)s = any(event_types)) order by created_at limit 100
"""

RECEIVER = "select url, sealed_secret from platform_control.webhooks where id = %(id)s and deleted_at is null"

NOTE_OUTCOME = """
    update platform_control.webhooks
    set last_tried_at = kernel.now(), last_error = %(error)s,
        failing_since = case when %(error)s = '' then null else coalesce(failing_since, kernel.now()) end
    where id = %(id)s
"""

PREFERENCES = (
    "select kind, recipients, updated_by, updated_at from platform_control.notification_preferences order by kind"
)

RECIPIENTS = "select recipients from platform_control.notification_preferences where kind = %(kind)s"

SET_PREFERENCE = """
    insert into platform_control.notification_preferences (tenant_id, kind, recipients, updated_by)
    values (%(tenant)s, %(kind)s, %(recipients)s, %(by)s)
    on conflict (tenant_id, kind)
    do update set recipients = excluded.recipients, updated_by = excluded.updated_by, updated_at = kernel.now()
"""


@dataclass(frozen=True)
class WebhookRow:
    id: str
    tenant_id: str
    name: str
    url: str
    event_types: list[str]
    labels: dict[str, str]
    state: Literal["active", "deleted"]
    failing_since: datetime | None
    last_error: str
    last_tried_at: datetime | None
    created_by: str
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class ReceiverRow:
    url: str
    sealed_secret: bytes


@dataclass(frozen=True)
class PreferenceRow:
    kind: str
    recipients: list[str]
    updated_by: str
    updated_at: datetime


async def insert(tx: Tx, webhook_id: str, sealed: bytes, **values: Any) -> WebhookRow | None:
    """None when the tenant has one of that name."""
    values["labels"] = Jsonb(values["labels"])
    params = {"id": webhook_id, "tenant": tx.tenant_id, "sealed": sealed, "by": tx.principal.id, **values}
    return await tx.one(INSERT_WEBHOOK, params, into=WebhookRow)


async def webhook(tx: Tx, webhook_id: str) -> WebhookRow | None:
    return await tx.one(WEBHOOK, {"id": webhook_id}, into=WebhookRow)


async def webhooks(tx: Tx, page: Page) -> list[WebhookRow]:
    after_at, after_id = page.after or (None, None)
    return await tx.all(
        WEBHOOKS, {"limit": page.limit + 1, "after_at": after_at, "after_id": after_id}, into=WebhookRow
    )


async def count(tx: Tx) -> int:
    return int(await tx.value(COUNT_WEBHOOKS))


async def delete(tx: Tx, webhook_id: str) -> int:
    return await tx.run(DELETE_WEBHOOK, {"id": webhook_id})


async def subscribed(tx: Tx, event_type: str) -> list[str]:
    return [row[0] for row in await tx.all(SUBSCRIBED, {"type": event_type})]


async def receiver(tx: Tx, webhook_id: str) -> ReceiverRow | None:
    return await tx.one(RECEIVER, {"id": webhook_id}, into=ReceiverRow)


async def note_outcome(tx: Tx, webhook_id: str, error: str) -> None:
    await tx.run(NOTE_OUTCOME, {"id": webhook_id, "error": error})


async def preferences(tx: Tx) -> list[PreferenceRow]:
    return await tx.all(PREFERENCES, {}, into=PreferenceRow)


async def recipients(tx: Tx, kind: str) -> list[str]:
    return list(await tx.value(RECIPIENTS, {"kind": kind}) or ())


async def set_preference(tx: Tx, kind: str, addresses: list[str]) -> None:
    params = {"tenant": tx.tenant_id, "kind": kind, "recipients": addresses, "by": tx.principal.id}
    await tx.run(SET_PREFERENCE, params)
