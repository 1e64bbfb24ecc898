"""Who a verified identity is: the person known by it, or a newcomer with a tenant of their own."""

from dataclasses import dataclass

from aifactory.domains.iam import projects
from aifactory.domains.iam.oidc import Claims
from aifactory.domains.iam.store import people, tenants
from aifactory.events.iam import TenantCreated
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem


@dataclass(frozen=True)
class Person:
    user_id: str
    first_time: bool


async def person_of(tx: Tx, issuer_name: str, claims: Claims) -> Person:
    """Known by (issuer, subject) only: an address may move between people, so it never signs anybody in.

    Raises Problem 401 for a disabled person, for an address that the issuer does not vouch for, and for one that
    somebody else has here.
    """
    known = await people.by_identity(tx, issuer_name, claims.subject)
    if known is None:
        return Person(await _take_in(tx, issuer_name, claims), first_time=True)
    if known.disabled:
        raise _refused("user_disabled", "This user has been disabled.", "Ask the operator.")
    await people.touch_identity(tx, issuer_name, claims.subject)
    return Person(known.user_id, first_time=False)


async def _take_in(tx: Tx, issuer_name: str, claims: Claims) -> str:
    if not claims.email:
        todo = "Verify your e-mail address with your identity provider, then sign in again."
        raise _refused("email_not_verified", "Your identity provider does not vouch for your e-mail address.", todo)
    user_id = tx.ids.new("usr")
    if not await people.insert_user(tx, user_id, claims.email, claims.name):
        todo = "Sign in the way you did before, or ask the operator to link the two identities."
        raise _refused("email_already_used", "Another identity uses this e-mail address here.", todo)
    await people.insert_identity(tx, issuer_name, claims.subject, user_id)
    await found_tenant(tx, tx.ids.new("tnt"), claims.name or claims.email.partition("@")[0], user_id)
    return user_id


async def found_tenant(tx: Tx, tenant_id: str, name: str, user_id: str) -> None:
    """A tenant with its default project and quotas, and its first admin. Worker transaction; it acts in it afterwards."""
    await tx.set_tenant(tenant_id)
    await tenants.insert_tenant(tx, tenant_id, name)
    project = await projects.create(tx, projects.DEFAULT_NAME, is_default=True)
    await tenants.insert_relation(tx, user_id, "tenant_admin", None, tx.principal.id)
    await tenants.insert_relation(tx, user_id, "project_admin", project.id, tx.principal.id)
    await tx.audit("tenant.create", tenant_id, details={"name": name, "user_id": user_id})
    await tx.emit(TenantCreated(tenant_id, name, user_id), tenant_id, 1)


def _refused(code: str, detail: str, todo: str) -> Problem:
    return Problem(401, code, "The sign-in was refused", detail, todo=todo)
