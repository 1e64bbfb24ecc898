"""Carries outbox rows to NATS JetStream and back to consumers, and scans for what a lost broker did not carry.

The rows are the truth: a message that never arrives, or a broker whose store is deleted, costs only the scan's interval.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from aifactory.events import Envelope
from aifactory.kernel.consumers import Consumer, deliver
from aifactory.kernel.db import Database
from aifactory.kernel.ids import well_formed
from aifactory.kernel.principal import Principal
from aifactory.kernel.wakeups import NatsWakeups

log = logging.getLogger(__name__)

STREAM = "AIF_EVENTS"
SUBJECT = "aif.events."
BATCH = 200
POLL_SECONDS = 1.0
SCAN_SECONDS = 3.0
SCAN_AGE_SECONDS = 3.0  # younger events are the broker's to carry
SCAN_OVERLAP = timedelta(minutes=10)  # a row may be committed this long after its time was taken
PARALLEL = 4

_CLAIM = """
with due as (
  select id, occurred_at from kernel.outbox
  where sent_at is null and (claimed_until is null or claimed_until <= kernel.now())
  order by occurred_at limit %s for update skip locked)
update kernel.outbox o set claimed_until = kernel.now() + interval '30 seconds' from due
where o.id = due.id and o.occurred_at = due.occurred_at
returning o.id, o.type, o.version, o.aggregate, o.aggregate_version, o.tenant_id, to_json(o.occurred_at)#>>'{}' as occurred_at, o.traceparent, o.payload
"""
_STORED = """
select o.id, o.type, o.version, o.aggregate, o.aggregate_version, o.tenant_id, to_json(o.occurred_at)#>>'{}' as occurred_at, o.traceparent, o.payload
from kernel.outbox o where o.id = %(id)s and o.occurred_at = %(occurred_at)s and o.type = any(%(types)s)
"""
_MISSED = """
select o.id, o.type, o.version, o.aggregate, o.aggregate_version, o.tenant_id, to_json(o.occurred_at)#>>'{}' as occurred_at, o.traceparent, o.payload
from kernel.outbox o
where o.type = any(%(types)s) and o.occurred_at > %(after)s and o.occurred_at < kernel.now() - make_interval(secs => %(age)s)
  and not exists (select from kernel.inbox i where i.consumer = %(consumer)s and i.event_id = o.id)
  and not exists (select from kernel.deliveries d where d.consumer = %(consumer)s and d.event_id = o.id and d.next_at > kernel.now())
