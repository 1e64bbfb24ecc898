"""A worker of its own process that relays events and counts them: `counting_worker.py DATABASE_URL NATS_URL`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from aifactory.events import event
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.process import keep_nats
from aifactory.kernel.relay import Relay
from aifactory.kernel.wakeups import NatsWakeups


@event("test.thing_counted")
@dataclass(frozen=True)
class ThingCounted:
    number: int


@consumer("test.chaos_count", on=ThingCounted)
async def count(tx: Tx, counted: ThingCounted) -> None:
    """The effect: one audit record. Were it repeated, there would be two."""
    await tx.audit("thing.counted", f"thing_{counted.number}")


async def main(database_url: str, nats_url: str) -> None:
    wakeups = NatsWakeups()
    database = await Database.open(database_url, "counting", max_size=8, wakeups=wakeups)
    relay = Relay(database, wakeups, [count])
    await asyncio.gather(keep_nats(wakeups, nats_url, "counting"), relay.run_forever())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
