"""A dead letter can be read and replayed once, under the event's own id."""

import json

import psycopg
import pytest

from aifactory.domains.platform_control import facade
from aifactory.events import Envelope
from aifactory.events.platform_control import CertificateRevoked
from aifactory.kernel.consumers import MAX_ATTEMPTS, Consumer, deliver
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal
from aifactory.kernel.relay import Relay

OPERATOR = Principal("usr_op", "user", "operator")
ALL = Page()


async def refuse(tx, event):
    raise RuntimeError("cannot take it")


async def a_dead_letter(database, tx_as):
    async with tx_as(role="worker", principal=OPERATOR) as tx:
        event_id = await tx.emit(CertificateRevoked("cert_1", "ab", "node_1", "lost"), "cert_1", 2)
    consumer = Consumer("test.take", CertificateRevoked, refuse)
    envelope = Envelope(event_id, CertificateRevoked.TYPE, 1, "cert_1", 2, None, "2026-11-23T08:00:00Z", "", {
        "certificate_id": "cert_1", "serial": "ab", "node_id": "node_1", "reason": "lost"})  # fmt: skip
    for _ in range(MAX_ATTEMPTS):
        await deliver(database, consumer, envelope)
    return event_id


async def letters(tx_as, state=None):
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        return (await facade.dead_letters(tx, state, ALL)).items


async def test_replaying_keeps_the_events_id_and_is_audited(database, tx_as):
    event_id = await a_dead_letter(database, tx_as)
    (letter,) = await letters(tx_as, "open")
    assert (letter.event_id, letter.attempts, letter.error) == (event_id, MAX_ATTEMPTS, "RuntimeError: cannot take it")
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        replayed = await facade.replay_dead_letter(tx, letter.id)
        assert await tx.value("select target_id from kernel.audit where action = 'dead_letter.replay'") == letter.id
    assert (replayed.state, replayed.replayed_by, replayed.event_id) == ("replayed", "usr_op", event_id)
    assert await letters(tx_as, "open") == []


async def test_the_consumer_gets_a_replayed_event_again(database, tx_as):
    event_id = await a_dead_letter(database, tx_as)
    taken = []

    async def take(tx, event):
        taken.append(event.certificate_id)

    consumer = Consumer("test.take", CertificateRevoked, take)
    relay = Relay(database, None, [consumer])
    await relay.scan(consumer)
    assert taken == [], "the inbox holds it until somebody replays"
    (letter,) = await letters(tx_as)
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        await facade.replay_dead_letter(tx, letter.id)
        assert await tx.value("select count(*) from kernel.inbox where event_id = %s", (event_id,)) == 0


async def test_a_letter_is_replayed_once_and_an_unknown_one_never(database, tx_as):
    await a_dead_letter(database, tx_as)
    (letter,) = await letters(tx_as)
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        await facade.replay_dead_letter(tx, letter.id)
    for wrong, code in ((letter.id, "already_replayed"), ("dlq_none", "not_found")):
        with pytest.raises(Problem, match=code):
            async with tx_as(role="operator", principal=OPERATOR) as tx:
                await facade.replay_dead_letter(tx, wrong)


async def test_the_detail_shows_the_event_as_it_was_published(database, tx_as):
    event_id = await a_dead_letter(database, tx_as)
    (letter,) = await letters(tx_as)
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        shown = await facade.dead_letter(tx, letter.id)
    assert (shown.event_id, shown.event.aggregate, json.loads(shown.event.payload_json)["reason"]) == (
        event_id,
        "cert_1",
        "lost",
    )
    with pytest.raises(Problem, match="not_found"):
        async with tx_as(role="operator", principal=OPERATOR) as tx:
            await facade.dead_letter(tx, "dlq_none")


async def test_all_of_a_kind_are_replayed_at_once_and_each_is_audited(database, tx_as):
    for _ in range(3):
        await a_dead_letter(database, tx_as)
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        none = await facade.replay_kind(tx, "test.take", "billing.price_changed")
        other = await facade.replay_kind(tx, "test.other", None)
        all_of_them = await facade.replay_kind(tx, "test.take", CertificateRevoked.TYPE)
        audited = await tx.value("select count(*) from kernel.audit where action = 'dead_letter.replay'")
    assert [(r.replayed, r.still_open) for r in (none, other, all_of_them)] == [(0, 0), (0, 0), (3, 0)]
    assert (audited, await letters(tx_as, "open")) == (3, [])


async def test_an_event_that_is_forgotten_is_not_replayed_into_nothing(database, tx_as, owner_url):
    await a_dead_letter(database, tx_as)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("delete from kernel.outbox")
    (letter,) = await letters(tx_as)
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        assert (await facade.dead_letter(tx, letter.id)).event is None
        with pytest.raises(Problem, match="event_forgotten"):
            await facade.replay_dead_letter(tx, letter.id)
