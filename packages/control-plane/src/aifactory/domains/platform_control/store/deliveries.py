"""Messages to one receiver each, when they are due, and how each try went."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

Channel = Literal["webhook", "email"]
State = Literal["waiting", "delivered", "dead", "off"]

# A message that this receiver had already changes nothing, unless it was given up: then it begins anew.
OFFER = """
    insert into platform_control.deliveries (id, tenant_id, channel, target_id, event_id, event_type, body, state, error)
    values (%(id)s, %(tenant)s, %(channel)s, %(target)s, %(event_id)s, %(event_type)s, %(body)s, %(state)s, %(error)s)
    on conflict (channel, target_id, event_id) do update set state = 'waiting', attempts = 0, error = ''
    where platform_control.deliveries.state in ('dead', 'off') and excluded.state = 'waiting'
    returning id, state
"""

REVIVE = """
    update platform_control.deliveries set state = 'waiting', attempts = 0, error = ''
    where id = %(id)s and state in ('dead', 'off')
"""

MAKE_DUE = """
    insert into platform_control.deliveries_due (delivery_id, tenant_id, target_id, next_at)
    values (%(id)s, %(tenant)s, %(target)s, kernel.now()) on conflict do nothing
"""

WAITING_FOR = """
    select count(*)::int from
        (select from platform_control.deliveries where target_id = %(target)s and state = 'waiting' limit %(limit)s) waiting
"""

# Two of a receiver's messages at a time, so that a slow one keeps nobody waiting but itself. The claim moves the time on:
# whoever claimed and died has lost it when that has passed.
CLAIM = """
    with ranked as (
        select delivery_id, row_number() over (partition by target_id order by next_at, delivery_id) as place
        from platform_control.deliveries_due
        where next_at <= kernel.now() and target_id <> all(%(busy)s::text[])),
    due as (
        select d.delivery_id from platform_control.deliveries_due d join ranked r using (delivery_id)
        where r.place <= 2 and d.next_at <= kernel.now()
        order by d.next_at, d.delivery_id limit %(limit)s for update of d skip locked)
    update platform_control.deliveries_due d
    set claim = d.claim + 1, next_at = kernel.now() + make_interval(secs => %(lease_seconds)s)
    from due where due.delivery_id = d.delivery_id
    returning d.delivery_id, d.tenant_id, d.target_id, d.claim
"""

MESSAGE = """
    select id, channel, target_id, event_id, event_type, body, attempts, tenant_id from platform_control.deliveries
    where id = %(id)s and state = 'waiting'
"""

HOLDS_CLAIM = """
    select true from platform_control.deliveries_due where delivery_id = %(id)s and claim = %(claim)s for update
"""

RECORD_ATTEMPT = """
    insert into platform_control.delivery_attempts (delivery_id, attempt, tenant_id, response_code, latency_ms, error)
    values (%(id)s, 1 + (select coalesce(max(attempt), 0) from platform_control.delivery_attempts where delivery_id = %(id)s),
            %(tenant)s, %(response_code)s, %(latency_ms)s, %(error)s)
"""

RECORD_OUTCOME = """
    update platform_control.deliveries
    set attempts = attempts + 1, state = %(state)s, response_code = %(response_code)s, latency_ms = %(latency_ms)s,
        error = %(error)s, delivered_at = case when %(state)s = 'delivered' then kernel.now() end
    where id = %(id)s
"""

POSTPONE = """
    update platform_control.deliveries_due set next_at = kernel.now() + make_interval(secs => %(seconds)s)
    where delivery_id = %(id)s
"""

NOT_DUE = "delete from platform_control.deliveries_due where delivery_id = %(id)s"

DELIVERY_COLUMNS = """
    id, channel, target_id, event_id, event_type, state, attempts, response_code, latency_ms, error, created_at, delivered_at
"""

DELIVERY = f"""
    select {DELIVERY_COLUMNS}, body from platform_control.deliveries
    where id = %(id)s and channel = %(channel)s and target_id = %(target)s
