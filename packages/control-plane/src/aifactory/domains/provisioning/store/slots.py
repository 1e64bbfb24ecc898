"""Rows of slots and placements. Placing locks what it takes and skips what another is taking."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.provisioning.slot import Slot
from aifactory.kernel.db import Tx

_COLUMNS = ", ".join(Slot.__dataclass_fields__)

# The fullest node first (best fit keeps whole nodes free), then the slot that has been idle longest.
TAKE = """
    with chosen as (
        select s.id, n.inventory -> 'isolation' as isolation, n.name as node_name
        from provisioning.slots s join provisioning.nodes n on n.id = s.node_id
        where s.clean and not s.withdrawn and s.region_id = %(region_id)s and s.sku = %(sku)s
          and n.state = 'ready' and n.service = 'in_service' and n.desired_service = 'in_service' and n.deleted_at is null
          and (%(node_id)s::text is null or s.node_id = %(node_id)s) and not s.node_id = any(%(full)s::text[])
        order by (select count(*) from provisioning.slots o where o.node_id = s.node_id and o.clean), s.updated_at, s.id
        limit 1 for update of s skip locked
    )
    update provisioning.slots s
    set allocation_id = %(allocation_id)s, last_allocation_id = %(allocation_id)s, clean = false, generation = generation + 1,
        updated_at = kernel.now()
    from chosen where s.id = chosen.id
    returning s.id, s.node_id, s.index, chosen.isolation, chosen.node_name
"""

INSERT_PLACEMENT = """
    insert into provisioning.placements (id, tenant_id, allocation_id, slot_id, node_id, fence, why)
    values (%(id)s, kernel.tenant(), %(allocation_id)s, %(slot_id)s, %(node_id)s, %(fence)s, %(why)s)
"""
END_PLACEMENT = """
    update provisioning.placements set ended_at = kernel.now() where allocation_id = %(allocation_id)s and ended_at is null
"""
VACATE = """
    update provisioning.slots set allocation_id = null, generation = generation + 1, updated_at = kernel.now()
    where allocation_id = %(allocation_id)s
"""

FREE_SOON = """
    select count(*) filter (where s.clean), count(*) filter (where not s.clean and s.state <> 'quarantined')
    from provisioning.slots s join provisioning.nodes n on n.id = s.node_id
    where s.region_id = %(region_id)s and s.sku = %(sku)s and s.allocation_id is null and not s.withdrawn
      and n.state = 'ready' and n.service in ('in_service', 'returning') and n.desired_service = 'in_service'
      and n.deleted_at is null and (%(node_id)s::text is null or s.node_id = %(node_id)s)
      and not s.node_id = any(%(full)s::text[])
"""

DISKS = """
    select n.id, ((n.inventory ->> 'disk_bytes')::numeric * %(share)s::numeric)::bigint
    from provisioning.nodes n
    where n.state = 'ready' and n.deleted_at is null and (%(node_id)s::text is null or n.id = %(node_id)s)
      and exists (select from provisioning.slots s where s.node_id = n.id and s.region_id = %(region_id)s and s.sku = %(sku)s
                  and s.allocation_id is null and not s.withdrawn)
    order by n.id limit 5000
"""

ONE = f"select {_COLUMNS} from provisioning.slots where id = %(id)s"
LOCK = ONE + " for update"
ID_BY_LAST = "select id from provisioning.slots where last_allocation_id = %(allocation_id)s limit 1"
IDS_OF_NODE = "select id from provisioning.slots where node_id = %(node_id)s order by index"
LOCK_OF_NODE = f"select {_COLUMNS} from provisioning.slots where node_id = %(node_id)s order by index for update"

INSERT = """
    insert into provisioning.slots (id, node_id, region_id, index, sku, vcpus_millis, memory_bytes, pids)
    values (%(id)s, %(node_id)s, %(region_id)s, %(index)s, %(sku)s, %(vcpus_millis)s, %(memory_bytes)s, %(pids)s)
"""
RESHAPE = """
    update provisioning.slots
    set sku = %(sku)s, vcpus_millis = %(vcpus_millis)s, memory_bytes = %(memory_bytes)s, pids = %(pids)s, withdrawn = false,
        updated_at = kernel.now()
    where id = %(id)s and allocation_id is null
"""
WITHDRAW = """
    update provisioning.slots set withdrawn = true, updated_at = kernel.now() where id = %(id)s and allocation_id is null
"""
BECOME = """
    update provisioning.slots
    set state = %(state)s, clean = %(clean)s, conditions = coalesce(%(conditions)s, conditions), updated_at = kernel.now(),
        generation = generation + %(raise)s
    where id = %(id)s returning generation
"""

EVIDENCE = """
    insert into provisioning.sanitization_evidence
        (id, slot_id, node_id, task_id, generation, allocation_id, step, ok, detail, observed_at, signature)
    values (%(id)s, %(slot_id)s, %(node_id)s, %(task_id)s, %(generation)s, %(allocation_id)s, %(step)s, %(ok)s,
            %(detail)s, %(observed_at)s, %(signature)s)
    on conflict (task_id, step) do nothing
