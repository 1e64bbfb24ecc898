"""What observability looks at by itself."""

from aifactory.domains.observability import facade
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule


async def resolve_incidents(database: Database) -> None:
    async with database.tx("worker", Principal.service("observability")) as tx:
        await facade.resolve_moved_on(tx)


async def watch_heartbeats(database: Database) -> None:
    async with database.tx("worker", Principal.service("observability")) as tx:
        await facade.watch(tx)


RESOLVE_INCIDENTS = Schedule("observability.resolve_incidents", 15, resolve_incidents)
WATCH_HEARTBEATS = Schedule("observability.watch_heartbeats", 10, watch_heartbeats)
FORGET_POINTS = Schedule("observability.forget_points", 60, facade.forget_old_telemetry)
