"""Asks for a permission inside a transaction, and explains the answer with its evidence."""

from dataclasses import dataclass
from typing import Any

from aifactory.domains.iam.authorization import PLATFORM, Decision, Target, check, holds_somewhere, projects_with
from aifactory.domains.iam.roles import PLATFORM_PREFIX, ROLES
from aifactory.domains.iam.store import tenants
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import forbidden, not_found
from aifactory.kernel.principal import Principal


@dataclass(frozen=True)
class Explanation:
    """A decision with everything it was taken from: the caller's grants, and which of them hold the permission."""

    permission: str
    object: str
    allowed: bool
    because: str
    evidence: list[dict[str, Any]]


async def require(tx: Tx, permission: str, project_id: str | None = None) -> Decision:
    """Raises Problem 403 with the reason, or 404 for a project that the tenant does not have.

    Our own services (flows, consumers) act for the platform in the tenant whose work they continue: they are allowed,
    but only in a worker transaction, which no request from outside can open.
    """
    if tx.principal.kind == "service" and tx.role == "worker":
        return Decision(True, f"{tx.principal.name} is a service of the platform")
    decision = check(tx.principal, permission, _target(tx.principal, permission, project_id))
    if not decision.allowed:
        raise forbidden(permission, decision.because, decision.code)
    if project_id is not None and not permission.endswith(".read") and await tenants.project(tx, project_id) is None:
        raise not_found("project", project_id)
    return decision


def visible_projects(tx: Tx, permission: str) -> list[str] | None:
    """For filtering lists: the projects in which the caller has the permission; None means all of the tenant."""
    return projects_with(tx.principal, permission)


async def explain(tx: Tx, permission: str, project_id: str | None) -> Explanation:
    """Why the caller may or may not. About the caller itself only; a foreign project is one that is not there."""
    who = tx.principal
    if project_id is not None and await tenants.project(tx, project_id) is None:
        because = f"there is no project {project_id} that {who.kind} {who.name} can see"
        return Explanation(permission, f"project {project_id}", False, because, [])
    target = _target(who, permission, project_id)
    decision = check(who, permission, target)
    if not decision.allowed and project_id is None and target is not PLATFORM:
        somewhere = holds_somewhere(who, permission)
        decision = somewhere if somewhere.allowed else decision
    evidence = [
        {
            "role": grant.role,
            "object": grant.object,
            "grants_permission": permission in ROLES.get(grant.role, ()),
            "used": grant == decision.grant,
        }
        for grant in who.grants
    ]
    if who.scopes:
        evidence.append({"scopes": list(who.scopes)})
    return Explanation(permission, str(target), decision.allowed, decision.because, evidence)


def _target(who: Principal, permission: str, project_id: str | None) -> Target:
    if permission.startswith(PLATFORM_PREFIX) or who.tenant_id is None:
        return PLATFORM
    return Target(who.tenant_id, project_id)