order by o.occurred_at limit %(limit)s
"""


class Relay:
    """One per worker process. `run_forever` publishes, subscribes and scans until cancelled."""

    def __init__(self, database: Database, wakeups: NatsWakeups | None, consumers: Iterable[Consumer]) -> None:
        self._database = database
        self._wakeups = wakeups
        self._consumers = list(consumers)
        self._who = Principal.service("relay")

    async def run_forever(self) -> None:
        await asyncio.gather(
            self._keep(self._publish_loop),
            self._keep(self._scan_loop),
            *(self._keep(self._consume, c) for c in self._consumers),
        )

    async def _keep(self, loop, *arguments: object) -> None:  # type: ignore[no-untyped-def]
        while True:
            try:
                await loop(*arguments)
            except Exception as error:
                log.warning("relay %s: %s: %s", loop.__name__, type(error).__name__, error)
                await asyncio.sleep(POLL_SECONDS)

    # -- to the broker

    async def _publish_loop(self) -> None:
        while True:
            if self._wakeups is None or not self._wakeups.client.is_connected or not await self.publish_some():
                await self._database.wakeups.wait("outbox", POLL_SECONDS)

    async def publish_some(self) -> int:
        """Claims, publishes outside the transaction, marks sent what the broker acknowledged. Returns how many."""
        async with self._database.tx("worker", self._who) as tx:
            rows = await tx.all(_CLAIM, (BATCH,), into=Envelope)
        if not rows:
            return 0
        stream = await self._stream()
        results = await asyncio.gather(*(self._publish(stream, row) for row in rows), return_exceptions=True)
        sent = [row.id for row, result in zip(rows, results, strict=True) if not isinstance(result, BaseException)]
        lost = [row.id for row in rows if row.id not in set(sent)]
        async with self._database.tx("worker", self._who) as tx:
            await tx.run("update kernel.outbox set sent_at = kernel.now() where id = any(%s)", (sent,))
            await tx.run(
                "update kernel.outbox set claimed_until = kernel.now() + interval '2 seconds' where id = any(%s)",
                (lost,),
            )
        if lost:
            await asyncio.sleep(POLL_SECONDS)
        return len(sent)

    async def _publish(self, stream: JetStreamContext, row: Envelope) -> None:
        body = json.dumps(asdict(row), separators=(",", ":"), default=str).encode()
        await stream.publish(SUBJECT + row.type, body, timeout=5, headers={"Nats-Msg-Id": row.id})

    async def _stream(self) -> JetStreamContext:
        assert self._wakeups is not None
        stream = self._wakeups.client.jetstream(timeout=5)
        config = StreamConfig(name=STREAM, subjects=[SUBJECT + ">"], max_age=30 * 86_400, duplicate_window=120)
        try:
            await stream.stream_info(STREAM)
        except NatsError:
            await stream.add_stream(config)
        return stream

    # -- from the broker

    async def _consume(self, consumer: Consumer) -> None:
        if self._wakeups is None or not self._wakeups.client.is_connected:
            await asyncio.sleep(POLL_SECONDS)
            return
        stream = await self._stream()
        durable = consumer.name.replace(".", "-")
        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=30, max_ack_pending=500)
        only = next(iter(consumer.events)) if len(consumer.events) == 1 else ">"
        subscription = await stream.pull_subscribe(SUBJECT + only, durable=durable, stream=STREAM, config=config)
        try:
            while self._wakeups.client.is_connected:
                try:
                    messages = await subscription.fetch(50, timeout=5)
                except TimeoutError:
                    await (
                        subscription.consumer_info()
                    )  # raises when the broker lost its store: start over with a new stream
                    continue
                for message in messages:
                    await self._receive(consumer, message)
        finally:
            await asyncio.shield(_unsubscribe(subscription))

    async def _receive(self, consumer: Consumer, message: Msg) -> None:
        envelope = await self._stored(consumer, message.data)
        done = envelope is None or await deliver(self._database, consumer, envelope)
        await (message.ack() if done else message.nak(delay=2))

    async def _stored(self, consumer: Consumer, data: bytes) -> Envelope | None:
        """The row that a message is about; None for one that does not concern this consumer, or no event of ours.

        What the message says beyond that is not believed: others may write to a broker.
        """
        try:
            told = json.loads(data)
            if told["type"] not in consumer.events:
                return None
            key = {"id": str(told["id"]), "occurred_at": datetime.fromisoformat(told["occurred_at"])}
        except (ValueError, TypeError, KeyError):
            key = {"id": "", "occurred_at": None}
        envelope = None
        if well_formed("evt", str(key["id"])):
            async with self._database.tx("worker", self._who) as tx:
                envelope = await tx.one(_STORED, key | {"types": list(consumer.events)}, into=Envelope)
        if envelope is None:
            log.warning("relay: a message for %s is about no event of ours", consumer.name)
        return envelope

    # -- what the broker lost

    async def _scan_loop(self) -> None:
        while True:
            for consumer in self._consumers:
                await self.scan(consumer)
            await asyncio.sleep(SCAN_SECONDS)

    async def scan(self, consumer: Consumer) -> int:
        """Delivers committed events that this consumer's inbox lacks; returns how many it found."""
        async with self._database.tx("worker", self._who) as tx:
            started = await tx.now()
            after = await self._scanned_to(tx, consumer, started)
            rows = await tx.all(
                _MISSED,
                {
                    "types": list(consumer.events),
                    "after": after,
                    "age": SCAN_AGE_SECONDS,
                    "consumer": consumer.name,
                    "limit": BATCH,
                },
                into=Envelope,
            )
        gate = asyncio.Semaphore(PARALLEL)

        async def one(row: Envelope) -> None:
            async with gate:
                await deliver(self._database, consumer, row)

        await asyncio.gather(*(one(row) for row in rows))
        if not rows:
            async with self._database.tx("worker", self._who) as tx:
                await tx.run(
                    "update kernel.consumers c set scanned_to = %s where name = %s and scanned_to < %s and not exists (select from kernel.deliveries d where d.consumer = c.name)",
                    (started - SCAN_OVERLAP, consumer.name, started - SCAN_OVERLAP),
                )
        return len(rows)

    async def _scanned_to(self, tx, consumer: Consumer, now: datetime) -> datetime:  # type: ignore[no-untyped-def]
        """A consumer that is new here begins a day back: it may have been installed after its first events."""
        await tx.run(
            "insert into kernel.consumers values (%s, %s) on conflict do nothing",
            (consumer.name, now - timedelta(days=1)),
        )
        return await tx.value("select scanned_to from kernel.consumers where name = %s", (consumer.name,))  # type: ignore[no-any-return]


async def _unsubscribe(subscription: JetStreamContext.PullSubscription) -> None:
    try:
        await subscription.unsubscribe()
    except Exception:
        return
