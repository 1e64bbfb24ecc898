"""/api/v3/published-ports."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import PublishedPortList, PublishedPortView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("storage_network", "/published-ports")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]


class PublishedPortCreate(BaseModel):
    """A port of a sandbox, opened to anybody."""

    model_config = ConfigDict(extra="forbid")

    allocation_id: str = Field(min_length=3, max_length=81, pattern=NO_NUL, description="One that runs in a network.")
    port: int = Field(strict=True, ge=1, le=65_535, description="The TCP port on which the sandbox listens.")
    name: str | None = Field(None, min_length=1, max_length=63, description="Unique in the project.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


@router.get("", permission="published_port.read")
async def list_published_ports(
    tx: TenantTx,
    page: PageQuery,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
    allocation_id: Annotated[str | None, Query(max_length=81)] = None,
) -> PublishedPortList:
    """Published ports that are not deleted, newest first."""
    return await facade.list_published_ports(tx, page, project_id, allocation_id)


@router.post("", permission="published_port.create", status_code=201)
async def create_published_port(body: PublishedPortCreate, tx: TenantTx) -> PublishedPortView:
    """It is open once its node says so; it ends with its allocation."""
    return await facade.create_published_port(tx, body.allocation_id, body.port, body.name, body.labels)


@router.get("/{published_port_id}", permission="published_port.read")
async def show_published_port(published_port_id: PathId, tx: TenantTx, response: Response) -> PublishedPortView:
    view = await facade.published_port(tx, published_port_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{published_port_id}", permission="published_port.delete", status_code=204)
async def delete_published_port(published_port_id: PathId, tx: TenantTx) -> None:
    """Nobody reaches it any more; connections that it carried end."""
    await facade.delete_published_port(tx, published_port_id)
