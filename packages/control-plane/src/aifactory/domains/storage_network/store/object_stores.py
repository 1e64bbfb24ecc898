"""The SQL of object stores."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.kernel.db import Tx

ONE = """
    select region_id, driver, endpoint, reachable, reason, seen_at, changed_at
    from storage_network.object_stores where region_id = %(region_id)s
"""
SEEN = """
    insert into storage_network.object_stores (region_id, driver, endpoint, reachable, reason, seen_at, changed_at)
    values (%(region_id)s, %(driver)s, %(endpoint)s, %(reachable)s, %(reason)s, kernel.now(), kernel.now())
    on conflict (region_id) do update
    set driver = excluded.driver, endpoint = excluded.endpoint, reachable = excluded.reachable, reason = excluded.reason,
        seen_at = excluded.seen_at,
        changed_at = case when object_stores.reachable <> excluded.reachable then excluded.seen_at
                          else object_stores.changed_at end
"""


@dataclass(frozen=True)
class StoreRow:
    region_id: str
    driver: str
    endpoint: str
    reachable: bool
    reason: str
    seen_at: datetime
    changed_at: datetime


async def one(tx: Tx, region_id: str) -> StoreRow | None:
    return await tx.one(ONE, {"region_id": region_id}, into=StoreRow)


async def seen(tx: Tx, region_id: str, driver: str, endpoint: str, reachable: bool, reason: str) -> None:
    await tx.run(
        SEEN,
        {
            "region_id": region_id,
            "driver": driver,
            "endpoint": endpoint,
            "reachable": reachable,
            "reason": reason[:300],
        },
    )
