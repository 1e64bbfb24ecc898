"""Looks: taken in one by one, given out value by value as JSON in steps."""

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.observability.telemetry import Looks
from aifactory.kernel.db import Tx

# Nothing is written when this batch, or a later one of its stream, was here before.
ADVANCE = """
    insert into observability.telemetry_streams as known (node_id, stream, sequence, clock_offset_seconds, arrived_at)
    values (%(node_id)s, %(stream)s, %(sequence)s, %(offset)s, kernel.now())
    on conflict (node_id) do update
    set stream = excluded.stream, sequence = excluded.sequence, clock_offset_seconds = excluded.clock_offset_seconds,
        arrived_at = excluded.arrived_at
    where known.stream <> excluded.stream or known.sequence < excluded.sequence
"""
COUNT = """
    update observability.telemetry_streams set accepted = accepted + %(accepted)s, dropped = dropped + %(dropped)s
    where node_id = %(node_id)s
"""
# A row is a look: everything that one resource told of one instant, in parallel arrays.
ADD_OF_NODE = """
    insert into observability.node_looks (node_id, at, names, devices, values)
    values (%(subject)s, %(at)s, %(names)s::text[], %(devices)s::text[], %(values)s::double precision[])
    on conflict do nothing
"""
ADD_OF_SANDBOX = """
    insert into observability.sandbox_looks (tenant_id, allocation_id, at, names, devices, values)
    values (kernel.tenant(), %(subject)s, %(at)s, %(names)s::text[], %(devices)s::text[], %(values)s::double precision[])
    on conflict do nothing
"""
FORGET = "select observability.forget_points(kernel.now() - make_interval(hours => %(hours)s))"

_SHOWN = """json_build_object(
        'subject_id', %(subject)s::text, 'simulated', %(simulated)s::boolean, 'since', %(since)s::timestamptz, 'until', %(until)s::timestamptz,
        'step_seconds', %(step)s::int, 'kept_hours', %(hours)s::int,
        'series', coalesce((
            select json_agg(json_build_object('name', name, 'device', device, 'unit', %(units)s::jsonb ->> name,
                                              'points', points) order by name, device)
            from (select name, device,
                         json_agg(json_build_object('at', bucket, 'value', value) order by bucket) as points
                  from (select name, device, date_bin(make_interval(secs => %(step)s), at, 'epoch') as bucket,
                               avg(value) as value
                        from measured group by 1, 2, 3) steps
                  group by name, device) lines), '[]'::json))::text
"""
_WANTED = "at >= %(since)s and at <= %(until)s and (%(names)s::text[] is null or name = any(%(names)s))"
_VALUES = "cross join unnest(names, devices, values) as told (name, device, value)"
OF_ALLOCATION = f"""
    with measured as (select name, device, at, value from observability.sandbox_looks {_VALUES}
                      where allocation_id = %(subject)s and {_WANTED})
    select {_SHOWN}
"""
OF_NODE = f"""
    with measured as (select name, device, at, value from observability.node_looks {_VALUES}
                      where node_id = %(subject)s and {_WANTED})
    select {_SHOWN}
"""


async def advance(tx: Tx, node_id: str, stream: str, sequence: int, offset_seconds: float) -> bool:
    """False when the batch was taken before."""
    params = {"node_id": node_id, "stream": stream, "sequence": sequence, "offset": offset_seconds}
    return await tx.run(ADVANCE, params) == 1


async def count(tx: Tx, node_id: str, accepted: int, dropped: int) -> None:
    await tx.run(COUNT, {"node_id": node_id, "accepted": accepted, "dropped": dropped})


async def add_of_node(tx: Tx, looks: Looks) -> None:
    await tx.run_many(ADD_OF_NODE, looks.rows())


async def add_of_sandboxes(tx: Tx, looks: Looks) -> None:
    """Of the tenant that the transaction has set."""
    await tx.run_many(ADD_OF_SANDBOX, looks.rows())


async def forget(tx: Tx, hours: int) -> int:
    """How many went; 0 when nothing that old is left."""
    return int(await tx.value(FORGET, {"hours": hours}))


async def of_allocation(tx: Tx, params: dict[str, Any]) -> bytes:
    return await tx.json(OF_ALLOCATION, params)


async def of_node(tx: Tx, params: dict[str, Any]) -> bytes:
    return await tx.json(OF_NODE, params)


def wanted(
    subject_id: str,
    simulated: bool,
    since: datetime,
    until: datetime,
    step: int,
    names: list[str] | None,
    hours: int,
    units: Any,
) -> dict[str, Any]:
    window = {"since": since, "until": until, "step": step, "hours": hours}
    return {"subject": subject_id, "simulated": simulated, "names": names, "units": Jsonb(units)} | window
