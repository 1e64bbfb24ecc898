"""Tickets and cookies of the proxy, by the hash of their token."""

from dataclasses import dataclass

from aifactory.kernel.db import Tx

INSERT = """
    insert into app_platform.visits (token_hash, kind, instance_id, owner_id, session_id, expires_at)
    values (%(token_hash)s, %(kind)s, %(instance_id)s, %(owner_id)s, %(session_id)s,
            kernel.now() + make_interval(secs => %(seconds)s))
"""
USE_TICKET = """
    delete from app_platform.visits
    where token_hash = %(token_hash)s and kind = 'ticket' and instance_id = %(instance_id)s and expires_at > kernel.now()
    returning instance_id, owner_id, session_id
"""
COOKIE = """
    select instance_id, owner_id, session_id from app_platform.visits
    where token_hash = %(token_hash)s and kind = 'cookie' and instance_id = %(instance_id)s and expires_at > kernel.now()
"""
FORGET = "delete from app_platform.visits where expires_at <= kernel.now()"


@dataclass(frozen=True)
class VisitRow:
    """`owner_id`: the tenant; `session_id`: the sign-in on which it rests."""

    instance_id: str
    owner_id: str
    session_id: str


async def insert(tx: Tx, token_hash: bytes, kind: str, row: VisitRow, seconds: int) -> None:
    await tx.run(INSERT, vars(row) | {"token_hash": token_hash, "kind": kind, "seconds": seconds})


async def use_ticket(tx: Tx, token_hash: bytes, instance_id: str) -> VisitRow | None:
    """Once: who comes second finds nothing."""
    return await tx.one(USE_TICKET, {"token_hash": token_hash, "instance_id": instance_id}, into=VisitRow)


async def cookie(tx: Tx, token_hash: bytes, instance_id: str) -> VisitRow | None:
    return await tx.one(COOKIE, {"token_hash": token_hash, "instance_id": instance_id}, into=VisitRow)


async def forget(tx: Tx) -> None:
    await tx.run(FORGET)
