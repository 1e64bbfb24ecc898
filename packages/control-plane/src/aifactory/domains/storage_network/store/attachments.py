"""The SQL of sandboxes in networks."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.attachment import Attachment, AttachmentState
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, network_id, allocation_id, security_group_ids, address, state, conditions, "
    "generation, applied_generation, refused_generation, rules, node_id, host, created_at, updated_at, deleted_at"
)
INSERT = """
    insert into storage_network.network_attachments
        (id, tenant_id, project_id, region_id, network_id, allocation_id, security_group_ids, address)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(network_id)s, %(allocation_id)s,
            %(security_group_ids)s, %(address)s)
"""
ONE = f"select {_COLUMNS} from storage_network.network_attachments where id = %(id)s"
LOCK = ONE + " for no key update"  # who publishes a port names this row meanwhile
OF_ALLOCATION = f"""
    select {_COLUMNS} from storage_network.network_attachments
    where allocation_id = %(allocation_id)s and deleted_at is null
"""
RELATED = """
    select id from storage_network.network_attachments where allocation_id = %(allocation_id)s
    union all
    select id from storage_network.published_ports where allocation_id = %(allocation_id)s
"""
TAKEN = """
    select address from storage_network.network_attachments where network_id = %(network_id)s and deleted_at is null
"""
USES_GROUP = """
    select 1 from storage_network.network_attachments
    where security_group_ids @> array[%(id)s]::text[] and deleted_at is null limit 1
"""
PLACED = """
    update storage_network.network_attachments set node_id = %(node_id)s, host = %(host)s, updated_at = kernel.now()
    where id = %(id)s
"""
REGROUP = """
    update storage_network.network_attachments
    set security_group_ids = %(security_group_ids)s, updated_at = kernel.now()
    where id = %(id)s
"""
ENTER = """
    update storage_network.network_attachments
    set state = %(state)s, updated_at = kernel.now(),
        deleted_at = case when %(state)s = 'detached' then kernel.now() end
    where id = %(id)s
"""
ASK_AGAIN = """
    update storage_network.network_attachments set generation = generation + 1 where id = %(id)s returning generation
"""
ANSWERED = """
    update storage_network.network_attachments
    set applied_generation = case when %(done)s then %(generation)s else applied_generation end,
        refused_generation = case when %(done)s then refused_generation else %(generation)s end,
        rules = case when %(done)s then %(rules)s else rules end,
        conditions = %(conditions)s, updated_at = kernel.now()
    where id = %(id)s
"""
# Rules, members and ports of a tenant change one after another: who is touched by one change is seen whole by the next.
ALONE = "select pg_advisory_xact_lock(hashtextextended('networks of ' || kernel.tenant(), 0))"
TOUCHED = """
    select id from storage_network.network_attachments a
    where deleted_at is null and (
        security_group_ids && %(groups)s::text[]
        or id = any(%(ids)s::text[])
        or exists (
            select 1 from storage_network.security_groups g, jsonb_array_elements(g.rules) r
            where g.id = any(a.security_group_ids)
              and (r->>'security_group_id' = any(%(peers)s::text[]) or r->>'network_id' = any(%(networks)s::text[]))))
    order by id
"""
BUMP = """
    update storage_network.network_attachments
    set generation = generation + 1, updated_at = kernel.now() where id = any(%(ids)s::text[]) and deleted_at is null
"""
MEMBERS = """
    select g as group_id, array_agg(a.address order by a.address) as addresses
    from storage_network.network_attachments a, unnest(a.security_group_ids) g
    where g = any(%(ids)s::text[]) and a.deleted_at is null group by g
