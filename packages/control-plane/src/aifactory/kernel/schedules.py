"""Schedules: small periodic work that any worker may do, at most one of them at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """`run(database)` about every `every_seconds`. It opens its own transactions and must bear being run twice."""

    name: str
    every_seconds: float
    run: Callable[[Database], Awaitable[object]]


_TAKE = """
insert into kernel.schedules (name, next_at, last_started_at) values (%(name)s, kernel.now() + make_interval(secs => %(every)s), kernel.now())
on conflict (name) do update set next_at = excluded.next_at, last_started_at = excluded.last_started_at
where kernel.schedules.next_at <= kernel.now() returning name
"""


async def run_due(database: Database, schedule: Schedule) -> bool:
    """Runs it if it is due and nobody else took it. Failures are kept for operators and tried again next time."""
    who = Principal.service("schedules")
    async with database.tx("worker", who) as tx:
        if await tx.value(_TAKE, {"name": schedule.name, "every": schedule.every_seconds}) is None:
            return False
    error = ""
    try:
        await schedule.run(database)
    except Exception as failure:
        log.exception("schedule %s failed", schedule.name)
        error = f"{type(failure).__name__}: {failure}"[:500]
    async with database.tx("worker", who) as tx:
        await tx.run(
            "update kernel.schedules set last_error = %s where name = %s and last_error <> %s",
            (error, schedule.name, error),
        )
    return True


async def run_forever(database: Database, schedules: Iterable[Schedule]) -> None:
    """One loop for each, so that a slow one delays no other."""

    async def loop(schedule: Schedule) -> None:
        while True:
            try:
                await run_due(database, schedule)
            except Exception as error:
                log.warning("schedule %s: %s", schedule.name, error)
            await asyncio.sleep(min(schedule.every_seconds, 5.0))

    await asyncio.gather(*(loop(schedule) for schedule in schedules))
