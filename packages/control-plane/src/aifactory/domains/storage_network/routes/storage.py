"""/api/v3/volumes."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import VolumeFilter, VolumeView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("storage_network", "/volumes")


class VolumeCreate(BaseModel):
    """A volume of its own, to be named by a launch later."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=63, description="Unique in the project; lowercase, digits, hyphens.")
    size_gb: int = Field(strict=True, description="Gigabytes (10**9 bytes).")
    region_id: str = Field("local", min_length=1, max_length=63)
    project_id: str | None = Field(None, max_length=81, description="The tenant's default project when left out.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


class VolumePage(BaseModel):
    items: list[VolumeView]
    next_cursor: str | None


@router.get("", permission="volume.read", response_model=VolumePage)
async def list_volumes(
    tx: TenantTx,
    page: PageQuery,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
    name: Annotated[str | None, Query(max_length=63)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """Volumes that are not deleted, newest first."""
    only = VolumeFilter(project_id, name, state)
    return Response(await facade.list_volumes(tx, page, only), media_type="application/json")


@router.post("", permission="volume.create", status_code=202)
async def create_volume(body: VolumeCreate, tx: TenantTx) -> VolumeView:
    """Records the volume; its space is taken on a node when the first allocation attaches it."""
    return await facade.create(tx, body.name, body.size_gb, body.region_id, body.project_id, body.labels)


@router.get("/{volume_id}", permission="volume.read")
async def show_volume(volume_id: str, tx: TenantTx, response: Response) -> VolumeView:
    view = await facade.show(tx, volume_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{volume_id}", permission="volume.delete", status_code=202)
async def delete_volume(volume_id: str, tx: TenantTx) -> VolumeView:
    """Erases the volume on its node; refused while an allocation holds it."""
    return await facade.delete(tx, volume_id)
