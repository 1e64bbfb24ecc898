"""The SQL of published ports."""

from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.published_port import PublishedPort, PublishedPortState
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "p.id, p.tenant_id, p.project_id, p.name, p.labels, p.state, p.conditions, p.generation, p.allocation_id, "
    "p.attachment_id, p.node_id, p.port, p.host_port, a.host, p.wanted_at_generation, a.applied_generation, "
    "p.created_at, p.updated_at, p.deleted_at"
)
_FROM = "storage_network.published_ports p join storage_network.network_attachments a on a.id = p.attachment_id"

INSERT = """
    insert into storage_network.published_ports
        (id, tenant_id, project_id, name, labels, allocation_id, attachment_id, node_id, port, host_port,
         wanted_at_generation)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(name)s, %(labels)s, %(allocation_id)s, %(attachment_id)s,
            %(node_id)s, %(port)s, nextval('storage_network.host_ports'), %(wanted_at_generation)s)
    on conflict do nothing
"""
CLASHES = """
    select name, port from storage_network.published_ports
    where deleted_at is null and (project_id = %(project_id)s and name = %(name)s
        or allocation_id = %(allocation_id)s and port = %(port)s)
"""
OF_ATTACHMENT = (
    f"select {_COLUMNS} from {_FROM} where p.attachment_id = %(id)s and p.deleted_at is null order by p.host_port"
)
CLOSE_ALL = """
    update storage_network.published_ports
    set state = 'deleted', generation = generation + 1, updated_at = kernel.now(), deleted_at = kernel.now()
    where attachment_id = %(id)s and deleted_at is null
"""
ONE = f"select {_COLUMNS} from {_FROM} where p.id = %(id)s"
LOCK = ONE + " for update of p"
COUNT = "select count(*)::int from storage_network.published_ports where attachment_id = %(id)s and deleted_at is null"
ENTER = """
    update storage_network.published_ports
    set state = %(state)s, generation = generation + 1, updated_at = kernel.now(),
        deleted_at = case when %(state)s = 'deleted' then kernel.now() end
    where id = %(id)s returning generation
"""
LIST = f"""
    select {_COLUMNS} from {_FROM}
    where p.deleted_at is null
      and (%(visible)s::text[] is null or p.project_id = any(%(visible)s))
      and (%(project_id)s::text is null or p.project_id = %(project_id)s)
      and (%(allocation_id)s::text is null or p.allocation_id = %(allocation_id)s)
      and (%(after_at)s::timestamptz is null or (p.created_at, p.id) < (%(after_at)s, %(after_id)s))
    order by p.created_at desc, p.id desc limit %(limit)s
"""


async def insert(tx: Tx, **row: Any) -> bool:
    """False when the name, the port, or the next port of the node is taken: see `clashes`, and try again."""
    return await tx.run(INSERT, row | {"labels": Jsonb(row["labels"])}) == 1


async def clashes(tx: Tx, project_id: str, name: str, allocation_id: str, port: int) -> list[tuple[str, int]]:
    """(name, port) of those of the tenant's own that stand in the way."""
    params = {"project_id": project_id, "name": name, "allocation_id": allocation_id, "port": port}
    return [(row[0], row[1]) for row in await tx.all(CLASHES, params)]


async def of_attachment(tx: Tx, attachment_id: str) -> list[PublishedPort]:
    return await tx.all(OF_ATTACHMENT, {"id": attachment_id}, into=PublishedPort)


async def close_all(tx: Tx, attachment_id: str) -> None:
    await tx.run(CLOSE_ALL, {"id": attachment_id})


async def one(tx: Tx, published_port_id: str) -> PublishedPort | None:
    return await tx.one(ONE, {"id": published_port_id}, into=PublishedPort)


async def lock(tx: Tx, published_port_id: str) -> PublishedPort | None:
    return await tx.one(LOCK, {"id": published_port_id}, into=PublishedPort)


async def count(tx: Tx, attachment_id: str) -> int:
    return int(await tx.value(COUNT, {"id": attachment_id}))


async def enter(tx: Tx, published_port_id: str, state: PublishedPortState) -> int:
    """Returns the new generation."""
    return int(await tx.value(ENTER, {"id": published_port_id, "state": str(state)}))


async def many(
    tx: Tx, page: Page, project_id: str | None, allocation_id: str | None, visible: list[str] | None
) -> list[PublishedPort]:
    """One more than the page holds, newest first; only of these projects, None means of all."""
    after_at, after_id = page.after or (None, None)
    params = {"visible": visible, "project_id": project_id, "allocation_id": allocation_id}
    params |= {"after_at": after_at, "after_id": after_id}
    return await tx.all(LIST, params | {"limit": page.limit + 1}, into=PublishedPort)
