"""Who may do what on which object, and the sentence that says why. Pure and fast: a few dictionary look-ups.

The model is relationships: a principal's grants are (role, object) tuples, an object lies inside its tenant, and a
role on the outer object reaches the inner one. OpenFGA can serve the same tuples.
"""

from dataclasses import dataclass

from aifactory.domains.iam.roles import HOLDERS, NEVER_BY_KEY, PLATFORM_PREFIX, allowed_while_suspended, scope_allows
from aifactory.kernel.principal import Grant, Principal


@dataclass(frozen=True, slots=True)
class Target:
    """What is acted on: a project of a tenant, a whole tenant, or (both None) the platform."""

    tenant_id: str | None = None
    project_id: str | None = None

    def __post_init__(self) -> None:
        if self.project_id is not None and self.tenant_id is None:
            raise ValueError("a project lies in a tenant: name it too")

    def __str__(self) -> str:
        if self.tenant_id is None:
            return "the platform"
        return (
            f"project {self.project_id} in tenant {self.tenant_id}" if self.project_id else f"tenant {self.tenant_id}"
        )


PLATFORM = Target()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and its evidence. `grant` is the tuple that allowed it, None when it was refused."""

    allowed: bool
    because: str
    grant: Grant | None = None
    code: str = "forbidden"  # of the refusal


def check(principal: Principal, permission: str, target: Target) -> Decision:
    """Allowed only if one of the principal's grants says so; everything unknown is refused."""
    holders = HOLDERS.get(permission)
    if holders is None:
        return Decision(False, f"no rule knows the permission {permission}")
    refusal = _outside(principal, permission, target)
    if refusal:
        return Decision(False, refusal)
    tenant_id, project_id = target.tenant_id, target.project_id
    outer = "platform" if tenant_id is None else "tenant:" + tenant_id
    inner = outer if project_id is None else "project:" + project_id
    for grant in principal.grants:
        if grant.role in holders and (grant.object == inner or grant.object == outer):
            if principal.suspended and not allowed_while_suspended(permission):
                return _suspended(principal)
            return Decision(True, _because(principal, grant, tenant_id), grant)
    return Decision(False, _lacking(principal, permission, f"on {target}"))


def holds_somewhere(principal: Principal, permission: str) -> Decision:
    """May this principal use the permission on its tenant or on any project of it (platform permissions: on the
    platform)? What the edge asks before a route runs; the exact object is checked inside."""
    holders = HOLDERS.get(permission)
    if holders is None:
        return Decision(False, f"no rule knows the permission {permission}")
    on_platform = permission.startswith(PLATFORM_PREFIX)
    if not on_platform and principal.tenant_id is None:
        return Decision(False, f"{_who(principal)} acts in no tenant")
    refusal = _outside(principal, permission, PLATFORM if on_platform else Target(principal.tenant_id))
    if refusal:
        return Decision(False, refusal)
    for grant in principal.grants:
        if grant.role in holders and (grant.object == "platform") == on_platform:
            if principal.suspended and not allowed_while_suspended(permission):
                return _suspended(principal)
            return Decision(True, _because(principal, grant, principal.tenant_id), grant)
    return Decision(False, _lacking(principal, permission, "anywhere in its tenant"))


def projects_with(principal: Principal, permission: str) -> list[str] | None:
    """The projects in which the principal has the permission, for filtering lists; None means the whole tenant."""
    if principal.tenant_id is None:
        return []
    if check(principal, permission, Target(principal.tenant_id)).allowed:
        return None
    named = {grant.object.removeprefix("project:") for grant in principal.grants if grant.object.startswith("project:")}
    return sorted(p for p in named if check(principal, permission, Target(principal.tenant_id, p)).allowed)


def _outside(principal: Principal, permission: str, target: Target) -> str:
    """Reasons to refuse before any grant is looked at."""
    if permission.startswith(PLATFORM_PREFIX) != (target.tenant_id is None):
        return f"{permission} does not apply to {target}"
    if target.tenant_id is not None and target.tenant_id != principal.tenant_id:
        return f"{_who(principal)} does not act in {target}"
    if principal.kind == "user":
        return ""
    if principal.kind != "api_key":
        return f"{_who(principal)} is neither a user nor a key"
    if permission in NEVER_BY_KEY:
        return f"{_who(principal)} is a key, and keys make no keys: a person who is signed in does"
    if target.tenant_id is None or not scope_allows(principal.scopes, permission):
        return f"the scopes of {_who(principal)} do not include {permission}"
    return ""


def _suspended(principal: Principal) -> Decision:
    """Only for who would be allowed otherwise."""
    return Decision(False, f"tenant {principal.tenant_id} is suspended", code="tenant_suspended")


def _because(principal: Principal, grant: Grant, tenant_id: str | None) -> str:
    kind, _, name = grant.object.partition(":")
    if kind == "project":
        return f"{_who(principal)} is {grant.role} of project {name} in tenant {tenant_id}"
    return f"{_who(principal)} is {grant.role} of {kind} {name}" if name else f"{_who(principal)} is {grant.role}"


def _lacking(principal: Principal, permission: str, where: str) -> str:
    roles = ", ".join(sorted(HOLDERS[permission]))
    return f"{_who(principal)} holds none of the roles {roles} {where}"


def _who(principal: Principal) -> str:
    if principal.kind == "api_key":
        return f"key {principal.id}"
    return f"{principal.kind} {principal.name or principal.id}"
