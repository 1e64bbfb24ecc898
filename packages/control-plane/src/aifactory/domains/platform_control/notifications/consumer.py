"""When something of a tenant's happened: one delivery for each webhook that asked for it and each person who is told."""

import json

from aifactory.domains.platform_control.notifications import catalogue, mail, settings
from aifactory.domains.platform_control.store import deliveries, webhooks
from aifactory.events import Envelope
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx

NAME = "platform_control.notify"
MAX_WAITING = 10_000  # messages for one receiver; what comes on top is given up at once and can be replayed
MAIL_OFF = "mail is off: this installation has no mail server"


@consumer(NAME, on=catalogue.SUBSCRIBABLE, enveloped=True)
async def notify(tx: Tx, envelope: Envelope) -> None:
    """Only records what is to be sent: nothing leaves the house inside a transaction."""
    if not envelope.tenant_id:
        return
    for webhook_id in await webhooks.subscribed(tx, envelope.type):
        await offer_to_webhook(tx, webhook_id, envelope.id, envelope.type, message_of(envelope))
    template = mail.BY_EVENT.get(envelope.type)
    if template is not None:
        await _offer_mails(tx, template, envelope)


async def offer_to_webhook(tx: Tx, webhook_id: str, event_id: str, event_type: str, body: str) -> str | None:
    """The delivery's id, or None when the webhook had the event or its queue is full."""
    full = await deliveries.waiting_for(tx, webhook_id, MAX_WAITING) >= MAX_WAITING
    why = f"{MAX_WAITING} messages were waiting for this receiver already" if full else ""
    return await deliveries.offer(tx, "webhook", webhook_id, event_id, event_type, body, why)


def message_of(envelope: Envelope) -> str:
    """The body as it is signed and sent, byte for byte the same on each try."""
    content = {
        "id": envelope.id,
        "type": envelope.type,
        "version": envelope.version,
        "timestamp": envelope.occurred_at,
        "tenant_id": envelope.tenant_id,
        "aggregate": envelope.aggregate,
        "aggregate_version": envelope.aggregate_version,
        "data": envelope.payload,
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


async def _offer_mails(tx: Tx, template: mail.Template, envelope: Envelope) -> None:
    addresses = await webhooks.recipients(tx, template.kind)
    if not addresses:
        return
    subject, text = mail.written(template, envelope.payload)
    body = json.dumps({"subject": subject, "text": text}, ensure_ascii=False)
    off = "" if settings.mail_server() else MAIL_OFF
    if not off and await deliveries.mails_of_the_last_hour(tx) >= mail.MAX_MAILS_AN_HOUR:
        off = f"{mail.MAX_MAILS_AN_HOUR} mails were sent for this tenant within the hour"
    for address in addresses:
        await deliveries.offer(tx, "email", address, envelope.id, envelope.type, body, off)
