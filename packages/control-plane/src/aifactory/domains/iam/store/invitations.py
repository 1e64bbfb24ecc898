"""Invitations: memberships that wait for a sign-in. Tenant transactions make them, the worker's accept them."""

from dataclasses import dataclass

from aifactory.kernel.db import Tx

OPEN = "accepted_at is null and removed_at is null and expires_at > kernel.now()"
INVITE = """
    insert into iam.invitations (id, tenant_id, project_id, email, role, created_by, expires_at)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(email)s, %(role)s, %(created_by)s,
            kernel.now() + make_interval(days => %(days)s))
    on conflict (email, role, object) where accepted_at is null and removed_at is null
    do update set expires_at = excluded.expires_at
    returning id, xmax = 0 as fresh
"""
COUNT = f"select count(*) from iam.invitations where {OPEN}"
REMOVE = "update iam.invitations set removed_at = kernel.now() where id = %(id)s and removed_at is null"
REMOVE_OF_PROJECT = """
    update iam.invitations set removed_at = kernel.now() where project_id = %(project_id)s and removed_at is null
"""
WAITING = "select id, tenant_id, project_id, role, created_by from iam.invitations_for(%(email)s)"
ACCEPT = "update iam.invitations set accepted_at = kernel.now() where id = %(id)s"


@dataclass(frozen=True)
class Invited:
    id: str
    fresh: bool


@dataclass(frozen=True)
class WaitingRow:
    id: str
    tenant_id: str
    project_id: str | None
    role: str
    created_by: str


async def invite(tx: Tx, email: str, role: str, project_id: str | None, days: int) -> Invited:
    """Inviting again prolongs what is open."""
    values = {"id": tx.ids.new("rel"), "email": email, "role": role, "project_id": project_id, "days": days}
    invited = await tx.one(INVITE, values | {"created_by": tx.principal.id}, into=Invited)
    assert invited is not None
    return invited


async def count(tx: Tx) -> int:
    return int(await tx.value(COUNT))


async def remove(tx: Tx, member_id: str) -> bool:
    return await tx.run(REMOVE, {"id": member_id}) == 1


async def remove_of_project(tx: Tx, project_id: str) -> None:
    await tx.run(REMOVE_OF_PROJECT, {"project_id": project_id})


async def waiting_for(tx: Tx, email: str) -> list[WaitingRow]:
    return await tx.all(WAITING, {"email": email}, into=WaitingRow)


async def accept(tx: Tx, invitation_id: str) -> None:
    await tx.run(ACCEPT, {"id": invitation_id})
