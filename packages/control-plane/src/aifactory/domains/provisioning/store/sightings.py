"""What a node should be running, and the doubts about it."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.kernel.db import Tx

# From rows that belong to no tenant: which sandboxes this node started and holds now. Whether they are billed is
# decided later, as their tenant.
HELD = """
    select s.allocation_id, t.tenant_id, t.generation, m.allocation_id is not null as doubted
    from provisioning.slots s
    join provisioning.tasks t
      on t.subject_id = s.allocation_id and t.verb = 'sandbox.start' and t.state = 'done' and t.node_id = s.node_id
    left join provisioning.missing_sandboxes m on m.allocation_id = s.allocation_id and m.ended_at is null
    where s.node_id = %(node_id)s and s.allocation_id is not null
    order by s.allocation_id
"""
# Another life of the machine, or a long silence in between, begins the row of reports anew; `since` stays.
DOUBT = """
    insert into provisioning.missing_sandboxes as m
        (allocation_id, since, tenant_id, node_id, boot_id, counted_from, last_at, reason)
    select %(allocation_id)s, now.at, kernel.tenant(), %(node_id)s, %(boot_id)s, now.at, now.at, %(reason)s
    from (select kernel.now() as at) now
    on conflict (allocation_id) where ended_at is null do update
    set (counted_from, reports) = (
            select case when together.yes then m.counted_from else excluded.last_at end,
                   case when together.yes then m.reports + 1 else 1 end
            from (select m.boot_id = excluded.boot_id
                         and m.last_at > excluded.last_at - make_interval(secs => %(silence)s) as yes) together),
        boot_id = excluded.boot_id, last_at = excluded.last_at, reason = excluded.reason
    returning m.since, m.reports, extract(epoch from m.last_at - m.counted_from)::float8 as seconds
"""
END_DOUBT = """
    update provisioning.missing_sandboxes set ended_at = kernel.now()
    where allocation_id = %(allocation_id)s and ended_at is null
"""


@dataclass(frozen=True)
class Held:
    allocation_id: str
    tenant_id: str
    generation: int
    doubted: bool


@dataclass(frozen=True)
class Doubt:
    """`reports` in an uninterrupted row, over `seconds`."""

    since: datetime
    reports: int
    seconds: float


async def held_by(tx: Tx, node_id: str) -> list[Held]:
    return await tx.all(HELD, {"node_id": node_id}, into=Held)


async def doubt(tx: Tx, allocation_id: str, node_id: str, boot_id: str, reason: str, silence_seconds: float) -> Doubt:
    params = {"allocation_id": allocation_id, "node_id": node_id, "boot_id": boot_id, "reason": reason}
    found = await tx.one(DOUBT, params | {"silence": silence_seconds}, into=Doubt)
    assert found is not None, "an upsert returns its row"
    return found


async def end_doubt(tx: Tx, allocation_id: str) -> bool:
    return await tx.run(END_DOUBT, {"allocation_id": allocation_id}) == 1
