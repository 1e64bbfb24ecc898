"""/api/v3/networks."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import NetworkList, NetworkView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("storage_network", "/networks")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]


class NetworkCreate(BaseModel):
    """A network of a project."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=63, description="Unique in the project; lowercase, digits, hyphens.")
    region_id: str = Field("local", min_length=1, max_length=63)
    project_id: str | None = Field(None, max_length=81, description="The tenant's default project when left out.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


@router.get("", permission="network.read")
async def list_networks(
    tx: TenantTx, page: PageQuery, project_id: Annotated[str | None, Query(max_length=81)] = None
) -> NetworkList:
    """Networks that are not deleted, newest first."""
    return await facade.list_networks(tx, page, project_id)


@router.post("", permission="network.create", status_code=201)
async def create_network(body: NetworkCreate, tx: TenantTx) -> NetworkView:
    """409 `network_name_taken` when the project has one of this name."""
    return await facade.create_network(tx, body.name, body.region_id, body.project_id, body.labels)


@router.get("/{network_id}", permission="network.read")
async def show_network(network_id: PathId, tx: TenantTx, response: Response) -> NetworkView:
    view = await facade.network(tx, network_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{network_id}", permission="network.delete", status_code=204)
async def delete_network(network_id: PathId, tx: TenantTx) -> None:
    """It is shown no more, and its name is free again."""
    await facade.delete_network(tx, network_id)
