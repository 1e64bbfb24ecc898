"""/api/v3/allocations."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.provisioning import facade
from aifactory.domains.provisioning.facade import (
    AllocationFilter,
    AllocationView,
    Launch,
    TransitionView,
    WantedVolume,
)
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("provisioning", "/allocations")
Id = Annotated[str, Field(min_length=3, max_length=81)]
AllocationId = Annotated[str, Path(max_length=81)]
Label = Annotated[str, Field(max_length=63)]
StateName = Literal[
    "requested",
    "placing",
    "preparing",
    "starting",
    "verifying",
    "active",
    "releasing",
    "stopping",
    "settling",
    "released",
    "refused",
    "failed",
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VolumeMountCreate(Strict):
    """An existing volume by id, or a new one by name and size."""

    id: Id | None = None
    name: str | None = Field(None, min_length=1, max_length=63)
    size_gb: int | None = Field(None, strict=True, ge=1, le=16384)
    mount_path: str | None = Field(None, min_length=2, max_length=256, description="Default: /volumes/<name>.")


class AllocationCreate(Strict):
    """What to run where. Access is by SSH, so at least one key is needed."""

    sku: str = Field(min_length=1, max_length=63)
    name: str | None = Field(None, min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    project_id: Id | None = Field(None, description="The tenant's default project when left out.")
    region_id: str = Field("local", min_length=1, max_length=63)
    count: int = Field(1, strict=True, ge=1, le=8, description="Only 1 in this release.")
    image: str | None = Field(None, min_length=1, max_length=255)
    mode: str = Field("on-demand", min_length=1, max_length=20, description="Only on-demand in this release.")
    ssh_key_ids: list[Id] = Field(default_factory=list, max_length=32)
    ssh_public_key: str | None = Field(None, min_length=16, max_length=4096, description="Kept as a key of the tenant.")
    ssh_key_name: str | None = Field(None, min_length=1, max_length=63)
    volumes: list[VolumeMountCreate] = Field(default_factory=list, max_length=16)
    labels: dict[Label, Label] = Field(default_factory=dict, max_length=32)
    quote_id: str | None = Field(None, min_length=3, max_length=200)
    network_id: Id | None = Field(None, description="In none: nothing reaches it but ssh, and it reaches nothing.")
    security_group_ids: list[Id] = Field(default_factory=list, max_length=8, description="What passes; none: nothing.")

    def launch(self) -> Launch:
        plain = self.model_dump(exclude={"volumes", "ssh_key_ids", "security_group_ids"})
        volumes = tuple(WantedVolume(**volume.model_dump()) for volume in self.volumes)
        groups = tuple(self.security_group_ids)
        return Launch(**plain, volumes=volumes, ssh_key_ids=tuple(self.ssh_key_ids), security_group_ids=groups)


class Release(Strict):
    reason: str = Field("", max_length=500)


class AllocationPage(BaseModel):
    items: list[AllocationView]
    next_cursor: str | None


class TransitionPage(BaseModel):
    items: list[TransitionView]
    next_cursor: str | None = None


@router.post("", permission="allocation.create", status_code=202)
async def create_allocation(body: AllocationCreate, tx: TenantTx) -> AllocationView:
    """Accepts a launch and answers at once; watch its state, or its events."""
    return await facade.create(tx, body.launch())


@router.get("", permission="allocation.read", response_model=AllocationPage)
async def list_allocations(
    tx: TenantTx,
    page: PageQuery,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
    state: StateName | None = None,
    name: Annotated[str | None, Query(max_length=63)] = None,
) -> Response:
    """Newest first, also those that have ended."""
    only = AllocationFilter(project_id, state, name)
    return Response(await facade.list_allocations(tx, page, only), media_type="application/json")


@router.get("/{allocation_id}", permission="allocation.read")
async def show_allocation(allocation_id: AllocationId, tx: TenantTx, response: Response) -> AllocationView:
    view = await facade.show(tx, allocation_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.post("/{allocation_id}/release", permission="allocation.release", status_code=202)
async def release_allocation(allocation_id: AllocationId, tx: TenantTx, body: Release | None = None) -> AllocationView:
    """Ends it: costs and access end now, cleaning up follows."""
    return await facade.release(tx, allocation_id, body.reason if body else "")


@router.get("/{allocation_id}/events", permission="allocation.read")
async def allocation_events(allocation_id: AllocationId, tx: TenantTx) -> TransitionPage:
    """Every transition: who, why, how long."""
    return TransitionPage(items=await facade.events(tx, allocation_id))