"""

_WIRE = """json_build_object(
    'id', s.id, 'node_id', s.node_id, 'region_id', s.region_id, 'index', s.index, 'sku', s.sku,
    'state', case when s.allocation_id is not null then 'occupied' else s.state end, 'allocation_id', s.allocation_id, 'withdrawn', s.withdrawn,
    'last_allocation_id', s.last_allocation_id, 'vcpus_millis', s.vcpus_millis, 'memory_bytes', s.memory_bytes,
    'pids', s.pids, 'conditions', s.conditions, 'generation', s.generation,
    'created_at', s.created_at, 'updated_at', s.updated_at)"""

LIST = f"""
    with page as (
        select {_COLUMNS} from provisioning.slots
        where (%(node_id)s::text is null or node_id = %(node_id)s) and (%(state)s::text is null or case when allocation_id is not null then 'occupied' else state end = %(state)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ), shown as (select * from page order by created_at desc, id desc limit %(limit)s)
    select json_build_object(
        'items', coalesce((select json_agg({_WIRE} order by s.created_at desc, s.id desc) from shown s), '[]'::json),
        'next_cursor', case when (select count(*) from page) > %(limit)s then (
            select translate(encode(convert_to(json_build_array(s.created_at, s.id)::text, 'UTF8'), 'base64'),
                             E'+/=\\n', '-_')
            from shown s order by s.created_at, s.id limit 1) end)::text
"""

SHOW = f"""
    select ({_WIRE}::jsonb || jsonb_build_object('evidence', coalesce((
        select jsonb_agg(jsonb_build_object('task_id', e.task_id, 'step', e.step, 'ok', e.ok, 'detail', e.detail,
                                            'observed_at', e.observed_at, 'recorded_at', e.recorded_at,
                                            'allocation_id', e.allocation_id) order by e.recorded_at desc, e.step)
        from (select * from provisioning.sanitization_evidence where slot_id = s.id order by recorded_at desc limit 50) e),
        '[]'::jsonb)))::text
    from provisioning.slots s where s.id = %(id)s
"""


@dataclass(frozen=True)
class TakenSlot:
    id: str
    node_id: str
    index: int
    isolation: dict[str, Any] | None
    node_name: str


async def take(
    tx: Tx, allocation_id: str, region_id: str, sku: str, node_id: str | None, full: list[str]
) -> TakenSlot | None:
    """A clean slot, now this allocation's; None when there is none that nobody else is taking right now. `full`: nodes
    that will not do."""
    params = {"allocation_id": allocation_id, "region_id": region_id, "sku": sku, "node_id": node_id, "full": full}
    return await tx.one(TAKE, params, into=TakenSlot)


async def disks(tx: Tx, region_id: str, sku: str, node_id: str | None, share: Decimal) -> dict[str, int]:
    """Bytes that volumes may take: that share of the disk of each ready node with a free slot (or of this one node)."""
    return dict(await tx.all(DISKS, {"region_id": region_id, "sku": sku, "node_id": node_id, "share": share}))


async def free_soon(tx: Tx, region_id: str, sku: str, node_id: str | None, full: list[str]) -> tuple[int, int]:
    """How many free slots are clean, and how many are being cleaned, on ready nodes (or on this one node)."""
    row = await tx.one(FREE_SOON, {"region_id": region_id, "sku": sku, "node_id": node_id, "full": full})
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def record_placement(tx: Tx, allocation_id: str, slot: TakenSlot, fence: int, why: str) -> None:
    params = {"id": tx.ids.new("plc"), "allocation_id": allocation_id, "slot_id": slot.id, "node_id": slot.node_id}
    await tx.run(INSERT_PLACEMENT, params | {"fence": fence, "why": why})


async def vacate(tx: Tx, allocation_id: str) -> None:
    """Frees the allocation's slot, dirty, if it holds one."""
    await tx.run(END_PLACEMENT, {"allocation_id": allocation_id})
    await tx.run(VACATE, {"allocation_id": allocation_id})


async def one(tx: Tx, slot_id: str) -> Slot | None:
    return await tx.one(ONE, {"id": slot_id}, into=Slot)


async def id_by_last_allocation(tx: Tx, allocation_id: str) -> str | None:
    return await tx.value(ID_BY_LAST, {"allocation_id": allocation_id})


async def lock(tx: Tx, slot_id: str) -> Slot:
    row = await tx.one(LOCK, {"id": slot_id}, into=Slot)
    if row is None:
        raise LookupError(f"slot {slot_id} is gone")
    return row


async def ids_of_node(tx: Tx, node_id: str) -> list[str]:
    return [row[0] for row in await tx.all(IDS_OF_NODE, {"node_id": node_id})]


async def lock_of_node(tx: Tx, node_id: str) -> list[Slot]:
    return await tx.all(LOCK_OF_NODE, {"node_id": node_id}, into=Slot)


async def insert(tx: Tx, **row: Any) -> None:
    await tx.run(INSERT, row)


async def reshape(tx: Tx, slot_id: str, **shape: Any) -> None:
    await tx.run(RESHAPE, {"id": slot_id} | shape)


async def withdraw(tx: Tx, slot_id: str) -> None:
    await tx.run(WITHDRAW, {"id": slot_id})


async def become(
    tx: Tx,
    slot_id: str,
    state: str,
    *,
    clean: bool = False,
    condition: Mapping[str, Any] | None = None,
    new_order: bool = False,
) -> int:
    """Returns the slot's generation; `new_order` raises it, so that the next task for the slot is a new one."""
    conditions = Jsonb([condition]) if condition else None
    params = {"id": slot_id, "state": str(state), "clean": clean, "conditions": conditions, "raise": int(new_order)}
    return int(await tx.value(BECOME, params))


async def add_evidence(tx: Tx, **row: Any) -> None:
    await tx.run(EVIDENCE, row | {"id": tx.ids.new("evd")})


async def list_json(
    tx: Tx, limit: int, after: tuple[str, ...] | None, node_id: str | None = None, state: str | None = None
) -> bytes:
    at, last = (after[0], after[-1]) if after else (None, None)
    return await tx.json(LIST, {"limit": limit, "after_at": at, "after_id": last, "node_id": node_id, "state": state})


async def show_json(tx: Tx, slot_id: str) -> bytes:
    return await tx.json(SHOW, {"id": slot_id})
