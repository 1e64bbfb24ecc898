"""Rows of nodes and their bootstrap tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx

INSERT = """
    insert into provisioning.nodes (id, region_id, name, simulated, inventory, ssh_host, certificate_pem)
    values (%(id)s, %(region_id)s, %(name)s, %(simulated)s, %(inventory)s, %(ssh_host)s, %(certificate_pem)s)
    on conflict (region_id, name) where deleted_at is null do update
    set inventory = excluded.inventory, ssh_host = excluded.ssh_host,
        previous_certificate_pem = '', certificate_pem = excluded.certificate_pem,
        generation = provisioning.nodes.generation + 1, last_seen_at = kernel.now(), updated_at = kernel.now()
    returning id
"""
ID_BY_NAME = """
    select id from provisioning.nodes where region_id = %(region_id)s and name = %(name)s and deleted_at is null for update
"""
RENEW = """
    update provisioning.nodes
    set previous_certificate_pem = certificate_pem, certificate_pem = %(pem)s, updated_at = kernel.now()
    where id = %(id)s
"""
TAKE_INVENTORY = """
    update provisioning.nodes
    set inventory = %(inventory)s, generation = generation + (inventory <> %(inventory)s)::int,
        last_seen_at = kernel.now(), updated_at = kernel.now()
    where id = %(id)s and deleted_at is null returning region_id, simulated
"""
# One write every few seconds at most: 10,000 polling nodes must not cost 10,000 rows a poll.
HEARTBEAT = """
    update provisioning.nodes
    set last_seen_at = kernel.now(), boot_id = %(boot_id)s, agent_version = %(agent_version)s
    where id = %(id)s
      and (last_seen_at < kernel.now() - interval '5 seconds' or boot_id <> %(boot_id)s or agent_version <> %(agent_version)s)
"""
RETURN = """
    update provisioning.nodes set state = 'ready', state_since = kernel.now(), generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and state = 'unreachable' returning id, region_id, name, generation
"""
LOSE_SILENT = """
    update provisioning.nodes set state = 'unreachable', state_since = kernel.now(), generation = generation + 1, updated_at = kernel.now()
    where state = 'ready' and deleted_at is null and last_seen_at < kernel.now() - make_interval(secs => %(silent_seconds)s)
    returning id, region_id, name, generation, extract(epoch from kernel.now() - last_seen_at)::int as silent_seconds
"""
ONE = """
    select id, region_id, name, state, ssh_host, boot_id, inventory, certificate_pem, previous_certificate_pem, last_seen_at
    from provisioning.nodes where id = %(id)s and deleted_at is null
