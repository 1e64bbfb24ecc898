"""/api/v3/admin/incidents."""

from typing import Annotated, Literal

from fastapi import Path, Query

from aifactory.domains.observability import facade
from aifactory.domains.observability.facade import IncidentDetail, IncidentList
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("observability", "/admin/incidents")


@router.get("", permission="platform.incident.read", platform_data=True)
async def list_incidents(
    tx: OperatorTx, page: PageQuery, state: Annotated[Literal["open", "resolved"] | None, Query()] = None
) -> IncidentList:
    """What needs a person, newest first, each with its cause and its runbook."""
    return await facade.list_incidents(tx, state, page)


@router.get("/{incident_id}", permission="platform.incident.read")
async def show_incident(incident_id: Annotated[str, Path(max_length=81)], tx: OperatorTx) -> IncidentDetail:
    """One of them with what happened before and since."""
    return await facade.incident(tx, incident_id)
