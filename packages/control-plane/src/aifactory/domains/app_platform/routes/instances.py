"""/api/v3/instances."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from aifactory.domains.app_platform import facade
from aifactory.domains.app_platform.facade import (
    InstanceFilter,
    InstanceTransition,
    InstanceView,
    LogsView,
    OpenView,
    Wanted,
)
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("app_platform", "/instances")
Value = StrictBool | StrictInt | Annotated[StrictStr, Field(max_length=16_384)]


class InstanceCreate(BaseModel):
    """An app to be run inside an active allocation."""

    model_config = ConfigDict(extra="forbid")

    app: str = Field(min_length=1, max_length=64)
    version: str | None = Field(None, max_length=32, description="The newest when left out.")
    allocation_id: str = Field(min_length=1, max_length=81)
    name: str | None = Field(None, min_length=1, max_length=63, description="Lowercase, digits, hyphens.")
    parameters: dict[str, Value] = Field(default_factory=dict, max_length=64, description="As the app's schema says.")
    autostop_minutes: int | None = Field(
        None,
        ge=1,
        le=10_080,
        strict=True,
        description="Web apps: stop after so long without use. The app's own when left out.",
    )
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)


class InstanceStop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=300)


class InstancePage(BaseModel):
    items: list[InstanceView]
    next_cursor: str | None


class InstanceEvents(BaseModel):
    items: list[InstanceTransition]
    next_cursor: str | None = None


@router.post("", permission="instance.create", status_code=202)
async def create_instance(body: InstanceCreate, tx: TenantTx) -> InstanceView:
    """Records the launch; the allocation's node starts the app."""
    return await facade.create(tx, Wanted(**body.model_dump()))


@router.get("", permission="instance.read", response_model=InstancePage)
async def list_instances(
    tx: TenantTx,
    page: PageQuery,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
    allocation_id: Annotated[str | None, Query(max_length=81)] = None,
    app: Annotated[str | None, Query(max_length=64)] = None,
    name: Annotated[str | None, Query(max_length=63)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """Instances, newest first; also those that have ended."""
    only = InstanceFilter(project_id, allocation_id, app, name, state)
    return Response(await facade.list_instances(tx, page, only), media_type="application/json")


@router.get("/{instance_id}", permission="instance.read")
async def show_instance(instance_id: str, tx: TenantTx, response: Response) -> InstanceView:
    view = await facade.show(tx, instance_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.get("/{instance_id}/logs", permission="instance.read")
async def show_instance_logs(
    instance_id: str, tx: TenantTx, since: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> LogsView:
    """What it printed from byte `since` on, at most the last MiB."""
    return await facade.logs(tx, instance_id, since)


@router.get("/{instance_id}/events", permission="instance.read")
async def list_instance_events(instance_id: str, tx: TenantTx) -> InstanceEvents:
    """Every transition: who, why, how long."""
    return InstanceEvents(items=await facade.events(tx, instance_id))


@router.post("/{instance_id}/stop", permission="instance.stop", status_code=202)
async def stop_instance(instance_id: str, body: InstanceStop, tx: TenantTx) -> InstanceView:
    """Ends the app and everything it started; its logs and exit code stay."""
    return await facade.stop(tx, instance_id, body.reason)


@router.post("/{instance_id}/open", permission="instance.open", secret_fields=("url",))
async def open_instance(instance_id: str, tx: TenantTx) -> OpenView:
    """An address that lets this person's browser into the web app: once, within a minute."""
    return await facade.open_in_browser(tx, instance_id)