"""

# What operators call a node's state: whether it can be reached first, then whether it is in use.
_STATE = "case when n.state = 'ready' and n.service <> 'in_service' then n.service else n.state end"
_WIRE = f"""json_build_object(
    'id', n.id, 'region_id', n.region_id, 'name', n.name, 'simulated', n.simulated, 'labels', n.labels, 'state', {_STATE}, 'state_since', n.state_since,
    'conditions', n.conditions, 'generation', n.generation, 'created_at', n.created_at, 'updated_at', n.updated_at,
    'deleted_at', n.deleted_at, 'last_seen_at', n.last_seen_at, 'agent_version', n.agent_version, 'boot_id', n.boot_id,
    'ssh_host', n.ssh_host, 'inventory', n.inventory, 'service', n.service, 'desired_service', n.desired_service,
    'drain', case when n.drain_requested_at is not null and (n.service <> 'in_service' or n.desired_service <> 'in_service')
                  then json_build_object('deadline_at', n.drain_deadline_at, 'reason', n.drain_reason,
                                         'requested_at', n.drain_requested_at, 'requested_by', n.drain_requested_by) end,
    'slots', (select json_build_object('total', count(*), 'occupied', count(s.allocation_id),
                                       'available', count(*) filter (where s.clean),
                                       'quarantined', count(*) filter (where s.state = 'quarantined'))
              from provisioning.slots s where s.node_id = n.id and not s.withdrawn))"""

LIST = f"""
    with page as (
        select * from provisioning.nodes n
        where deleted_at is null and (%(state)s::text is null or {_STATE} = %(state)s)
          and (%(simulated)s::boolean is null or simulated = %(simulated)s)
          and (%(silicon)s::text is null or exists (
                select from jsonb_array_elements(inventory -> 'gpus') g where g ->> 'model' = %(silicon)s)
               or (%(silicon)s = 'cpu' and jsonb_array_length(inventory -> 'gpus') = 0))
          and (%(region_id)s::text is null or region_id = %(region_id)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ), shown as (select * from page order by created_at desc, id desc limit %(limit)s)
    select json_build_object(
        'items', coalesce((select json_agg({_WIRE} order by n.created_at desc, n.id desc) from shown n), '[]'::json),
        'next_cursor', case when (select count(*) from page) > %(limit)s then (
            select translate(encode(convert_to(json_build_array(n.created_at, n.id)::text, 'UTF8'), 'base64'),
                             E'+/=\\n', '-_')
            from shown n order by n.created_at, n.id limit 1) end)::text
"""

SHOW = f"""
    select ({_WIRE}::jsonb || jsonb_build_object('tasks', coalesce((
        select jsonb_agg(jsonb_build_object('id', t.id, 'verb', t.verb, 'subject_id', t.subject_id,
                                            'generation', t.generation, 'state', t.state, 'code', t.code,
                                            'detail', t.detail, 'created_at', t.created_at, 'sent_at', t.sent_at,
                                            'finished_at', t.finished_at) order by t.created_at desc, t.id desc)
        from (select * from provisioning.tasks where node_id = n.id order by created_at desc, id desc limit 50) t),
        '[]'::jsonb)))::text
    from provisioning.nodes n where n.id = %(id)s and n.deleted_at is null
"""

INSERT_TOKEN = """
    insert into provisioning.bootstrap_tokens (id, token_hash, node_name, region_id, expires_at, created_by)
    values (%(id)s, %(token_hash)s, %(node_name)s, %(region_id)s, kernel.now() + make_interval(secs => %(life_seconds)s),
            kernel.principal())
    returning expires_at
"""
TOKEN = """
    select id, node_name, region_id, used_at is not null as used, expires_at <= kernel.now() as expired
    from provisioning.bootstrap_tokens where token_hash = %(token_hash)s for update
"""
USE_TOKEN = """
    update provisioning.bootstrap_tokens set used_at = kernel.now(), used_by_node_id = %(node_id)s
    where id = %(id)s and used_at is null
"""


@dataclass(frozen=True)
class NodeRow:
    id: str
    region_id: str
    name: str
    state: str
    ssh_host: str
    boot_id: str
    inventory: dict[str, Any]
    certificate_pem: str
    previous_certificate_pem: str
    last_seen_at: datetime


@dataclass(frozen=True)
class Place:
    """A node's region, and whether there is a machine at all."""

    region_id: str
    simulated: bool


@dataclass(frozen=True)
class ChangedNode:
    id: str
    region_id: str
    name: str
    generation: int
    silent_seconds: int = 0


@dataclass(frozen=True)
class TokenRow:
    id: str
    node_name: str
    region_id: str
    used: bool
    expired: bool


async def one(tx: Tx, node_id: str) -> NodeRow | None:
    return await tx.one(ONE, {"id": node_id}, into=NodeRow)


async def id_by_name(tx: Tx, region_id: str, name: str) -> str | None:
    return await tx.value(ID_BY_NAME, {"region_id": region_id, "name": name})


async def enrol(tx: Tx, **row: Any) -> str:
    """A new node, or the node of that name again after it lost its certificate. Returns its id."""
    return str(await tx.value(INSERT, row | {"inventory": Jsonb(row["inventory"])}))


async def renew(tx: Tx, node_id: str, certificate_pem: str) -> None:
    await tx.run(RENEW, {"id": node_id, "pem": certificate_pem})


async def take_inventory(tx: Tx, node_id: str, inventory: dict[str, Any]) -> Place | None:
    """Where the node stands, None for a node that is gone."""
    return await tx.one(TAKE_INVENTORY, {"id": node_id, "inventory": Jsonb(inventory)}, into=Place)


async def heartbeat(tx: Tx, node_id: str, boot_id: str, agent_version: str) -> bool:
    """True when it was written: at most every five seconds, or when something about the agent changed."""
    params = {"id": node_id, "boot_id": boot_id, "agent_version": agent_version}
    return await tx.run(HEARTBEAT, params) == 1


async def come_back(tx: Tx, node_id: str) -> ChangedNode | None:
    return await tx.one(RETURN, {"id": node_id}, into=ChangedNode)


async def lose_silent(tx: Tx, silent_seconds: float) -> list[ChangedNode]:
    return await tx.all(LOSE_SILENT, {"silent_seconds": silent_seconds}, into=ChangedNode)


@dataclass(frozen=True)
class NodeFilter:
    """What a list shows; None means all. `silicon`: the model of an accelerator, or `cpu` for nodes without any."""

    state: str | None = None
    region_id: str | None = None
    silicon: str | None = None
    simulated: bool | None = None


async def list_json(tx: Tx, limit: int, after: tuple[str, ...] | None, only: NodeFilter) -> bytes:
    at, last = (after[0], after[-1]) if after else (None, None)
    return await tx.json(LIST, vars(only) | {"limit": limit, "after_at": at, "after_id": last})


async def show_json(tx: Tx, node_id: str) -> bytes:
    return await tx.json(SHOW, {"id": node_id})


async def insert_token(tx: Tx, **row: Any) -> datetime:
    return await tx.value(INSERT_TOKEN, row)  # type: ignore[no-any-return]


async def token(tx: Tx, token_hash: str) -> TokenRow | None:
    """Locked: of many that bring the same token at once, the second sees that the first used it."""
    return await tx.one(TOKEN, {"token_hash": token_hash}, into=TokenRow)


async def use_token(tx: Tx, token_id: str, node_id: str) -> bool:
    return await tx.run(USE_TOKEN, {"id": token_id, "node_id": node_id}) == 1
