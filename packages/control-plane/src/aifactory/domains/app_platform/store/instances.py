"""Rows of instances and of what they printed."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.app_platform.instance import Instance
from aifactory.domains.app_platform.output import Output
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, project_id, region_id, name, labels, state, conditions, generation, allocation_id, app, app_version, "
    "kind, parameters, autostop_minutes, stop_requested_at, stop_reason, started_at, last_active_at, cpu_milliseconds, "
    "ended_at, exit_code, failure, created_at, updated_at, deleted_at"
)
INSERT = """
    insert into app_platform.instances
        (id, tenant_id, project_id, region_id, name, labels, state, allocation_id, app, app_version, kind, parameters, autostop_minutes)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(name)s, %(labels)s, 'starting', %(allocation_id)s,
            %(app)s, %(app_version)s, %(kind)s, %(parameters)s, %(autostop_minutes)s)
"""
ONE = f"select {_COLUMNS} from app_platform.instances where id = %(id)s"
LOCK = ONE + " for update"
LIVE_ON = (
    "select id from app_platform.instances where allocation_id = %(allocation_id)s and ended_at is null order by id"
)
ENTER = """
    update app_platform.instances set state = %(state)s, generation = generation + 1, updated_at = kernel.now(),
        started_at = case when %(state)s = 'running' then coalesce(started_at, kernel.now()) else started_at end,
        last_active_at = case when %(state)s = 'running' then kernel.now() else last_active_at end
    where id = %(id)s and state <> %(state)s
"""
REQUEST_STOP = """
    update app_platform.instances
    set stop_requested_at = kernel.now(), stop_reason = %(reason)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and stop_requested_at is null and ended_at is null
"""
END = """
    update app_platform.instances
    set state = %(state)s, exit_code = %(exit_code)s, failure = %(failure)s, ended_at = kernel.now(),
        generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and ended_at is null
"""
SEEN = """
    update app_platform.instances
    set cpu_milliseconds = %(cpu_milliseconds)s,
        last_active_at = case when %(active)s then kernel.now() else last_active_at end
    where id = %(id)s
"""
TOUCH = "update app_platform.instances set last_active_at = kernel.now() where id = %(id)s and ended_at is null"
OUTPUT = "select output as data, start_offset as start from app_platform.instance_logs where instance_id = %(id)s"
OUTPUT_END = "select end_offset from app_platform.instance_logs where instance_id = %(id)s"
KEEP_OUTPUT = """
    insert into app_platform.instance_logs (instance_id, tenant_id, output, start_offset, end_offset)
    values (%(id)s, kernel.tenant(), %(data)s, %(start)s, %(end)s)
    on conflict (instance_id) do update
    set output = excluded.output, start_offset = excluded.start_offset, end_offset = excluded.end_offset, updated_at = kernel.now()
"""
_WIRE = """json_build_object(
    'id', i.id, 'tenant_id', i.tenant_id, 'project_id', i.project_id, 'region_id', i.region_id, 'name', i.name,
    'labels', i.labels, 'state', i.state, 'conditions', i.conditions, 'generation', i.generation,
    'created_at', i.created_at, 'updated_at', i.updated_at, 'deleted_at', i.deleted_at, 'allocation_id', i.allocation_id,
    'app', i.app, 'app_version', i.app_version, 'kind', i.kind, 'parameters', i.parameters,
    'autostop_minutes', i.autostop_minutes, 'stop_requested_at', i.stop_requested_at, 'stop_reason', i.stop_reason,
    'started_at', i.started_at, 'last_active_at', i.last_active_at, 'ended_at', i.ended_at, 'exit_code', i.exit_code,
    'failure', i.failure)"""
LIST = f"""
    with page as (
        select {_COLUMNS} from app_platform.instances
        where deleted_at is null
          and (%(visible)s::text[] is null or project_id = any(%(visible)s))
          and (%(project_id)s::text is null or project_id = %(project_id)s)
          and (%(allocation_id)s::text is null or allocation_id = %(allocation_id)s)
          and (%(app)s::text is null or app = %(app)s)
          and (%(name)s::text is null or name = %(name)s)
          and (%(state)s::text is null or state = %(state)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ), shown as (select * from page order by created_at desc, id desc limit %(limit)s)
    select json_build_object(
        'items', coalesce((select json_agg({_WIRE} order by i.created_at desc, i.id desc) from shown i), '[]'::json),
        'next_cursor', case when (select count(*) from page) > %(limit)s then (
            select translate(encode(convert_to(json_build_array(i.created_at, i.id)::text, 'UTF8'), 'base64'),
                             E'+/=\\n', '-_')
            from shown i order by i.created_at, i.id limit 1) end)::text
"""


@dataclass(frozen=True)
class InstanceFilter:
    """What a list shows; None means all."""

    project_id: str | None = None
    allocation_id: str | None = None
    app: str | None = None
    name: str | None = None
    state: str | None = None


async def insert(tx: Tx, **row: Any) -> None:
    await tx.run(INSERT, row | {"labels": Jsonb(row["labels"]), "parameters": Jsonb(row["parameters"])})


async def one(tx: Tx, instance_id: str) -> Instance | None:
    return await tx.one(ONE, {"id": instance_id}, into=Instance)


async def lock(tx: Tx, instance_id: str) -> Instance:
    """The row of a flow's subject, which cannot be missing."""
    row = await tx.one(LOCK, {"id": instance_id}, into=Instance)
    assert row is not None, f"there is no instance {instance_id}"
    return row


async def live_on(tx: Tx, allocation_id: str) -> list[str]:
    """Ids of instances that have not ended."""
    return [row[0] for row in await tx.all(LIVE_ON, {"allocation_id": allocation_id})]


async def enter(tx: Tx, instance_id: str, state: str) -> None:
    await tx.run(ENTER, {"id": instance_id, "state": str(state)})


async def request_stop(tx: Tx, instance_id: str, reason: str) -> bool:
    """False when a stop was requested before, or it has ended."""
    return await tx.run(REQUEST_STOP, {"id": instance_id, "reason": reason}) == 1


async def end(tx: Tx, instance_id: str, state: str, exit_code: int | None, failure: dict[str, str] | None) -> None:
    params = {"id": instance_id, "state": str(state), "exit_code": exit_code}
    await tx.run(END, params | {"failure": None if failure is None else Jsonb(failure)})


async def seen(tx: Tx, instance_id: str, cpu_milliseconds: int, *, active: bool) -> None:
    await tx.run(SEEN, {"id": instance_id, "cpu_milliseconds": cpu_milliseconds, "active": active})


async def touch(tx: Tx, instance_id: str) -> None:
    """Somebody used it now."""
    await tx.run(TOUCH, {"id": instance_id})


async def output(tx: Tx, instance_id: str) -> Output:
    return await tx.one(OUTPUT, {"id": instance_id}, into=Output) or Output()


async def output_end(tx: Tx, instance_id: str) -> int:
    """How much of what it printed is known."""
    return await tx.value(OUTPUT_END, {"id": instance_id}) or 0


async def keep_output(tx: Tx, instance_id: str, kept: Output) -> None:
    await tx.run(KEEP_OUTPUT, {"id": instance_id, "data": kept.data, "start": kept.start, "end": kept.end})


async def list_json(tx: Tx, page: Page, only: InstanceFilter, visible: list[str] | None) -> bytes:
    """`{items, next_cursor}`, newest first, built in SQL; only of these projects, None means of all."""
    after = page.after or (None, None)
    params = vars(only) | {"visible": visible, "limit": page.limit, "after_at": after[0], "after_id": after[-1]}
    return await tx.json(LIST, params)
