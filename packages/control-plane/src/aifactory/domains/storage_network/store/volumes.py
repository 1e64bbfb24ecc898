"""The SQL of volumes."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.volume import Volume, VolumeState
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, name, labels, state, conditions, generation, size_gb, driver, "
    "node_id, attached_to, created_for, answered, erased_at, created_at, updated_at, deleted_at"
)

INSERT = """
    insert into storage_network.volumes
        (id, tenant_id, project_id, region_id, name, labels, state, conditions, size_gb, driver, attached_to, created_for)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(name)s, %(labels)s, %(state)s, %(conditions)s,
            %(size_gb)s, %(driver)s, %(allocation_id)s, %(allocation_id)s)
    on conflict (tenant_id, project_id, name) where deleted_at is null do nothing
"""

ONE = f"select {_COLUMNS} from storage_network.volumes where id = %(id)s"
LOCK = ONE + " for update"
MANY = f"select {_COLUMNS} from storage_network.volumes where id = any(%(ids)s) order by id"
LOCK_MANY = MANY + " for update"
LOCK_HELD = (
    f"select {_COLUMNS} from storage_network.volumes where attached_to = %(allocation_id)s order by id for update"
)

CLAIM = """
    update storage_network.volumes set attached_to = %(allocation_id)s, updated_at = kernel.now()
    where id = %(id)s and attached_to is null and state = 'available'
"""

BIND = """
    update storage_network.volumes
    set node_id = %(node_id)s, state = %(state)s, generation = generation + %(raise)s, updated_at = kernel.now()
    where id = %(id)s returning generation
"""

LET_GO = """
    update storage_network.volumes
    set attached_to = null, promised_node_id = null, updated_at = kernel.now(),
        state = case when state = 'attached' then 'available' else state end
    where id = %(id)s
"""

LOCK_SPACE = "select pg_advisory_xact_lock(hashtextextended('volume space of ' || %(region_id)s::text, 0))"
PROMISED_BYTES = "select node_id, bytes from storage_network.promised_bytes(%(node_ids)s)"
PROMISE = """
    update storage_network.volumes set promised_node_id = %(node_id)s, updated_at = kernel.now()
    where id = any(%(ids)s) and node_id is null
"""

KEEP = """
    update storage_network.volumes set created_for = null, updated_at = kernel.now()
    where attached_to = %(allocation_id)s and created_for = %(allocation_id)s
"""

ANSWERED = """
    update storage_network.volumes
    set state = %(state)s, conditions = %(conditions)s, answered = greatest(answered, %(generation)s),
        erased_at = case when %(erased)s then kernel.now() else erased_at end, updated_at = kernel.now()
    where id = %(id)s
"""

START_DELETING = """
    update storage_network.volumes
    set state = 'deleting', attached_to = null, created_for = null, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""

ASK_AGAIN = """
    update storage_network.volumes set generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s returning generation
"""

MARK_DELETED = """
    update storage_network.volumes
    set state = 'deleted', attached_to = null, deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s and state = 'deleting'
"""

_WIRE = """json_build_object(
    'id', v.id, 'tenant_id', v.tenant_id, 'project_id', v.project_id, 'region_id', v.region_id, 'name', v.name,
    'labels', v.labels, 'state', v.state, 'conditions', v.conditions, 'generation', v.generation,
    'created_at', v.created_at, 'updated_at', v.updated_at, 'deleted_at', v.deleted_at,
    'size_gb', v.size_gb, 'driver', v.driver, 'node_id', v.node_id, 'attached_to', v.attached_to)"""

LIST = f"""
    with page as (
        select {_COLUMNS} from storage_network.volumes
        where deleted_at is null
          and (%(visible)s::text[] is null or project_id = any(%(visible)s))
          and (%(project_id)s::text is null or project_id = %(project_id)s)
          and (%(name)s::text is null or name = %(name)s)
          and (%(state)s::text is null or state = %(state)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ), shown as (select * from page order by created_at desc, id desc limit %(limit)s)
    select json_build_object(
        'items', coalesce((select json_agg({_WIRE} order by v.created_at desc, v.id desc) from shown v), '[]'::json),
        'next_cursor', case when (select count(*) from page) > %(limit)s then (
            select translate(encode(convert_to(json_build_array(v.created_at, v.id)::text, 'UTF8'), 'base64'),
                             E'+/=\\n', '-_')
            from shown v order by v.created_at, v.id limit 1) end)::text
"""


