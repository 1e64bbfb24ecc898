"""Rows of tasks: what nodes are told, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx

_COLUMNS = (
    "id, node_id, tenant_id, verb, subject_id, generation, args, state, wakes_kind, wakes_id, fence, created_at, sent_at, "
    "finished_at, code, detail, output, result"
)

INSERT = """
    insert into provisioning.tasks (id, node_id, tenant_id, verb, subject_id, generation, args, wakes_kind, wakes_id, fence)
    values (%(id)s, %(node_id)s, %(tenant_id)s, %(verb)s, %(subject_id)s, %(generation)s, %(args)s, %(wakes_kind)s,
            %(wakes_id)s, %(fence)s)
    on conflict do nothing
"""
ONE = f"select {_COLUMNS} from provisioning.tasks where id = %(id)s"
LOCK = ONE + " for update"
FIND = f"select {_COLUMNS} from provisioning.tasks where subject_id = %(subject_id)s and verb = %(verb)s order by generation desc limit 1"
WITHDRAW = """
    update provisioning.tasks set state = 'withdrawn', finished_at = kernel.now()
    where subject_id = %(subject_id)s and verb = %(verb)s and state in ('pending', 'sent')
"""
UNFINISHED = """
    select count(*) from provisioning.tasks
    where subject_id = %(subject_id)s and verb = %(verb)s and state in ('pending', 'sent')
"""
OFFER = f"""
    with due as (
        select id as due_id from provisioning.tasks
        where node_id = %(node_id)s and state in ('pending', 'sent')
          and (state = 'pending' or sent_boot_id <> %(boot_id)s
               or sent_at < kernel.now() - make_interval(secs => %(again_seconds)s))
        order by created_at, id limit %(limit)s for update skip locked
    )
    update provisioning.tasks t set state = 'sent', sent_at = kernel.now(), sent_boot_id = %(boot_id)s
    from due where t.id = due.due_id returning {_COLUMNS}
"""
FINISH = """
    update provisioning.tasks
    set state = %(state)s, finished_at = kernel.now(), code = %(code)s, detail = %(detail)s, output = %(output)s, result = %(result)s
    where id = %(id)s
"""


@dataclass(frozen=True)
class TaskRow:
    """A row of provisioning.tasks. `state` ends as the node's answer: done, failed or refused; or withdrawn."""

    id: str
    node_id: str
    tenant_id: str | None
    verb: str
    subject_id: str
    generation: int
    args: dict[str, Any]
    state: str
    wakes_kind: str | None
    wakes_id: str | None
    fence: int
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    code: str
    detail: str
    output: dict[str, Any]
    result: dict[str, Any] | None

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "refused", "withdrawn")


async def insert(tx: Tx, **row: Any) -> bool:
    """False when the very same order was written before."""
    return await tx.run(INSERT, row | {"args": Jsonb(row["args"])}) == 1


async def one(tx: Tx, task_id: str) -> TaskRow | None:
    return await tx.one(ONE, {"id": task_id}, into=TaskRow)


async def lock(tx: Tx, task_id: str) -> TaskRow | None:
    return await tx.one(LOCK, {"id": task_id}, into=TaskRow)


async def latest(tx: Tx, subject_id: str, verb: str) -> TaskRow | None:
    return await tx.one(FIND, {"subject_id": subject_id, "verb": verb}, into=TaskRow)


async def withdraw(tx: Tx, subject_id: str, verb: str) -> None:
    """It is not offered any more; a node that has seen it may still carry it out."""
    await tx.run(WITHDRAW, {"subject_id": subject_id, "verb": verb})


async def unfinished(tx: Tx, subject_id: str, verb: str) -> bool:
    return bool(await tx.value(UNFINISHED, {"subject_id": subject_id, "verb": verb}))


async def offer(tx: Tx, node_id: str, boot_id: str, limit: int, again_seconds: float) -> list[TaskRow]:
    """Marks as sent and returns what the node has to do, oldest first: new orders, and those it seems to have lost."""
    params = {"node_id": node_id, "boot_id": boot_id, "limit": limit, "again_seconds": again_seconds}
    rows = await tx.all(OFFER, params, into=TaskRow)
    return sorted(rows, key=lambda row: (row.created_at, row.id))


async def finish(
    tx: Tx, task_id: str, state: str, code: str, detail: str, output: dict[str, Any], result: dict[str, Any]
) -> None:
    params = {"id": task_id, "state": state, "code": code, "detail": detail}
    await tx.run(FINISH, params | {"output": Jsonb(output), "result": Jsonb(result)})
