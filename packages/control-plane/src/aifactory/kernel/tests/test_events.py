"""Outbox, broker, inbox, dead letters: against a real PostgreSQL and a real NATS."""

import asyncio
import json
from dataclasses import asdict, dataclass

import pytest

from aifactory.events import Envelope, event
from aifactory.kernel import relay as relays
from aifactory.kernel.consumers import MAX_ATTEMPTS, Consumer, consumer, deliver, replay
from aifactory.kernel.relay import Relay
from aifactory.kernel.wakeups import NatsWakeups
from aifactory.testing.nats_server import TestNats


@event("test.thing_happened")
@dataclass(frozen=True)
class ThingHappened:
    number: int


@consumer("test.count_things", on=ThingHappened)
async def count_things(tx, happened):
    await tx.audit("thing.counted", f"thing_{happened.number}")


def broken(error: list[str]) -> Consumer:
    async def handle(tx, happened):
        await tx.audit("thing.counted", f"thing_{happened.number}")
        if error:
            raise RuntimeError(error[0])

    return Consumer("test.broken", ThingHappened, handle)


@pytest.fixture
def nats_server():
    server = TestNats()
    yield server
    server.stop()


@pytest.fixture
async def wakeups(nats_server, database):
    made = NatsWakeups()
    await made.connect(nats_server.url, "test")
    database.wakeups = made
    yield made
    await made.close()


async def publish(tx_as, count, tenant="tnt_a"):
    async with tx_as(tenant) as tx:
        for number in range(count):
            await tx.emit(ThingHappened(number), f"thing_{number}", 1)


async def envelopes(tx_as):
    async with tx_as(role="worker") as tx:
        return await tx.all(
            "select id, type, version, aggregate, aggregate_version, tenant_id, occurred_at::text, traceparent, payload from kernel.outbox order by id",
            into=Envelope,
        )


async def effects(tx_as):
    async with tx_as("tnt_a") as tx:
        return [row[0] for row in await tx.all("select target_id from kernel.audit where action = 'thing.counted'")]


async def test_a_consumer_has_each_event_once(database, tx_as):
    await publish(tx_as, 1)
    (envelope,) = await envelopes(tx_as)
    assert all(await asyncio.gather(*(deliver(database, count_things, envelope) for _ in range(8))))
    assert await effects(tx_as) == ["thing_0"]


async def test_after_bounded_tries_a_dead_letter_and_a_replay_under_the_same_id(database, tx_as):
    error = ["cannot count"]
    target = broken(error)
    await publish(tx_as, 1)
    (envelope,) = await envelopes(tx_as)
    answers = [await deliver(database, target, envelope) for _ in range(MAX_ATTEMPTS)]
    assert answers == [False] * (MAX_ATTEMPTS - 1) + [True]
    async with tx_as(role="worker") as tx:
        letter, event_id, text = await tx.one("select id, event_id, error from kernel.dead_letters")
    assert event_id == envelope.id and "cannot count" in text
    assert await effects(tx_as) == []
    error.clear()
    async with tx_as(role="operator") as tx:
        assert await replay(tx, letter, "usr_admin")
        assert not await replay(tx, letter, "usr_admin")
    assert await deliver(database, target, envelope)
    assert await effects(tx_as) == ["thing_0"]


async def test_events_travel_through_the_broker(database, tx_as, wakeups):
    await publish(tx_as, 30)
    relay = Relay(database, wakeups, [count_things])
    assert await relay.publish_some() == 30
    running = asyncio.create_task(relay._consume(count_things))
    for _ in range(100):
        if len(await effects(tx_as)) == 30:
            break
        await asyncio.sleep(0.1)
    running.cancel()
    assert sorted(await effects(tx_as)) == sorted(f"thing_{n}" for n in range(30))


async def test_whoever_can_write_to_the_broker_can_still_make_nothing_happen(database, tx_as, wakeups):
    """The rows are the truth: a message only says which of them to look at."""
    await publish(tx_as, 1)
    relay = Relay(database, wakeups, [count_things])
    await relay.publish_some()
    (real,) = await envelopes(tx_as)
    stream = wakeups.client.jetstream()
    forged = asdict(real) | {"payload": {"number": 99}, "tenant_id": "tnt_b"}
    invented, unfit = forged | {"id": "evt_" + "0" * 26}, forged | {"id": "evt_\0"}
    await stream.purge_stream(relays.STREAM)
    for body in (
        invented,
        unfit,
        forged,
        {"id": real.id},
        [],
        forged | {"occurred_at": "a\0b"},
        forged | {"type": "test.other"},
    ):
        await stream.publish(relays.SUBJECT + real.type, json.dumps(body).encode())
    await stream.publish(relays.SUBJECT + real.type, b"not even JSON")
    running = asyncio.create_task(relay._consume(count_things))
    for _ in range(100):
        state = await stream.consumer_info(relays.STREAM, "test-count_things") if await effects(tx_as) else None
        if state and not state.num_pending and not state.num_ack_pending:
            break
        await asyncio.sleep(0.1)
    running.cancel()
    assert await effects(tx_as) == ["thing_0"]
    async with tx_as("tnt_b") as tx:
        assert await tx.all("select 1 from kernel.audit") == []


async def test_a_broker_that_lost_its_store_loses_no_effect(database, tx_as, wakeups, nats_server, monkeypatch):
    monkeypatch.setattr(relays, "SCAN_AGE_SECONDS", 0.2)
    monkeypatch.setattr(relays, "SCAN_SECONDS", 0.3)
    relay = Relay(database, wakeups, [count_things])
    await publish(tx_as, 200)
    await relay.publish_some()
    nats_server.lose_everything()
    await publish(tx_as, 100)
    running = asyncio.create_task(relay.run_forever())
    for _ in range(300):
        if len(await effects(tx_as)) >= 300:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    running.cancel()
    counted = await effects(tx_as)
    assert len(counted) == 300
    async with tx_as(role="worker") as tx:
        assert await tx.value("select count(*) from kernel.inbox") == 300


def test_an_envelope_is_plain_json():
    assert json.loads(json.dumps(Envelope("e", "t", 1, "a", 1, None, "2026-01-01T00:00:00Z", "", {"n": 1}).__dict__))[
        "payload"
    ] == {"n": 1}