"""
LIST = f"""
    select {_COLUMNS} from storage_network.network_attachments
    where deleted_at is null
      and (%(visible)s::text[] is null or project_id = any(%(visible)s))
      and (%(network_id)s::text is null or network_id = %(network_id)s)
      and (%(allocation_id)s::text is null or allocation_id = %(allocation_id)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""


async def insert(tx: Tx, **row: Any) -> None:
    await tx.run(INSERT, row)


async def one(tx: Tx, attachment_id: str) -> Attachment | None:
    return await tx.one(ONE, {"id": attachment_id}, into=Attachment)


async def lock(tx: Tx, attachment_id: str) -> Attachment | None:
    return await tx.one(LOCK, {"id": attachment_id}, into=Attachment)


async def of_allocation(tx: Tx, allocation_id: str) -> Attachment | None:
    """Not locked: its flow is locked before it. None when it is in no network, or no more."""
    return await tx.one(OF_ALLOCATION, {"allocation_id": allocation_id}, into=Attachment)


async def related(tx: Tx, allocation_id: str) -> list[str]:
    return [row[0] for row in await tx.all(RELATED, {"allocation_id": allocation_id})]


async def taken(tx: Tx, network_id: str) -> set[str]:
    """The addresses of a network that sandboxes have."""
    return {row[0] for row in await tx.all(TAKEN, {"network_id": network_id})}


async def uses_group(tx: Tx, security_group_id: str) -> bool:
    return await tx.value(USES_GROUP, {"id": security_group_id}) is not None


async def placed(tx: Tx, attachment_id: str, node_id: str, host: str) -> None:
    await tx.run(PLACED, {"id": attachment_id, "node_id": node_id, "host": host})


async def regroup(tx: Tx, attachment_id: str, security_group_ids: list[str]) -> None:
    await tx.run(REGROUP, {"id": attachment_id, "security_group_ids": security_group_ids})


async def enter(tx: Tx, attachment_id: str, state: AttachmentState) -> None:
    """The flow's alone."""
    await tx.run(ENTER, {"id": attachment_id, "state": str(state)})


async def ask_again(tx: Tx, attachment_id: str) -> int:
    """A new generation of the same wish: the node's answer to the last one was no."""
    return int(await tx.value(ASK_AGAIN, {"id": attachment_id}))


async def answered(
    tx: Tx, attachment_id: str, generation: int, conditions: list[dict[str, Any]], *, done: bool, rules: list[str]
) -> None:
    params = {"id": attachment_id, "generation": generation, "done": done, "rules": Jsonb(rules)}
    await tx.run(ANSWERED, params | {"conditions": Jsonb(conditions)})


async def alone(tx: Tx) -> None:
    """Until the end of the transaction nobody else changes what this tenant's sandboxes may send and receive."""
    await tx.run(ALONE)


async def touched(
    tx: Tx, groups: Sequence[str], peers: Sequence[str], networks: Sequence[str], ids: Sequence[str]
) -> list[str]:
    """Those in these groups, those whose rules name these groups or networks as peers, and these; in id order."""
    wanted = {"groups": groups, "peers": peers, "networks": networks, "ids": ids}
    return [row[0] for row in await tx.all(TOUCHED, {name: list(value) for name, value in wanted.items()})]


async def bump(tx: Tx, ids: list[str]) -> None:
    """A new generation for these."""
    await tx.run(BUMP, {"ids": ids})


async def members(tx: Tx, group_ids: list[str]) -> dict[str, list[str]]:
    """Group → the addresses of its sandboxes."""
    return {row[0]: row[1] for row in await tx.all(MEMBERS, {"ids": group_ids})}


async def many(
    tx: Tx, page: Page, network_id: str | None, allocation_id: str | None, visible: list[str] | None
) -> list[Attachment]:
    """One more than the page holds, newest first; only of these projects, None means of all."""
    after_at, after_id = page.after or (None, None)
    params: dict[str, Any] = {"visible": visible, "network_id": network_id, "allocation_id": allocation_id}
    params |= {"after_at": after_at, "after_id": after_id, "limit": page.limit + 1}
    return await tx.all(LIST, params, into=Attachment)
