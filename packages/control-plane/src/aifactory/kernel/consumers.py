"""Consumers: what a domain does when something happened elsewhere. Each effect once, whatever is delivered how often."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aifactory.events import Envelope
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

MAX_ATTEMPTS = 5
Handler = Callable[[Tx, Any], Awaitable[None]]


@dataclass(frozen=True)
class Consumer:
    """`handle(tx, event)` runs in the inbox's transaction, as worker, in the event's tenant.

    on: the event, or several. enveloped: `handle` gets the Envelope in place of the event, for whoever passes events on.
    """

    name: str
    on: type | tuple[type, ...]
    handle: Handler
    enveloped: bool = False

    @property
    def events(self) -> dict[str, type]:
        """type's name -> payload"""
        all_of_them = self.on if isinstance(self.on, tuple) else (self.on,)
        return {str(event.TYPE): event for event in all_of_them}  # type: ignore[attr-defined]


def consumer(name: str, on: type | tuple[type, ...], enveloped: bool = False) -> Callable[[Handler], Consumer]:
    """`@consumer("provisioning.release_on_credit_exhausted", on=CreditExhausted)`; the name is the domain's and stays for ever."""
    return lambda handle: Consumer(name, on, handle, enveloped)


async def deliver(database: Database, target: Consumer, envelope: Envelope) -> bool:
    """Runs the effect unless this consumer already had the event. True when done or dead-lettered (the broker may forget it)."""
    who = Principal.service(target.name)
    try:
        async with database.tx("worker", who, traceparent=envelope.traceparent) as tx:
            if not await tx.run(
                "insert into kernel.inbox values (%s, %s, kernel.now()) on conflict do nothing",
                (target.name, envelope.id),
            ):
                return True
            if envelope.tenant_id:
                await tx.set_tenant(envelope.tenant_id)
            told = envelope if target.enveloped else _payload(target.events[envelope.type], envelope.payload)
            await target.handle(tx, told)
            await tx.run(
                "delete from kernel.deliveries where consumer = %s and event_id = %s", (target.name, envelope.id)
            )
        return True
    except Exception as error:
        return await _failed(database, target, envelope, f"{type(error).__name__}: {error}"[:1000])


def _payload(event: type, payload: dict[str, Any]) -> Any:
    """Additive changes are tolerated: members this version does not know are left out."""
    known = event.__dataclass_fields__  # type: ignore[attr-defined]
    return event(**{name: value for name, value in payload.items() if name in known})


async def _failed(database: Database, target: Consumer, envelope: Envelope, error: str) -> bool:
    async with database.tx("worker", Principal.service(target.name)) as tx:
        attempts = await tx.value(
            "insert into kernel.deliveries values (%(c)s, %(e)s, 1, kernel.now() + interval '1 second', %(error)s) "
            "on conflict (consumer, event_id) do update set attempts = kernel.deliveries.attempts + 1, error = excluded.error, "
            "next_at = kernel.now() + make_interval(secs => least(60, power(2, kernel.deliveries.attempts)::int)) returning attempts",
            {"c": target.name, "e": envelope.id, "error": error},
        )
        if attempts < MAX_ATTEMPTS:
            return False
        await tx.run(
            "insert into kernel.inbox values (%s, %s, kernel.now()) on conflict do nothing", (target.name, envelope.id)
        )
        await tx.run("delete from kernel.deliveries where consumer = %s and event_id = %s", (target.name, envelope.id))
        await tx.run(
            "insert into kernel.dead_letters (id, consumer, event_id, event_type, tenant_id, error, attempts, created_at) "
            "values (%s, %s, %s, %s, %s, %s, %s, kernel.now())",
            (tx.ids.new("dlq"), target.name, envelope.id, envelope.type, envelope.tenant_id, error, attempts),
        )
    return True


async def replay(tx: Tx, dead_letter_id: str, by: str) -> bool:
    """Lets the consumer have the event again, under the same id. False when there is no such open dead letter."""
    row = await tx.one(
        "update kernel.dead_letters set replayed_at = kernel.now(), replayed_by = %s where id = %s and replayed_at is null returning consumer, event_id",
        (by, dead_letter_id),
    )
    if row is None:
        return False
    await tx.run("delete from kernel.inbox where consumer = %s and event_id = %s", row)
    await tx.run("delete from kernel.deliveries where consumer = %s and event_id = %s", row)
    await tx.run("select kernel.rescan(%s, %s)", row)
    await tx.wake("outbox")
    return True
