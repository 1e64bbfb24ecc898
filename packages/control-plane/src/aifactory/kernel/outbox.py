"""The outbox: events as rows of the transaction that caused them."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from aifactory.events import Event

if TYPE_CHECKING:
    from aifactory.kernel.db import Tx

# Told of the tenant (None: the platform) after the commit of a transaction that published something. None may raise.
OBSERVERS: list[Callable[[str | None], Awaitable[None]]] = []

_INSERT = """
insert into kernel.outbox (id, type, version, aggregate, aggregate_version, tenant_id, occurred_at, traceparent, payload)
values (%s, %s, %s, %s, %s, %s, kernel.now(), %s, %s)
"""


async def append(
    tx: "Tx", event: Event, aggregate_id: str, aggregate_version: int, tenant_id: str | None = None
) -> str:
    whose = tenant_id or tx.tenant_id
    event_id = tx.ids.new("evt")
    name, version = event.TYPE, event.VERSION  # type: ignore[attr-defined]  # set by @event
    payload = Jsonb(asdict(event))  # type: ignore[call-overload]
    await tx.run(
        _INSERT,
        (event_id, name, version, aggregate_id, aggregate_version, whose, tx.traceparent, payload),
    )
    await tx.wake("outbox")
    for observe in OBSERVERS:
        tx.after_commit(partial(observe, whose))
    return event_id
