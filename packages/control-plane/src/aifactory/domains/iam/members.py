"""Members: which person holds which role, on the whole tenant or on one project.

Nobody can give or take a role that allows more than they themselves may do on that object.
"""

from aifactory.domains.iam.authorization import Target, check
from aifactory.domains.iam.permission_gate import require
from aifactory.domains.iam.roles import PROJECT_ROLES, ROLES, TENANT_ROLES
from aifactory.domains.iam.store import invitations
from aifactory.domains.iam.store import tenants as store
from aifactory.domains.iam.views import MemberView
from aifactory.events.iam import MemberAdded, MemberInvited, MemberRemoved
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, forbidden, invalid, not_found
from aifactory.kernel.pagination import Page

INVITED_DAYS = 30
MOST_INVITED = 500  # open ones of a tenant


async def list_members(tx: Tx, page: Page, project_id: str | None) -> list[MemberView]:
    """One more than the page holds, newest first: one row for each role of each person, invited ones among them."""
    await require(tx, "member.read", project_id)
    return await store.members(tx, page, project_id)


async def add(tx: Tx, email: str, role: str, project_id: str | None) -> MemberView:
    """Gives a role: at once to somebody who belongs to the tenant, else by an invitation that is taken up with the next
    sign-in under that address. Whether anybody has it is not told. Giving the same role twice is the same as once."""
    await require(tx, "member.manage", project_id)
    _check_role(tx, role, project_id)
    address = email.lower()
    user_id = await store.known_person(tx, address)
    if user_id is not None:
        return await _give(tx, user_id, role, project_id)
    return await _invite(tx, address, role, project_id)


async def _give(tx: Tx, user_id: str, role: str, project_id: str | None) -> MemberView:
    fresh = await store.insert_relation(tx, user_id, role, project_id, tx.principal.id)
    member = await store.member_with(tx, user_id, role, project_id)
    if member is None:
        raise not_found("member", user_id)
    if fresh:
        await _tell_added(tx, member.id, user_id, role, project_id)
    return member


async def _invite(tx: Tx, address: str, role: str, project_id: str | None) -> MemberView:
    if await invitations.count(tx) >= MOST_INVITED:
        todo = "Remove invitations that nobody takes up."
        raise conflict("too_many_invitations", f"A tenant has at most {MOST_INVITED} open invitations.", todo)
    invited = await invitations.invite(tx, address, role, project_id, INVITED_DAYS)
    if invited.fresh:
        details = {"email": address, "role": role}
        await tx.audit("member.invite", invited.id, project_id=project_id, details=details)
        await tx.emit(MemberInvited(tx.tenant_id or "", invited.id, role, _object(tx, project_id)), invited.id, 1)
    member = await store.member(tx, invited.id)
    assert member is not None, "it was written by this transaction"
    return member


async def take_up(tx: Tx, user_id: str, email: str) -> None:
    """All invitations of somebody who just signed in; `email`: as their identity provider vouches for it now. Worker
    transaction; it acts in another tenant afterwards."""
    for waiting in await invitations.waiting_for(tx, email) if email else []:
        await tx.set_tenant(waiting.tenant_id)
        await invitations.accept(tx, waiting.id)
        if await store.insert_relation(tx, user_id, waiting.role, waiting.project_id, waiting.created_by, waiting.id):
            await _tell_added(tx, waiting.id, user_id, waiting.role, waiting.project_id)


async def _tell_added(tx: Tx, member_id: str, user_id: str, role: str, project_id: str | None) -> None:
    details = {"user_id": user_id, "role": role}
    await tx.audit("member.add", member_id, project_id=project_id, details=details)
    await tx.emit(MemberAdded(tx.tenant_id or "", user_id, role, _object(tx, project_id)), member_id, 2)


def _object(tx: Tx, project_id: str | None) -> str:
    return f"project:{project_id}" if project_id else f"tenant:{tx.tenant_id}"


async def show(tx: Tx, member_id: str) -> MemberView:
    member = await store.member(tx, member_id)
    if member is None:
        raise not_found("member", member_id)
    await require(tx, "member.read", member.project_id)
    return member


async def remove(tx: Tx, member_id: str) -> None:
    """Takes one role away, effective with the next request. The last tenant admin stays: 409 `last_admin`."""
    member = await store.member(tx, member_id)
    if member is None:
        raise not_found("member", member_id)
    await require(tx, "member.manage", member.project_id)
    _check_role(tx, member.role, member.project_id)
    if member.state == "invited":
        await invitations.remove(tx, member_id)
        details = {"email": member.email, "role": member.role}
        await tx.audit("member.uninvite", member_id, project_id=member.project_id, details=details)
        return
    if member.role == "tenant_admin" and await store.lock_admins(tx) <= 1:
        raise conflict("last_admin", "A tenant keeps at least one admin.", "Make somebody else tenant_admin first.")
    await store.remove_relation(tx, member_id)
    details = {"user_id": member.user_id, "role": member.role}
    await tx.audit("member.remove", member_id, project_id=member.project_id, details=details)
    await tx.emit(MemberRemoved(member.tenant_id, member.user_id, member.role, member.object), member_id, 3)


def _check_role(tx: Tx, role: str, project_id: str | None) -> None:
    known = PROJECT_ROLES if project_id else TENANT_ROLES
    if role not in known:
        raise invalid("role", f"Roles here are {', '.join(known)}.")
    target = Target(tx.tenant_id, project_id)
    for permission in sorted(ROLES[role]):
        decision = check(tx.principal, permission, target)
        if not decision.allowed:
            because = f"{role} includes {permission}, and {decision.because}"
            raise forbidden("member.manage", because)
