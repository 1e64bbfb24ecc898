"""The SQL of networks."""

from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.storage_network.network import Network, NetworkState
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, name, labels, state, conditions, generation, number, last_host, "
    "created_at, updated_at, deleted_at"
)

INSERT = f"""
    insert into storage_network.networks (id, tenant_id, project_id, region_id, name, labels, number)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(name)s, %(labels)s,
            nextval('storage_network.network_numbers'))
    on conflict do nothing
    returning {_COLUMNS}
"""
ONE = f"select {_COLUMNS} from storage_network.networks where id = %(id)s"
LOCK = ONE + " for update"
NAMED = """
    select 1 from storage_network.networks
    where project_id = %(project_id)s and name = %(name)s and deleted_at is null
"""
GAVE_OUT = "update storage_network.networks set last_host = %(host)s where id = %(id)s"
MANY = f"select {_COLUMNS} from storage_network.networks where id = any(%(ids)s) order by id"
COUNT = "select count(*)::int from storage_network.networks where project_id = %(project_id)s and deleted_at is null"
ENTER = """
    update storage_network.networks
    set state = %(state)s, generation = generation + 1, updated_at = kernel.now(),
        deleted_at = case when %(state)s = 'deleted' then kernel.now() end
    where id = %(id)s returning generation
"""
LIST = f"""
    select {_COLUMNS} from storage_network.networks
    where deleted_at is null
      and (%(visible)s::text[] is null or project_id = any(%(visible)s))
      and (%(project_id)s::text is null or project_id = %(project_id)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""


async def insert(
    tx: Tx, network_id: str, project_id: str, region_id: str, name: str, labels: dict[str, str]
) -> Network | None:
    """None when the project has a network of this name already, or the next range is still somebody's."""
    row: dict[str, Any] = {"id": network_id, "project_id": project_id, "region_id": region_id, "name": name}
    return await tx.one(INSERT, row | {"labels": Jsonb(labels)}, into=Network)


async def named(tx: Tx, project_id: str, name: str) -> bool:
    return await tx.value(NAMED, {"project_id": project_id, "name": name}) is not None


async def gave_out(tx: Tx, network_id: str, host: int) -> None:
    await tx.run(GAVE_OUT, {"id": network_id, "host": host})


async def those(tx: Tx, ids: list[str]) -> list[Network]:
    """Those of `ids` that the tenant can see, deleted ones too, in id order."""
    return await tx.all(MANY, {"ids": ids}, into=Network)


async def one(tx: Tx, network_id: str) -> Network | None:
    return await tx.one(ONE, {"id": network_id}, into=Network)


async def lock(tx: Tx, network_id: str) -> Network | None:
    return await tx.one(LOCK, {"id": network_id}, into=Network)


async def count(tx: Tx, project_id: str) -> int:
    return int(await tx.value(COUNT, {"project_id": project_id}))


async def enter(tx: Tx, network_id: str, state: NetworkState) -> int:
    """Returns the new generation."""
    return int(await tx.value(ENTER, {"id": network_id, "state": str(state)}))


async def many(tx: Tx, page: Page, project_id: str | None, visible: list[str] | None) -> list[Network]:
    """One more than the page holds, newest first; only of these projects, None means of all."""
    after_at, after_id = page.after or (None, None)
    params = {"visible": visible, "project_id": project_id, "after_at": after_at, "after_id": after_id}
    return await tx.all(LIST, params | {"limit": page.limit + 1}, into=Network)
