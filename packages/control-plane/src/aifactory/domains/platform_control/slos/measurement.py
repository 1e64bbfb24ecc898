"""The worker's counts, from the histories: what flows did, what became of events. Counted again until it is settled."""

from datetime import datetime, timedelta

from aifactory.domains.platform_control.domains import domains
from aifactory.domains.platform_control.store import slos as store
from aifactory.domains.platform_control.store.slos import CountRow
from aifactory.domains.platform_control.views import SloView
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

WHO = Principal.service("slo-counts")
BUCKET = timedelta(minutes=5)
LOOK_BACK = timedelta(minutes=20)  # events may be acknowledged late, and a worker may have been away for a while


async def measure(database: Database) -> None:
    """Writes the counts of the last buckets of every promise that is measured from history."""
    for domain in domains():
        for slo in domain.slos:
            async with database.tx("worker", WHO) as tx:
                counts = await _counted(tx, domain.name, slo, _beginning(await tx.now() - LOOK_BACK))
                if counts:
                    await store.set_all(tx, domain.name, slo.name, counts)
    async with database.tx("worker", WHO) as tx:
        await store.forget(tx)


def _beginning(at: datetime) -> datetime:
    """Of its bucket: half a bucket would be counted as a whole one."""
    return at - timedelta(seconds=at.timestamp() % BUCKET.total_seconds())


async def _counted(tx: Tx, domain: str, slo: SloView, since: datetime) -> list[CountRow]:
    if slo.measure == "flow_deadlines":
        return await store.flow_deadlines(tx, domain, since)
    if slo.measure == "flow_reaches":
        return await store.flow_reaches(tx, slo.only or "", slo.states or [], slo.limit_seconds or 0, since)
    if slo.measure == "events_sent":
        return await store.events_sent(tx, slo.limit_seconds or 0, since)
    if slo.measure == "events_taken":
        return await store.events_taken(tx, since)
    return []
