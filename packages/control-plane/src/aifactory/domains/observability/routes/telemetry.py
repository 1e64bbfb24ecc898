"""/api/v3/telemetry, and /internal/v3/telemetry on the agents' listener."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response

from aifactory.domains.observability import facade
from aifactory.domains.provisioning import facade as provisioning
from aifactory.kernel.errors import invalid
from aifactory.kernel.instant import Instant
from aifactory.kernel.routes import AGENT, Routes, TenantTx
from aifactory_protocol import TelemetryBatch

router = Routes("observability", "/telemetry")
agent_router = Routes("observability", "/telemetry", agent=True)
Id = Annotated[str | None, Query(max_length=81)]


@dataclass(frozen=True)
class PointView:
    """The mean of one step that begins at `at`."""

    at: datetime
    value: float


@dataclass(frozen=True)
class SeriesView:
    """One metric of one device; `unit` is UCUM, as OpenTelemetry uses it."""

    name: str
    device: str
    unit: str
    points: list[PointView]


@dataclass(frozen=True)
class TelemetryView:
    """What was measured on an allocation or a node. Empty `series`: nothing has arrived yet, or nothing is left.

    `simulated`: there is no machine behind these figures, they are made up by a simulated one.
    """

    subject_id: str
    simulated: bool
    since: datetime
    until: datetime
    step_seconds: int
    kept_hours: int
    series: list[SeriesView]


@router.get(
    "", permission="telemetry.read", operator_permission="platform.telemetry.read", response_model=TelemetryView
)
async def read_telemetry(
    tx: TenantTx,
    allocation_id: Id = None,
    node_id: Id = None,
    names: Annotated[list[str], Query(max_length=16)] = [],  # noqa: B006  FastAPI copies it
    since: Annotated[Instant | None, Query(description="RFC 3339 with an offset; default: an hour ago.")] = None,
    step: Annotated[int | None, Query(ge=1, le=86_400, description="Seconds of one point; at most 300 points.")] = None,
) -> Response:
    """What an allocation uses; for operators also any allocation, and a node by `node_id`."""
    if (allocation_id is None) == (node_id is None):
        raise invalid("allocation_id", "Ask for one allocation or one node.", "Send allocation_id or node_id.")
    if allocation_id is not None:
        body = await facade.telemetry_of_allocation(tx, allocation_id, since, step, names)
    else:
        body = await facade.telemetry_of_node(tx, str(node_id), since, step, names)
    return Response(body, media_type="application/json", headers={"Cache-Control": "private, no-store"})


@agent_router.post("", permission=AGENT)
async def report_telemetry(request: Request, tx: TenantTx) -> Response:
    """What a node measured on itself and on the allocations that it holds; the same batch again changes nothing."""
    batch = await provisioning.read_from_agent(request, TelemetryBatch)
    return provisioning.answer_agent(await facade.take_telemetry(tx, batch))
