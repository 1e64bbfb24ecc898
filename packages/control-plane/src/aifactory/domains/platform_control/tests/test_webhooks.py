"""Webhooks end to end: real HTTP, real signatures, tries, dead letters, isolation. A receiver of ours stands for theirs."""

import base64
import hashlib
import hmac

import pytest

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.notifications.dispatcher import MAX_TRIES, RETRY_AFTER_SECONDS
from aifactory.events.iam import ProjectCreated
from aifactory.events.provisioning import AllocationFailed
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Grant, Principal

FAILED = AllocationFailed("alloc_1", "prj_1", "no_capacity", "nothing free")


async def a_webhook(tenants, url, event_types=(), tenant="tnt_a", name="hook"):
    async with tenants.admin(tenant) as tx:
        return await facade.create_webhook(tx, name, url, list(event_types))


async def history(tenants, webhook_id):
    async with tenants.admin() as tx:
        return (await facade.webhook_deliveries(tx, webhook_id, None, Page())).items


def signature_of(got, secret):
    """Written from the published scheme, not from our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


async def test_an_event_arrives_once_signed_and_in_the_history(tenants, a_receiver):
    receiver = a_receiver()
    made = await a_webhook(tenants, receiver.url)
    event_id = await tenants.happened(FAILED)
    await tenants.told()
    await tenants.told()
    await tenants.sent()
    assert await tenants.sent(after_seconds=99_999) == 0
    (got,) = receiver.got
    assert got.headers["webhook-id"] == event_id == got.json["id"]
    assert got.headers["webhook-signature"] == signature_of(got, made.secret)
    assert (got.json["type"], got.json["tenant_id"], got.json["data"]["code"]) == (
        "provisioning.allocation_failed", "tnt_a", "no_capacity",
    )  # fmt: skip
    (delivery,) = await history(tenants, made.id)
    assert (delivery.state, delivery.response_code, delivery.attempts, delivery.error) == ("delivered", 204, 1, "")
    async with tenants.admin() as tx:
        detail = await facade.webhook_delivery(tx, made.id, delivery.id)
        (condition,) = (await facade.webhook(tx, made.id)).conditions
    assert (detail.body, [t.response_code for t in detail.tries]) == (got.body.decode(), [204])
    assert condition["status"] == "True"


async def test_only_what_was_asked_for_and_only_of_the_own_tenant(tenants, a_receiver):
    receiver = a_receiver()
    await a_webhook(tenants, receiver.url, ["provisioning.allocation_failed"])
    await tenants.happened(ProjectCreated("prj_2", "tnt_a", "x"))
    await tenants.happened(FAILED, tenant="tnt_b")
    mine = await tenants.happened(FAILED)
    await tenants.told()
    await tenants.sent()
    assert [got.json["id"] for got in receiver.got] == [mine]


async def test_each_webhook_hears_of_it_by_itself(tenants, a_receiver):
    good, bad = a_receiver(), a_receiver(answers=[500])
    await a_webhook(tenants, good.url, name="good")
    await a_webhook(tenants, bad.url, name="bad")
    await tenants.happened(FAILED)
    await tenants.told()
    await tenants.sent()
    await tenants.sent(after_seconds=RETRY_AFTER_SECONDS[0])
    assert (len(good.got), len(bad.got)) == (1, 2)


async def test_it_is_tried_eight_times_under_one_id_then_given_up_and_can_be_replayed(tenants, a_receiver):
    receiver = a_receiver(answers=[503] * MAX_TRIES + [200])
    made = await a_webhook(tenants, receiver.url)
    event_id = await tenants.happened(FAILED)
    await tenants.told()
    await tenants.sent()
    for seconds in RETRY_AFTER_SECONDS:
        assert await tenants.sent(after_seconds=seconds - 1) == 0, "not before its time"
        await tenants.sent(after_seconds=1)
    assert {got.headers["webhook-id"] for got in receiver.got} == {event_id}
    (dead,) = await history(tenants, made.id)
    assert (dead.state, dead.attempts, dead.error, len(receiver.got)) == ("dead", 8, "answered 503", 8)
    assert await tenants.sent(after_seconds=99_999) == 0
    async with tenants.admin() as tx:
        await facade.replay_webhook_delivery(tx, made.id, dead.id)
    await tenants.sent()
    (replayed,) = await history(tenants, made.id)
    assert (replayed.state, receiver.got[-1].headers["webhook-id"]) == ("delivered", event_id)
    with pytest.raises(Problem, match="not_given_up"):
        async with tenants.admin() as tx:
            await facade.replay_webhook_delivery(tx, made.id, dead.id)


async def test_a_test_message_is_signed_and_sent_like_every_other(tenants, a_receiver):
    receiver = a_receiver()
    made = await a_webhook(tenants, receiver.url, ["billing.charge_settled"])
    async with tenants.admin() as tx:
        asked = await facade.test_webhook(tx, made.id)
    await tenants.sent()
    (got,) = receiver.got
    assert (got.json["type"], got.headers["webhook-id"]) == ("platform_control.webhook_test", asked.event_id)
    assert got.headers["webhook-signature"] == signature_of(got, made.secret)


async def test_a_deleted_webhook_is_told_nothing_more_also_not_what_was_waiting(tenants, a_receiver, owner_url):
    receiver = a_receiver()
    made = await a_webhook(tenants, receiver.url)
    await tenants.happened(FAILED)
    await tenants.told()
    async with tenants.admin() as tx:
        await facade.delete_webhook(tx, made.id)
    await tenants.sent()
    await tenants.happened(FAILED)
    await tenants.told()
    await tenants.sent()
    assert receiver.got == []
    async with tenants.admin() as tx:
        with pytest.raises(Problem, match="not_found"):
            await facade.webhook(tx, made.id)
    async with tenants.admin() as tx:
        sealed = await tx.value("select sealed_secret from platform_control.webhooks where id = %s", (made.id,))
    assert sealed == b"", "the tombstone keeps no secret"


async def test_a_slow_receiver_keeps_nobody_else_waiting(tenants, a_receiver):
    slow, quick = a_receiver(delay_seconds=1.0), a_receiver()
    await a_webhook(tenants, slow.url, name="slow")
    for _ in range(6):
        await tenants.happened(FAILED)
    await tenants.told()
    await a_webhook(tenants, quick.url, tenant="tnt_b")
    await tenants.happened(FAILED, tenant="tnt_b")
    await tenants.told()
    seen = []
    quick_handler = quick.got.append
    quick.got = type("Watch", (list,), {"append": lambda self, got: (seen.append(len(slow.got)), quick_handler(got))})()
    await tenants.sent()
    assert len(slow.got) == 6
    assert seen and seen[0] <= 2, "the quick one was served while the slow one's first messages were under way"


async def test_another_tenant_sees_none_of_it_and_a_role_on_a_project_does_not_reach(tenants, a_receiver, database):
    made = await a_webhook(tenants, a_receiver().url)
    async with tenants.admin("tnt_b") as tx:
        assert (await facade.list_webhooks(tx, Page())).items == []
        for call in (facade.webhook, facade.delete_webhook, facade.test_webhook):
            with pytest.raises(Problem, match="not_found"):
                await call(tx, made.id)
    narrow = Principal("usr_1", "api_key", "ci", "tnt_a", (Grant("tenant_admin", "project:prj_1"),))
    with pytest.raises(Problem, match="forbidden"):
        async with database.tx("tenant", narrow, "tnt_a") as tx:
            await facade.list_webhooks(tx, Page())


async def test_the_secret_is_stored_so_that_the_api_cannot_read_it(tenants, a_receiver, key_files):
    made = await a_webhook(tenants, a_receiver().url)
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    async with tenants.admin() as tx:
        sealed = bytes(await tx.value("select sealed_secret from platform_control.webhooks"))
        shown = await facade.webhook(tx, made.id)
        audited = await tx.all("select details::text from kernel.audit")
        published = await tx.all("select payload::text from kernel.outbox")
    assert key not in sealed and not hasattr(shown, "secret")
    assert made.secret not in str(audited) + str(published)


@pytest.mark.parametrize(
    ("name", "types", "code"),
    [
        ("Bad Name", [], "invalid_field"),
        ("x", ["billing.price_changed"], "unknown_event_type"),
        ("taken", [], "name_taken"),
    ],
)
async def test_bad_wishes_are_refused_with_what_to_do(tenants, name, types, code):
    await a_webhook(tenants, "https://hooks.example.com/", name="taken")
    with pytest.raises(Problem) as refused:
        await a_webhook(tenants, "https://hooks.example.com/", types, name=name)
    assert refused.value.code == code and refused.value.todo


async def test_there_are_at_most_twenty(tenants):
    for number in range(20):
        await a_webhook(tenants, "https://hooks.example.com/", name=f"n{number}")
    with pytest.raises(Problem, match="too_many_webhooks"):
        await a_webhook(tenants, "https://hooks.example.com/")
