"""Wires the manifests' long-running parts to one database and one broker connection."""

import asyncio
import logging
import os

from aifactory.kernel import read_cache, schedules
from aifactory.kernel.flow_runner import FlowRunner
from aifactory.kernel.process import beat_forever, configure_logging, keep_nats, open_database, stop_event
from aifactory.kernel.relay import Relay
from aifactory.kernel.settings import Settings
from aifactory.manifests import MANIFESTS
from aifactory.workers.housekeeping import housekeeping

log = logging.getLogger(__name__)


async def main() -> None:
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    name = f"worker-{os.getpid()}"
    database, wakeups = await open_database(settings, name)
    read_cache.open_if_configured(settings)
    ports = {port: make() for manifest in MANIFESTS for port, make in manifest.ports.items()}
    runner = FlowRunner(database, [flow for m in MANIFESTS for flow in m.flows], name, ports)
    relay = Relay(database, wakeups, [consumer for m in MANIFESTS for consumer in m.consumers])
    periodic = [*housekeeping(settings), *(schedule for m in MANIFESTS for schedule in m.schedules)]
    work = [
        asyncio.create_task(part)
        for part in (
            keep_nats(wakeups, settings.nats_url, name),
            beat_forever(database, "worker"),
            runner.run_forever(),
            relay.run_forever(),
            schedules.run_forever(database, periodic),
        )
    ]
    await stop_event().wait()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await read_cache.leave()
    await wakeups.close()
    await database.close()
