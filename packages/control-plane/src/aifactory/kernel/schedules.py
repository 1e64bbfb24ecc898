"""Schedules: small periodic work that any worker may do, at most one of them at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Schedule:
    """`run(database)` about every `every_seconds`. It opens its own transactions and must bear being run twice."""

    name: str
    every_seconds: float
    run: Callable[[Database], Awaitable[object]]


async def each_in_its_tenant(
    database: Database,
    who: Principal,
    due: Sequence[T],
    tenant_of: Callable[[T], str],
    work: Callable[[Tx, T], Awaitable[None]],
    failed: str,
) -> int:
    """Does each in a worker's transaction of its own, in its tenant. Returns how many there were; raises the failures
    together, once all have had their turn: `failed` says what could not be done."""
    failures = []
    for one in due:
        try:
            async with database.tx("worker", who) as tx:
                await tx.set_tenant(tenant_of(one))
                await work(tx, one)
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(due)} {failed}", failures)
    return len(due)


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
