"""/api/v3/admin/health."""

from typing import Annotated

from fastapi import Depends

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import HealthView
from aifactory.kernel.routes import Db, OperatorTx, Routes

router = Routes("platform_control", "/admin/health")


async def _nats_connected(db: Db) -> bool:
    client = getattr(db.wakeups, "client", None)
    return bool(client is not None and client.is_connected)


@router.get("", permission="platform.health.read", platform_data=True)
async def show_health(tx: OperatorTx, nats_connected: Annotated[bool, Depends(_nats_connected)]) -> HealthView:
    """Each component's state with the runbook to open; the whole is as bad as its worst part."""
    return await facade.health(tx, nats_connected)
