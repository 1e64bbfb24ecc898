"""Which allocation is where: read by domains above, never written here."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.kernel.db import Tx
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow

# A row without a slot says that the node is there and holds nothing.
HELD = """
    select s.index as slot_index, s.allocation_id, f.tenant_id
    from provisioning.nodes n
    left join provisioning.slots s on s.node_id = n.id and s.allocation_id is not null
    left join kernel.flows f on f.kind = 'provisioning.allocation' and f.subject_id = s.allocation_id
    where n.id = %(node_id)s and n.deleted_at is null
"""
PLACE = """
    select id as allocation_id, tenant_id, project_id, region_id, node_id, slot_id, created_at
    from provisioning.allocations where id = %(id)s
"""
NODE_STATES = """
    select id, name, region_id, state, state_since from provisioning.nodes where id = any(%(ids)s) and deleted_at is null
"""
# Tenants read a view of their own orders; the table itself belongs to the platform.
TENANT_EVIDENCE = """
    select 'task:' || id as key, created_at as at, subject_id, node_id as actor, verb || ': ' || state as what,
           concat_ws(': ', nullif(code, ''), nullif(detail, '')) as why, tenant_id
    from provisioning.tenant_tasks
    where (%(subjects)s::text[] is null or subject_id = any(%(subjects)s)) and (%(actor)s::text is null or node_id = %(actor)s)
      and (%(since)s::timestamptz is null or created_at >= %(since)s) and (%(until)s::timestamptz is null or created_at < %(until)s)
      and (%(after_at)s::timestamptz is null or (created_at <= %(after_at)s and (created_at, 'task:' || id) < (%(after_at)s, %(after_key)s)))
    order by created_at desc, 'task:' || id desc limit %(limit)s
"""
EVIDENCE = """
    select 'task:' || id as key, created_at as at, subject_id, node_id as actor, verb || ': ' || state as what,
           concat_ws(': ', nullif(code, ''), nullif(detail, '')) as why, tenant_id
    from provisioning.tasks
    where (%(subjects)s::text[] is null or subject_id = any(%(subjects)s)) and (%(actor)s::text is null or node_id = %(actor)s)
      and (%(since)s::timestamptz is null or created_at >= %(since)s) and (%(until)s::timestamptz is null or created_at < %(until)s)
      and (%(after_at)s::timestamptz is null or (created_at <= %(after_at)s and (created_at, 'task:' || id) < (%(after_at)s, %(after_key)s)))
    order by created_at desc, 'task:' || id desc limit %(limit)s
"""


@dataclass(frozen=True)
class HeldSlot:
    """An allocation on a slot of a node, and whose it is."""

    slot_index: int
    allocation_id: str
    tenant_id: str


@dataclass(frozen=True)
class Place:
    """Whose an allocation is, and where it was placed (None before that)."""

    allocation_id: str
    tenant_id: str
    project_id: str
    region_id: str
    node_id: str | None
    slot_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class NodeState:
    """`state_since`: since when; of a silent node, when it was last heard of."""

    id: str
    name: str
    region_id: str
    state: str
    state_since: datetime


async def held(tx: Tx, node_id: str) -> list[HeldSlot] | None:
    """None when there is no such node."""
    rows = await tx.all(HELD, {"node_id": node_id})
    return [HeldSlot(*row) for row in rows if None not in row] if rows else None


async def place(tx: Tx, allocation_id: str) -> Place | None:
    return await tx.one(PLACE, {"id": allocation_id}, into=Place)


async def node_states(tx: Tx, node_ids: list[str]) -> list[NodeState]:
    return await tx.all(NODE_STATES, {"ids": node_ids}, into=NodeState)


async def evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    statement = TENANT_EVIDENCE if tx.role == "tenant" else EVIDENCE
    return await tx.all(statement, query.params(), into=EvidenceRow)
