"""/api/v3/projects."""

from typing import Any

from fastapi import Response

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import ProjectView
from aifactory.domains.iam.schemas import PathId, ProjectPage, ProjectWrite
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import IfMatch, IfMatchWhenSent, Routes, TenantTx, etag_of

router = Routes("iam", "/projects")


@router.get("", permission="project.read", response_model=ProjectPage)
async def list_projects(tx: TenantTx, page: PageQuery) -> dict[str, Any]:
    """The projects in which the caller has a role, newest first."""
    return page_of(await facade.list_projects(tx, page), page, lambda project: (project.created_at, project.id))


@router.post("", permission="project.create", status_code=201)
async def create_project(body: ProjectWrite, tx: TenantTx, response: Response) -> ProjectView:
    return _tagged(await facade.create_project(tx, body.name, body.labels), response)


@router.get("/{project_id}", permission="project.read")
async def show_project(project_id: PathId, tx: TenantTx, response: Response) -> ProjectView:
    return _tagged(await facade.project(tx, project_id), response)


@router.put("/{project_id}", permission="project.edit")
async def edit_project(
    project_id: PathId, body: ProjectWrite, tx: TenantTx, response: Response, if_match: IfMatch
) -> ProjectView:
    """Name and labels; needs If-Match."""
    return _tagged(await facade.edit_project(tx, project_id, body.name, body.labels, if_match), response)


@router.delete("/{project_id}", permission="project.delete", status_code=204)
async def delete_project(project_id: PathId, tx: TenantTx, if_match: IfMatchWhenSent) -> None:
    """Refused with 409 while anything in the project holds quota. If-Match is honoured when it is sent."""
    await facade.delete_project(tx, project_id, if_match)


def _tagged(project: ProjectView, response: Response) -> ProjectView:
    response.headers["ETag"] = etag_of(project.generation)
    return project
