"""/api/v3/members: who holds which role."""

from typing import Any

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import MemberView
from aifactory.domains.iam.schemas import MemberCreate, MemberPage, PathId, ProjectFilter
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("iam", "/members")


@router.get("", permission="member.read", response_model=MemberPage)
async def list_members(tx: TenantTx, page: PageQuery, project_id: ProjectFilter = None) -> dict[str, Any]:
    """One item for each role of each person, newest first; `project_id` shows those of one project only."""
    members = await facade.list_members(tx, page, project_id)
    return page_of(members, page, lambda member: (member.created_at, member.id))


@router.post("", permission="member.manage", status_code=201)
async def add_member(body: MemberCreate, tx: TenantTx) -> MemberView:
    """Gives a role: at once to somebody of the tenant; anybody else is invited, and a member from their next sign-in
    under that address on. Known and unknown addresses are answered alike."""
    return await facade.add_member(tx, body.email, body.role, body.project_id)


@router.get("/{member_id}", permission="member.read")
async def show_member(member_id: PathId, tx: TenantTx) -> MemberView:
    return await facade.member(tx, member_id)


@router.delete("/{member_id}", permission="member.manage", status_code=204)
async def remove_member(member_id: PathId, tx: TenantTx) -> None:
    """Takes the role away, effective with the person's next request."""
    await facade.remove_member(tx, member_id)
