"""/api/v3/admin/nodes, /admin/slots and /admin/bootstrap-tokens: the fleet, for operators."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.provisioning import facade, maintenance
from aifactory.domains.provisioning.facade import NodeFilter
from aifactory.domains.provisioning.fleet_views import NodeDetail, NodeList, NodeTransition, SlotDetail, SlotList
from aifactory.kernel.instant import Instant
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import IfMatch, OperatorTx, Routes, etag_of

nodes_router = Routes("provisioning", "/admin/nodes")
slots_router = Routes("provisioning", "/admin/slots")
tokens_router = Routes("provisioning", "/admin/bootstrap-tokens")
Id = Annotated[str, Path(max_length=81)]
NodeState = Literal["ready", "unreachable", "retired", "draining", "emptying", "maintenance", "returning"]
SlotState = Literal["dirty", "sanitizing", "available", "occupied", "quarantined"]


class Sanitize(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500, description="Why another cleaning will do better; audited.")


class Drain(BaseModel):
    model_config = ConfigDict(extra="forbid")

    deadline_at: Instant = Field(description="What is left on the node then is released. At most 30 days ahead.")
    reason: str = Field(min_length=3, max_length=300, description="Tenants on the node read it; audited.")


class Resume(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=300, description="What was done; audited.")


class NodeTransitions(BaseModel):
    items: list[NodeTransition]
    next_cursor: str | None = None


class BootstrapTokenCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    node_name: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    region_id: str = Field("local", min_length=1, max_length=63)
    life_seconds: int = Field(900, strict=True, ge=60, le=86_400)


class BootstrapTokenView(BaseModel):
    """`token` is shown this once."""

    id: str
    token: str | None
    node_name: str
    region_id: str
    expires_at: datetime


@nodes_router.get("", permission="platform.node.read", platform_data=True, response_model=NodeList)
async def list_nodes(
    tx: OperatorTx,
    page: PageQuery,
    state: NodeState | None = None,
    region: Annotated[str | None, Query(max_length=63)] = None,
    silicon: Annotated[str | None, Query(max_length=128, description="An accelerator's model, or cpu.")] = None,
    simulated: bool | None = None,
) -> Response:
    """Every node with its slots counted, newest first."""
    return _json(await facade.list_nodes(tx, page, NodeFilter(state, region, silicon, simulated)))


@nodes_router.get("/{node_id}", permission="platform.node.read", platform_data=True, response_model=NodeDetail)
async def show_node(node_id: Id, tx: OperatorTx) -> Response:
    """A node with its fifty latest tasks."""
    return _node(await facade.show_node(tx, node_id))


@nodes_router.post("/{node_id}/drain", permission="platform.node.drain", status_code=202, response_model=NodeDetail)
async def drain_node(node_id: Id, body: Drain, tx: OperatorTx, if_match: IfMatch) -> Response:
    """Takes it out of service: nothing new now, what is left at the deadline is released, then maintenance."""
    await maintenance.drain(tx, node_id, body.deadline_at, body.reason, if_match)
    return _node(await facade.show_node(tx, node_id), 202)


@nodes_router.post("/{node_id}/resume", permission="platform.node.drain", status_code=202, response_model=NodeDetail)
async def resume_node(node_id: Id, body: Resume, tx: OperatorTx, if_match: IfMatch) -> Response:
    """Takes it back into service, once its slots are clean."""
    await maintenance.resume(tx, node_id, body.reason, if_match)
    return _node(await facade.show_node(tx, node_id), 202)


@nodes_router.get("/{node_id}/events", permission="platform.node.read", platform_data=True)
async def node_events(node_id: Id, tx: OperatorTx) -> NodeTransitions:
    """Every transition of its health and of its service: who, why, how long."""
    return NodeTransitions(items=await maintenance.events(tx, node_id))


@slots_router.get("", permission="platform.node.read", platform_data=True, response_model=SlotList)
async def list_slots(
    tx: OperatorTx,
    page: PageQuery,
    node_id: Annotated[str | None, Query(max_length=81)] = None,
    state: SlotState | None = None,
) -> Response:
    return _json(await facade.list_slots(tx, page, node_id, state))


@slots_router.get("/{slot_id}", permission="platform.node.read", platform_data=True, response_model=SlotDetail)
async def show_slot(slot_id: Id, tx: OperatorTx) -> Response:
    """A slot with the latest evidence of its cleaning."""
    return _json(await facade.show_slot(tx, slot_id))


@slots_router.post(
    "/{slot_id}/sanitize", permission="platform.slot.sanitize", status_code=202, response_model=SlotDetail
)
async def sanitize_slot(slot_id: Id, body: Sanitize, tx: OperatorTx) -> Response:
    """Has a quarantined slot cleaned again."""
    return _json(await facade.sanitize_slot(tx, slot_id, body.reason), 202)


@tokens_router.post("", permission="platform.node.enrol", status_code=201, secret_fields=("token",))
async def create_bootstrap_token(body: BootstrapTokenCreate, tx: OperatorTx) -> BootstrapTokenView:
    """A token with which one machine may become a node, once."""
    made = await facade.create_bootstrap_token(tx, body.node_name, body.region_id, body.life_seconds)
    return BootstrapTokenView(**vars(made))


class _Versioned(msgspec.Struct):
    generation: int


def _node(body: bytes, status: int = 200) -> Response:
    """With the ETag that a drain sends back."""
    answer = _json(body, status)
    answer.headers["ETag"] = etag_of(msgspec.json.decode(body, type=_Versioned).generation)
    return answer


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
