"""/api/v3/admin/gateways and /admin/gateway-tokens: the token gateways, for operators."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.app_platform.inference import gateways
from aifactory.domains.app_platform.inference.gateways import GatewayList, GatewayView, NewGatewayToken
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("app_platform", "/admin/gateways")
tokens_router = Routes("app_platform", "/admin/gateway-tokens")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]


class GatewayTokenCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gateway_name: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    region_id: str = Field("local", min_length=1, max_length=63, pattern=NO_NUL)
    life_seconds: int = Field(900, strict=True, ge=60, le=86_400)


class Retirement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500, pattern=NO_NUL, description="Why; kept in the audit log.")


@router.get("", permission="platform.inference.read", platform_data=True)
async def list_gateways(tx: OperatorTx, page: PageQuery) -> GatewayList:
    """Newest first, with when each was last heard of and whether it knows the newest snapshot."""
    return await gateways.list_gateways(tx, page)


@router.get("/{gateway_id}", permission="platform.inference.read", platform_data=True)
async def show_gateway(gateway_id: PathId, tx: OperatorTx) -> GatewayView:
    return await gateways.show(tx, gateway_id)


@router.post("/{gateway_id}/retire", permission="platform.inference.write")
async def retire_gateway(gateway_id: PathId, body: Retirement, tx: OperatorTx) -> GatewayView:
    """Refuses its certificates from now on. A new token brings it back."""
    return await gateways.retire(tx, gateway_id, body.reason)


@tokens_router.post("", permission="platform.inference.write", status_code=201, secret_fields=("token",))
async def create_gateway_token(body: GatewayTokenCreate, tx: OperatorTx) -> NewGatewayToken:
    """A token with which the gateway of that name may enrol, once. It is shown in this answer and nowhere else."""
    return await gateways.create_token(tx, body.gateway_name, body.region_id, body.life_seconds)
