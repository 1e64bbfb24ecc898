"""The SQL of where the measuring of each bucket stands."""

from dataclasses import asdict
from datetime import datetime

from aifactory.domains.storage_network.bucket_meter import Meter
from aifactory.kernel.db import Tx

OPEN = """
    insert into storage_network.bucket_meters (bucket_id, tenant_id, from_at, until_at)
    values (%(bucket_id)s, kernel.tenant(), date_trunc('second', kernel.now(), 'UTC'), date_trunc('second', kernel.now(), 'UTC'))
    on conflict (bucket_id) do nothing
"""
ONE = """
    select from_at, until_at, byte_seconds, received_bytes, sent_bytes, received_begun, received_count, sent_begun, sent_count
    from storage_network.bucket_meters where bucket_id = %(bucket_id)s for update
"""
SAVE = """
    update storage_network.bucket_meters
    set from_at = %(from_at)s, until_at = %(until_at)s, byte_seconds = %(byte_seconds)s, received_bytes = %(received_bytes)s,
        sent_bytes = %(sent_bytes)s, received_begun = %(received_begun)s, received_count = %(received_count)s,
        sent_begun = %(sent_begun)s, sent_count = %(sent_count)s
    where bucket_id = %(bucket_id)s
"""
NOW = "select date_trunc('second', kernel.now(), 'UTC')"


async def open_meter(tx: Tx, bucket_id: str) -> None:
    await tx.run(OPEN, {"bucket_id": bucket_id})


async def lock(tx: Tx, bucket_id: str) -> Meter | None:
    return await tx.one(ONE, {"bucket_id": bucket_id}, into=Meter)


async def save(tx: Tx, bucket_id: str, meter: Meter) -> None:
    await tx.run(SAVE, asdict(meter) | {"bucket_id": bucket_id})


async def whole_second(tx: Tx) -> datetime:
    """The present second by the database's clock: intervals of use begin and end on one."""
    return await tx.value(NOW)