"""

DELIVERIES = f"""
    select {DELIVERY_COLUMNS}, '' as body from platform_control.deliveries
    where target_id = %(target)s and channel = %(channel)s and (%(state)s::text is null or state = %(state)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""

ATTEMPTS = """
    select attempt, at, response_code, latency_ms, error from platform_control.delivery_attempts
    where delivery_id = %(id)s order by attempt limit 100
"""

INSERT_DEAD_LETTER = """
    insert into kernel.dead_letters (id, consumer, event_id, event_type, tenant_id, error, attempts, created_at)
    select %(id)s, %(consumer)s, %(event_id)s, %(event_type)s, %(tenant)s, %(error)s, %(attempts)s, kernel.now()
    where not exists (select from kernel.dead_letters
                      where consumer = %(consumer)s and event_id = %(event_id)s and replayed_at is null)
"""

SENT_LATELY = """
    select count(*)::int from platform_control.deliveries
    where tenant_id = %(tenant)s and channel = 'email' and created_at > kernel.now() - interval '1 hour'
"""

TENANTS_WITH_OLD = "select id from platform_control.tenants_with_old_deliveries(%(days)s)"

FORGET_ATTEMPTS = """
    delete from platform_control.delivery_attempts a using platform_control.deliveries d
    where d.id = a.delivery_id and d.state <> 'waiting' and d.created_at < kernel.now() - make_interval(days => %(days)s)
"""

FORGET = """
    delete from platform_control.deliveries
    where state <> 'waiting' and created_at < kernel.now() - make_interval(days => %(days)s)
"""


@dataclass(frozen=True)
class OfferedRow:
    id: str
    state: State


@dataclass(frozen=True)
class ClaimedRow:
    delivery_id: str
    tenant_id: str
    target_id: str
    claim: int


@dataclass(frozen=True)
class MessageRow:
    id: str
    channel: Channel
    target_id: str
    event_id: str
    event_type: str
    body: str
    attempts: int
    tenant_id: str


@dataclass(frozen=True)
class DeliveryRow:
    id: str
    channel: Channel
    target_id: str
    event_id: str
    event_type: str
    state: State
    attempts: int
    response_code: int | None
    latency_ms: int | None
    error: str
    created_at: datetime
    delivered_at: datetime | None
    body: str


@dataclass(frozen=True)
class AttemptRow:
    attempt: int
    at: datetime
    response_code: int | None
    latency_ms: int
    error: str


@dataclass(frozen=True)
class Outcome:
    """How one try went. `error` is empty when the receiver took the message."""

    error: str
    response_code: int | None
    latency_ms: int


async def offer(
    tx: Tx, channel: Channel, target: str, event_id: str, event_type: str, body: str, off_because: str = ""
) -> str | None:
    """The delivery's id when it is to be sent; None when this receiver had the event, or sending is off."""
    params = {
        "id": tx.ids.new("dlv"),
        "tenant": tx.tenant_id,
        "channel": channel,
        "target": target,
        "event_id": event_id,
        "event_type": event_type,
        "body": body,
        "state": "off" if off_because else "waiting",
        "error": off_because,
    }
    row = await tx.one(OFFER, params, into=OfferedRow)
    if row is None or row.state != "waiting":
        return None
    await make_due(tx, row.id, target)
    return row.id


async def make_due(tx: Tx, delivery_id: str, target: str) -> None:
    await tx.run(MAKE_DUE, {"id": delivery_id, "tenant": tx.tenant_id, "target": target})


async def revive(tx: Tx, delivery_id: str, target: str) -> bool:
    """False when it was not given up."""
    if not await tx.run(REVIVE, {"id": delivery_id}):
        return False
    await make_due(tx, delivery_id, target)
    return True


async def waiting_for(tx: Tx, target: str, limit: int) -> int:
    """How many messages wait for that receiver, counted up to `limit`."""
    return int(await tx.value(WAITING_FOR, {"target": target, "limit": limit}))


async def claim(tx: Tx, busy: list[str], limit: int, lease_seconds: float) -> list[ClaimedRow]:
    params = {"busy": busy, "limit": limit, "lease_seconds": lease_seconds}
    return await tx.all(CLAIM, params, into=ClaimedRow)


async def message(tx: Tx, delivery_id: str) -> MessageRow | None:
    return await tx.one(MESSAGE, {"id": delivery_id}, into=MessageRow)


async def holds_claim(tx: Tx, claimed: ClaimedRow) -> bool:
    """Locks the row; False when another worker has claimed it since, or it is gone."""
    return bool(await tx.value(HOLDS_CLAIM, {"id": claimed.delivery_id, "claim": claimed.claim}))


async def record(tx: Tx, delivery_id: str, outcome: Outcome, state: State) -> None:
    params = {"id": delivery_id, "tenant": tx.tenant_id, "state": state, **vars(outcome)}
    await tx.run(RECORD_ATTEMPT, params)
    await tx.run(RECORD_OUTCOME, params)


async def postpone(tx: Tx, delivery_id: str, seconds: float) -> None:
    await tx.run(POSTPONE, {"id": delivery_id, "seconds": seconds})


async def not_due(tx: Tx, delivery_id: str) -> None:
    await tx.run(NOT_DUE, {"id": delivery_id})


async def delivery(tx: Tx, channel: Channel, target: str, delivery_id: str) -> DeliveryRow | None:
    return await tx.one(DELIVERY, {"id": delivery_id, "channel": channel, "target": target}, into=DeliveryRow)


async def deliveries(tx: Tx, channel: Channel, target: str, state: str | None, page: Page) -> list[DeliveryRow]:
    after_at, after_id = page.after or (None, None)
    params = {"channel": channel, "target": target, "state": state, "limit": page.limit + 1}
    return await tx.all(DELIVERIES, {**params, "after_at": after_at, "after_id": after_id}, into=DeliveryRow)


async def attempts(tx: Tx, delivery_id: str) -> list[AttemptRow]:
    return await tx.all(ATTEMPTS, {"id": delivery_id}, into=AttemptRow)


async def open_dead_letter(tx: Tx, consumer: str, message: MessageRow, error: str, tries: int) -> None:
    params = {
        "id": tx.ids.new("dlq"),
        "consumer": consumer,
        "event_id": message.event_id,
        "event_type": message.event_type,
        "tenant": message.tenant_id,
        "error": error,
        "attempts": tries,
    }
    await tx.run(INSERT_DEAD_LETTER, params)


async def mails_of_the_last_hour(tx: Tx) -> int:
    return int(await tx.value(SENT_LATELY, {"tenant": tx.tenant_id}))


async def tenants_with_old(tx: Tx, days: int) -> list[str]:
    return [row[0] for row in await tx.all(TENANTS_WITH_OLD, {"days": days})]


async def forget(tx: Tx, days: int) -> None:
    await tx.run(FORGET_ATTEMPTS, {"days": days})
    await tx.run(FORGET, {"days": days})
