"""/api/v3/admin/upstreams: the model servers behind the gateways."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.app_platform.inference import upstreams
from aifactory.domains.app_platform.inference.upstreams import NewUpstream, UpstreamList, UpstreamView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("app_platform", "/admin/upstreams")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]


class UpstreamCreate(BaseModel):
    """A server that speaks OpenAI's protocol, as gateways reach it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    region_id: str = Field("local", min_length=1, max_length=63, pattern=NO_NUL)
    url: str = Field(min_length=8, max_length=500, pattern=NO_NUL, description="Up to /v1, where it has that.")
    usage_path: str = Field(
        "", max_length=200, pattern=NO_NUL, description="Where it tells what it counted for {request_id}."
    )
    max_requests: int = Field(1_000, strict=True, ge=1, le=100_000, description="At once, from one gateway.")
    connect_seconds: float = Field(3.0, gt=0, le=60, allow_inf_nan=False)
    first_byte_seconds: float = Field(120.0, gt=0, le=3_600, allow_inf_nan=False)
    between_bytes_seconds: float = Field(60.0, gt=0, le=3_600, allow_inf_nan=False)


@router.get("", permission="platform.inference.read", platform_data=True)
async def list_upstreams(tx: OperatorTx, page: PageQuery) -> UpstreamList:
    """Newest first, each with the offered models that it serves."""
    return await upstreams.list_upstreams(tx, page)


@router.post("", permission="platform.inference.write", status_code=201)
async def create_upstream(body: UpstreamCreate, tx: OperatorTx) -> UpstreamView:
    """From the next snapshot on gateways carry requests to it, once a model routes to it."""
    return await upstreams.create(tx, NewUpstream(**body.model_dump()))


@router.get("/{upstream_id}", permission="platform.inference.read", platform_data=True)
async def show_upstream(upstream_id: PathId, tx: OperatorTx) -> UpstreamView:
    return await upstreams.show(tx, upstream_id)


@router.delete("/{upstream_id}", permission="platform.inference.write", status_code=204)
async def delete_upstream(upstream_id: PathId, tx: OperatorTx) -> None:
    """Refused while an offered model routes to it."""
    await upstreams.delete(tx, upstream_id)
