"""Sends what is due: claims a few, sends outside any transaction, records how it went. At least once, under one id.

A worker that dies between sending and recording leaves its claim to run out; then the message is sent again with the
same id, by which receivers know it. Two messages of one receiver are under way at most, so a slow one delays only itself.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from aifactory.domains.platform_control import keys
from aifactory.domains.platform_control.adapters import smtp, webhook_http
from aifactory.domains.platform_control.notifications import settings, signing
from aifactory.domains.platform_control.notifications.consumer import NAME
from aifactory.domains.platform_control.notifications.sealing import unseal
from aifactory.domains.platform_control.store import deliveries, webhooks
from aifactory.domains.platform_control.store.deliveries import ClaimedRow, MessageRow, Outcome
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

log = logging.getLogger(__name__)
WHO = Principal.service("notifications")
UNDER_WAY = 16
LEASE_SECONDS = 30.0  # longer than any try may last
RETRY_AFTER_SECONDS = (5, 30, 120, 600, 1800, 7200, 21600)  # eight tries in about nine hours
MAX_TRIES = len(RETRY_AFTER_SECONDS) + 1
RUN_SECONDS = 60.0
KEEP_DAYS = 30
LOOK_AGAIN_SECONDS = 0.5
Send = Callable[[], Awaitable[Outcome]]


async def send_due(database: Database) -> int:
    """Works until nothing is due or a minute has passed; returns how many were tried."""
    loop, tried = asyncio.get_running_loop(), 0
    ends = loop.time() + RUN_SECONDS
    under_way: dict[asyncio.Task[None], str] = {}
    try:
        while True:
            claimed = await _claim(database, under_way) if loop.time() < ends else []
            tried += len(claimed)
            for row in claimed:
                under_way[asyncio.create_task(_deliver(database, row))] = row.target_id
            if not under_way:
                return tried
            done, _ = await asyncio.wait(under_way, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del under_way[task]
    finally:
        for task in under_way:
            task.cancel()


async def _claim(database: Database, under_way: dict[asyncio.Task[None], str]) -> list[ClaimedRow]:
    free = UNDER_WAY - len(under_way)
    if free <= 0:
        return []
    busy = [target for target, count in Counter(under_way.values()).items() if count >= 2]
    async with database.tx("worker", WHO) as tx:
        return await deliveries.claim(tx, busy, free, LEASE_SECONDS)


async def _deliver(database: Database, claimed: ClaimedRow) -> None:
    try:
        async with database.tx("worker", WHO) as tx:
            await tx.set_tenant(claimed.tenant_id)
            message = await deliveries.message(tx, claimed.delivery_id)
            send = await _sender(tx, message) if message else None
            if send is None:
                await deliveries.not_due(tx, claimed.delivery_id)  # its webhook was deleted, or it is done already
        if message is None or send is None:
            return
        outcome = await send()
        async with database.tx("worker", WHO) as tx:
            await tx.set_tenant(claimed.tenant_id)
            if await deliveries.holds_claim(tx, claimed):
                await _record(tx, message, outcome)
    except Exception:
        log.exception("delivery %s: it is tried again when its claim has run out", claimed.delivery_id)


async def _sender(tx: Tx, message: MessageRow) -> Send | None:
    """All that sending needs, read now: the call itself touches no database."""
    if message.channel == "email":
        return _mail_sender(message)
    receiver = await webhooks.receiver(tx, message.target_id)
    if receiver is None:
        return None
    secret = unseal(receiver.sealed_secret, message.target_id, keys.sealing_key())
    body, timestamp = message.body.encode(), int((await tx.now()).timestamp())
    headers = signing.headers(message.event_id, timestamp, body, secret)
    return lambda: webhook_http.post(receiver.url, headers, body)


def _mail_sender(message: MessageRow) -> Send:
    server, content = settings.mail_server(), json.loads(message.body)

    async def nowhere() -> Outcome:
        return Outcome("mail is off: this installation has no mail server", None, 0)

    if server is None:
        return nowhere
    return lambda: smtp.send(server, message.target_id, content["subject"], content["text"], message.id)


async def _record(tx: Tx, message: MessageRow, outcome: Outcome) -> None:
    tries = message.attempts + 1
    if not outcome.error:
        await deliveries.record(tx, message.id, outcome, "delivered")
        await deliveries.not_due(tx, message.id)
    elif tries < MAX_TRIES:
        await deliveries.record(tx, message.id, outcome, "waiting")
        await deliveries.postpone(tx, message.id, RETRY_AFTER_SECONDS[tries - 1])
    else:
        await deliveries.record(tx, message.id, outcome, "dead")
        await deliveries.not_due(tx, message.id)
        if message.channel == "email":  # the operator's mail server; a webhook that is down is its owner's trouble
            await deliveries.open_dead_letter(tx, NAME, message, f"{message.target_id}: {outcome.error}", tries)
    if message.channel == "webhook":
        await webhooks.note_outcome(tx, message.target_id, outcome.error)


async def forget_old(database: Database) -> None:
    """What was sent or given up is kept for thirty days."""
    async with database.tx("worker", WHO) as tx:
        tenants = await deliveries.tenants_with_old(tx, KEEP_DAYS)
    for tenant_id in tenants:
        async with database.tx("worker", WHO) as tx:
            await tx.set_tenant(tenant_id)
            await deliveries.forget(tx, KEEP_DAYS)
