"""Projects: what a tenant divides its work, members and quotas by. Each tenant has a default one, which stays."""

import re

from aifactory.domains.iam import quotas
from aifactory.domains.iam.permission_gate import require, visible_projects
from aifactory.domains.iam.store import invitations
from aifactory.domains.iam.store import quotas as quota_store
from aifactory.domains.iam.store import tenants as store
from aifactory.domains.iam.views import ProjectView
from aifactory.events.iam import ProjectCreated, ProjectDeleted
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, invalid, not_found
from aifactory.kernel.pagination import Page
from aifactory.kernel.routes import check_etag

DEFAULT_NAME = "default"
MOST = 100  # of a tenant, whose quota they share
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


async def create(tx: Tx, name: str, labels: dict[str, str] | None = None, *, is_default: bool = False) -> ProjectView:
    """A project with the default quotas. 409 `project_name_taken`, `too_many_projects`."""
    if not _NAME.fullmatch(name):
        raise invalid("name", "A project's name is 1 to 63 lower-case letters, digits and inner hyphens.")
    if await store.count_projects(tx) >= MOST:
        raise conflict("too_many_projects", f"A tenant has at most {MOST} projects.", "Delete one that is not used.")
    project_id = tx.ids.new("prj")
    if not await store.insert_project(tx, project_id, name, is_default=is_default, labels=labels or {}):
        raise _taken(name)
    await quotas.set_defaults(tx, project_id)
    await tx.audit("project.create", project_id, project_id=project_id, details={"name": name})
    await tx.emit(ProjectCreated(project_id, tx.tenant_id or "", name), project_id, 1)
    return await show(tx, project_id)


async def show(tx: Tx, project_id: str) -> ProjectView:
    project = await store.project(tx, project_id)
    if project is None or not _visible(tx, project_id):
        raise not_found("project", project_id)
    return project


async def default_project(tx: Tx) -> ProjectView:
    """Where things go that name no project."""
    project = await store.default_project(tx)
    if project is None:
        raise not_found("project", DEFAULT_NAME)
    return project


async def list_projects(tx: Tx, page: Page) -> list[ProjectView]:
    """One more than the page holds, newest first; only projects the caller has a role in."""
    return await store.projects(tx, page, visible_projects(tx, "project.read"))


async def edit(tx: Tx, project_id: str, name: str, labels: dict[str, str], if_match: str | None) -> ProjectView:
    await require(tx, "project.edit", project_id)
    project = await _locked(tx, project_id)
    check_etag(if_match, project.generation)
    if not _NAME.fullmatch(name):
        raise invalid("name", "A project's name is 1 to 63 lower-case letters, digits and inner hyphens.")
    if await store.name_taken(tx, name, project_id):
        raise _taken(name)
    await store.rename_project(tx, project_id, name, labels)
    await tx.audit("project.edit", project_id, project_id=project_id, details={"name": name, "was": project.name})
    return await show(tx, project_id)


async def delete(tx: Tx, project_id: str, if_match: str | None) -> None:
    """Leaves a tombstone. 409 while anything in it holds quota, and for the default project."""
    await require(tx, "project.delete", project_id)
    project = await _locked(tx, project_id)
    if if_match is not None:
        check_etag(if_match, project.generation)
    if project.is_default:
        raise conflict("default_project", "The default project stays.", "Delete what is in it instead.")
    held = {
        quota.resource: quota.used for quota in (await quota_store.lock(tx, project_id)).project.values() if quota.used
    }
    if held:
        listed = ", ".join(f"{amount} {resource}" for resource, amount in held.items())
        todo = "Release its allocations and delete its volumes and buckets first."
        raise conflict("project_in_use", f"The project still holds {listed}.", todo, in_use=held)
    await store.delete_project(tx, project_id)
    await invitations.remove_of_project(tx, project_id)
    await tx.audit("project.delete", project_id, project_id=project_id, details={"name": project.name})
    await tx.emit(ProjectDeleted(project_id, tx.tenant_id or ""), project_id, project.generation + 1)


async def _locked(tx: Tx, project_id: str) -> ProjectView:
    project = await store.project(tx, project_id, lock=True)
    if project is None:
        raise not_found("project", project_id)
    return project


def _visible(tx: Tx, project_id: str) -> bool:
    if tx.principal.kind not in ("user", "api_key"):
        return True
    visible = visible_projects(tx, "project.read")
    return visible is None or project_id in visible


def _taken(name: str) -> Problem:
    return conflict("project_name_taken", f"There is a project called {name} already.", "Choose another name.")
