"""The only SQL of product."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

Form = dict[str, str | list[str]]


@dataclass(frozen=True)
class LaunchDraftView:
    """`form`: what the portal's form holds, as it was typed. Nobody has checked it yet; the launch will."""

    id: str
    tenant_id: str
    form: Form
    generation: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class VisitorDraftView:
    form: Form
    updated_at: datetime
    expires_at: datetime


_COLUMNS = "id, tenant_id, form, generation, created_at, updated_at, expires_at"
_MINE = "owner_id = %(owner_id)s and expires_at > kernel.now()"

INSERT = f"""
    insert into product.launch_drafts (id, tenant_id, owner_id, form, expires_at)
    values (%(id)s, kernel.tenant(), %(owner_id)s, %(form)s, kernel.now() + make_interval(secs => %(seconds)s))
    returning {_COLUMNS}
"""
ONE = f"select {_COLUMNS} from product.launch_drafts where id = %(id)s and {_MINE}"
LOCK = ONE + " for update"
LIST = f"""
    select {_COLUMNS} from product.launch_drafts
    where {_MINE} and (%(after_at)s::timestamptz is null or (updated_at, id) < (%(after_at)s, %(after_id)s))
    order by updated_at desc, id desc limit %(limit)s
"""
UPDATE = f"""
    update product.launch_drafts
    set form = %(form)s, generation = generation + 1, updated_at = kernel.now(),
        expires_at = kernel.now() + make_interval(secs => %(seconds)s)
    where id = %(id)s and {_MINE} returning {_COLUMNS}
"""
DELETE = f"delete from product.launch_drafts where id = %(id)s and {_MINE}"
MAKE_ROOM = """
    delete from product.launch_drafts where expires_at <= kernel.now() or id in (
        select id from product.launch_drafts where owner_id = %(owner_id)s
        order by updated_at desc, id desc offset %(most)s)
"""

VISITOR_KEEP = """
    insert into product.visitor_drafts (token_hash, form, expires_at)
    values (%(token_hash)s, %(form)s, kernel.now() + make_interval(secs => %(seconds)s))
    on conflict (token_hash) do update
    set form = excluded.form, updated_at = kernel.now(), expires_at = excluded.expires_at
    returning form, updated_at, expires_at
"""
VISITOR_ONE = """
    select form, updated_at, expires_at from product.visitor_drafts
    where token_hash = %(token_hash)s and expires_at > kernel.now()
"""
VISITOR_TAKE = """
    delete from product.visitor_drafts where token_hash = %(token_hash)s
    returning form, updated_at, expires_at, expires_at > kernel.now() as alive
"""
VISITOR_COUNT = "select count(*) from product.visitor_drafts"
VISITOR_FORGET = "delete from product.visitor_drafts where expires_at <= kernel.now()"


async def insert(tx: Tx, draft_id: str, owner_id: str, form: Form, seconds: int) -> LaunchDraftView:
    params = {"id": draft_id, "owner_id": owner_id, "form": Jsonb(form), "seconds": seconds}
    made = await tx.one(INSERT, params, into=LaunchDraftView)
    if made is None:
        raise RuntimeError("an insert without conflict clause gave no row")
    return made


async def one(tx: Tx, draft_id: str, owner_id: str) -> LaunchDraftView | None:
    return await tx.one(ONE, {"id": draft_id, "owner_id": owner_id}, into=LaunchDraftView)


async def lock(tx: Tx, draft_id: str, owner_id: str) -> LaunchDraftView | None:
    return await tx.one(LOCK, {"id": draft_id, "owner_id": owner_id}, into=LaunchDraftView)


async def listed(tx: Tx, owner_id: str, page: Page) -> list[LaunchDraftView]:
    """One more than the page holds, the last changed first."""
    after_at, after_id = page.after or (None, None)
    params: dict[str, Any] = {
        "owner_id": owner_id,
        "after_at": after_at,
        "after_id": after_id,
        "limit": page.limit + 1,
    }
    return await tx.all(LIST, params, into=LaunchDraftView)


async def update(tx: Tx, draft_id: str, owner_id: str, form: Form, seconds: int) -> LaunchDraftView | None:
    params = {"id": draft_id, "owner_id": owner_id, "form": Jsonb(form), "seconds": seconds}
    return await tx.one(UPDATE, params, into=LaunchDraftView)


async def delete(tx: Tx, draft_id: str, owner_id: str) -> bool:
    return await tx.run(DELETE, {"id": draft_id, "owner_id": owner_id}) == 1


async def make_room(tx: Tx, owner_id: str, most: int) -> None:
    """Deletes what has expired in the tenant, and of the owner's all but the `most` last changed."""
    await tx.run(MAKE_ROOM, {"owner_id": owner_id, "most": most})


async def keep_for_visitor(tx: Tx, token_hash: bytes, form: Form, seconds: int) -> VisitorDraftView | None:
    params = {"token_hash": token_hash, "form": Jsonb(form), "seconds": seconds}
    return await tx.one(VISITOR_KEEP, params, into=VisitorDraftView)


async def of_visitor(tx: Tx, token_hash: bytes) -> VisitorDraftView | None:
    return await tx.one(VISITOR_ONE, {"token_hash": token_hash}, into=VisitorDraftView)


async def take_from_visitor(tx: Tx, token_hash: bytes) -> VisitorDraftView | None:
    """Deletes it; None when there was none that had not expired. Of two who come at once, one gets it."""
    row = await tx.one(VISITOR_TAKE, {"token_hash": token_hash})
    return VisitorDraftView(*row[:3]) if row and row[3] else None


async def count_of_visitors(tx: Tx) -> int:
    return int(await tx.value(VISITOR_COUNT))


async def forget_visitors(tx: Tx) -> None:
    await tx.run(VISITOR_FORGET)
