"""A real worker process, killed without a word while a message is under way: it arrives again, under the same id."""

import asyncio
import os
import subprocess
import sys
import time

import psycopg
import pytest

from aifactory.domains.platform_control import facade
from aifactory.events.provisioning import AllocationFailed
from aifactory.kernel.pagination import Page

SECONDS = 40


@pytest.fixture
def a_worker(postgres_server, database_name, key_files, tmp_path):
    started = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "AIF_DATABASE_URL": postgres_server.url(database_name, "aif_worker_login"),
            "AIF_NATS_URL": "",
            "AIF_SECRETS_DIR": str(key_files),
            "AIF_DATA_DIR": str(tmp_path),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "aifactory.workers"], env=environment, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


async def until(holds, what):
    ends = time.monotonic() + SECONDS
    while not await holds():
        assert time.monotonic() < ends, what
        await asyncio.sleep(0.05)


@pytest.mark.timeout(150)
async def test_a_worker_killed_in_the_middle_delivers_again_under_the_same_id(tenants, a_receiver, a_worker, owner_url):
    receiver = a_receiver(delay_seconds=3)
    async with tenants.admin() as tx:
        made = await facade.create_webhook(tx, "hook", receiver.url, [])
    event_id = await tenants.happened(AllocationFailed("alloc_1", "prj_1", "no_capacity", "nothing free"))
    worker = a_worker()

    async def arrived():
        return bool(receiver.got)

    await until(arrived, "nothing arrived")
    worker.kill()
    worker.wait()
    receiver.delay_seconds = 0
    with psycopg.connect(owner_url, autocommit=True) as owner:
        claims = owner.execute("select claim from platform_control.deliveries_due").fetchall()
        owner.execute("update platform_control.deliveries_due set next_at = kernel.now()")  # its claim ran out
    assert claims == [(1,)], "the claim of the dead worker is still there"
    a_worker()

    async def delivered():
        async with tenants.admin() as tx:
            items = (await facade.webhook_deliveries(tx, made.id, "delivered", Page())).items
        return len(items) == 1

    await until(delivered, "it was not delivered again")
    assert [got.headers["webhook-id"] for got in receiver.got] == [event_id, event_id]
    assert len({got.body for got in receiver.got}) == 1, "the same message, byte for byte"


async def test_a_worker_that_slept_past_its_claim_writes_nothing(tenants, a_receiver, database, owner_url):
    """Its successor has recorded how the message went; the late one must not count a try of its own."""
    from aifactory.domains.platform_control.notifications import dispatcher
    from aifactory.domains.platform_control.store import deliveries

    receiver = a_receiver(delay_seconds=0.8)
    async with tenants.admin() as tx:
        made = await facade.create_webhook(tx, "hook", receiver.url, [])
        await facade.test_webhook(tx, made.id)
    async with database.tx("worker") as tx:
        (claimed,) = await deliveries.claim(tx, [], 5, 30)
    late = asyncio.create_task(dispatcher._deliver(database, claimed))
    await asyncio.sleep(0.3)
    await tenants.sent(after_seconds=30)
    await late
    async with tenants.admin() as tx:
        (delivery,) = (await facade.webhook_deliveries(tx, made.id, None, Page())).items
    assert (delivery.state, delivery.attempts, len(receiver.got)) == ("delivered", 1, 2)