@dataclass(frozen=True)
class VolumeFilter:
    """What a list shows; None means all."""

    project_id: str | None = None
    name: str | None = None
    state: str | None = None


async def insert(tx: Tx, **row: Any) -> bool:
    """False when the project has a volume of this name already."""
    row |= {"labels": Jsonb(row["labels"]), "conditions": Jsonb(row["conditions"]), "state": str(row["state"])}
    return await tx.run(INSERT, row) == 1


async def one(tx: Tx, volume_id: str) -> Volume | None:
    return await tx.one(ONE, {"id": volume_id}, into=Volume)


async def lock(tx: Tx, volume_id: str) -> Volume | None:
    return await tx.one(LOCK, {"id": volume_id}, into=Volume)


async def many(tx: Tx, volume_ids: list[str]) -> list[Volume]:
    return await tx.all(MANY, {"ids": volume_ids}, into=Volume)


async def lock_many(tx: Tx, volume_ids: list[str]) -> list[Volume]:
    """In id order, so that two launches that name the same volumes never wait for each other in a ring."""
    return await tx.all(LOCK_MANY, {"ids": volume_ids}, into=Volume)


async def lock_space(tx: Tx, region_id: str) -> None:
    await tx.run(LOCK_SPACE, {"region_id": region_id})


async def promised_bytes(tx: Tx, node_ids: list[str]) -> dict[str, int]:
    """By node, over all tenants; a node without volumes is not in it."""
    return dict(await tx.all(PROMISED_BYTES, {"node_ids": node_ids}))


async def promise(tx: Tx, volume_ids: list[str], node_id: str) -> None:
    await tx.run(PROMISE, {"ids": volume_ids, "node_id": node_id})


async def lock_held(tx: Tx, allocation_id: str) -> list[Volume]:
    return await tx.all(LOCK_HELD, {"allocation_id": allocation_id}, into=Volume)


async def claim(tx: Tx, volume_id: str, allocation_id: str) -> None:
    await tx.run(CLAIM, {"id": volume_id, "allocation_id": allocation_id})


async def bind(tx: Tx, volume_id: str, node_id: str, state: VolumeState, *, new_order: bool) -> int:
    """Returns the generation of the order that goes to the node."""
    params = {"id": volume_id, "node_id": node_id, "state": str(state), "raise": int(new_order)}
    return int(await tx.value(BIND, params))


async def let_go(tx: Tx, volume_id: str) -> None:
    await tx.run(LET_GO, {"id": volume_id})


async def keep(tx: Tx, allocation_id: str) -> None:
    await tx.run(KEEP, {"allocation_id": allocation_id})


async def answered(
    tx: Tx,
    volume: Volume,
    state: VolumeState,
    conditions: list[dict[str, Any]],
    generation: int,
    *,
    erased: bool = False,
) -> None:
    params = {"id": volume.id, "state": str(state), "conditions": Jsonb(conditions)}
    await tx.run(ANSWERED, params | {"generation": generation, "erased": erased})


async def start_deleting(tx: Tx, volume_id: str) -> None:
    await tx.run(START_DELETING, {"id": volume_id})


async def ask_again(tx: Tx, volume_id: str) -> int:
    return int(await tx.value(ASK_AGAIN, {"id": volume_id}))


async def mark_deleted(tx: Tx, volume_id: str) -> None:
    await tx.run(MARK_DELETED, {"id": volume_id})


async def list_json(tx: Tx, page: Page, only: VolumeFilter, visible: list[str] | None) -> bytes:
    """`{items, next_cursor}`, newest first, built in SQL; only of these projects, None means of all."""
    after = page.after or (None, None)
    params = {"visible": visible, "project_id": only.project_id, "name": only.name, "state": only.state}
    return await tx.json(LIST, params | {"limit": page.limit, "after_at": after[0], "after_id": after[-1]})
