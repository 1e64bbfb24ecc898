"""A thousand events, consumers that die, a broker whose store is deleted under it: every effect happens, each once."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from counting_worker import ThingCounted

from aifactory.testing.nats_server import TestNats

EVENTS = 1_000
LIMIT_SECONDS = 60


@pytest.fixture
def broker() -> Iterator[TestNats]:
    server = TestNats()
    yield server
    server.stop()


class Workers:
    """Counting workers as processes that can be killed without a word."""

    def __init__(self, database_url: str, nats_url: str) -> None:
        self.command = [sys.executable, str(Path(__file__).with_name("counting_worker.py")), database_url, nats_url]
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, count: int = 1) -> None:
        self.running += [subprocess.Popen(self.command, stderr=subprocess.DEVNULL) for _ in range(count)]

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()


@pytest.fixture
def workers(postgres_server: Any, database_name: str, broker: TestNats) -> Iterator[Workers]:
    made = Workers(postgres_server.url(database_name, "aif_worker_login"), broker.url)
    yield made
    made.kill()


async def publish(tx_as: Any, first: int, count: int) -> None:
    """In transactions of ten, as many small changes would."""
    for start in range(first, first + count, 10):
        async with tx_as("tnt_a") as tx:
            for number in range(start, start + 10):
                await tx.emit(ThingCounted(number), f"thing_{number}", 1)


async def effects(tx_as: Any) -> Counter[str]:
    async with tx_as("tnt_a") as tx:
        rows = await tx.all("select target_id from kernel.audit where action = 'thing.counted'")
    return Counter(row[0] for row in rows)


async def some_effects(tx_as: Any, at_least: int, seconds: float) -> Counter[str]:
    ends = time.monotonic() + seconds
    while True:
        found = await effects(tx_as)
        if len(found) >= at_least or time.monotonic() > ends:
            return found
        await asyncio.sleep(0.1)


@pytest.mark.timeout(180)
async def test_a_thousand_effects_each_once(tx_as: Any, workers: Workers, broker: TestNats) -> None:
    workers.start(2)
    await publish(tx_as, 0, 400)
    assert await some_effects(tx_as, 1, 30), "nothing was consumed while all was well"
    workers.kill()
    await publish(tx_as, 400, 300)
    workers.start(1)
    shutil.rmtree(broker.store, ignore_errors=True)  # under the running server
    await publish(tx_as, 700, 300)
    began = time.monotonic()
    broker.lose_everything()
    found = await some_effects(tx_as, EVENTS, LIMIT_SECONDS)
    took = time.monotonic() - began
    await asyncio.sleep(4)  # a scan later nothing may have been done again
    again = await effects(tx_as)
    assert len(found) == EVENTS, f"{EVENTS - len(found)} effects are missing after {took:.0f} s"
    assert set(again.values()) == {1}, [name for name, count in again.items() if count > 1][:10]
