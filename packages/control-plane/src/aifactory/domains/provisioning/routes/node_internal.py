"""The agents' listener: what a node with a valid certificate may do."""

from typing import Annotated

from fastapi import Path, Request, Response

from aifactory.domains.provisioning import agents, wire
from aifactory.kernel.routes import AGENT, Db, Routes, TenantTx
from aifactory_protocol import Inventory, PollRequest, RenewRequest, TaskResult

router = Routes("provisioning", "", agent=True)


@router.post("/renew", permission=AGENT)
async def renew_certificate(request: Request, tx: TenantTx) -> Response:
    """The next certificate, asked for over the present one."""
    return wire.answer(await agents.renew(tx, (await wire.read(request, RenewRequest)).csr_pem))


@router.post("/inventory", permission=AGENT, status_code=204)
async def report_inventory(request: Request, tx: TenantTx) -> Response:
    """The machine as it is now."""
    await agents.take_inventory(tx, await wire.read(request, Inventory))
    return Response(status_code=204)


@router.post("/poll", permission=AGENT, tx=False)
async def poll_tasks(request: Request, db: Db) -> Response:
    """Waits for work, at most `wait_seconds`; counts as the node's heartbeat."""
    wanted = await wire.read(request, PollRequest)
    return wire.answer(await agents.poll(db, request.state.principal, wanted, request.is_disconnected))


@router.post("/tasks/{task_id}/result", permission=AGENT, status_code=204)
async def report_result(task_id: Annotated[str, Path(max_length=81)], request: Request, tx: TenantTx) -> Response:
    """A signed answer; the same one again is accepted and changes nothing."""
    await agents.accept_result(tx, task_id, await wire.read(request, TaskResult))
    return Response(status_code=204)
