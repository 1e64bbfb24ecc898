"""The agents' listener, as token gateways use it: an identity, what to know, what to spend, what was carried."""

from fastapi import Request, Response

from aifactory.domains.app_platform.inference import gateways, leases, snapshot, usage
from aifactory.domains.provisioning.facade import answer_agent, read_from_agent
from aifactory.kernel.routes import GATEWAY, PUBLIC, Db, Routes, TenantTx
from aifactory_protocol import RenewRequest
from aifactory_protocol.gateway import (
    GatewayBootstrapRequest,
    LeaseRequest,
    LeaseReturn,
    SnapshotRequest,
    UsageBatch,
)

router = Routes("app_platform", "/gateway", agent=True)


@router.post("/bootstrap", permission=PUBLIC, tx=False)
async def bootstrap_gateway(request: Request, db: Db) -> Response:
    """A single-use token and a certificate request for a certificate and the pepper of keys."""
    return answer_agent(await gateways.bootstrap(db, await read_from_agent(request, GatewayBootstrapRequest)))


@router.post("/renew", permission=GATEWAY)
async def renew_gateway_certificate(request: Request, tx: TenantTx) -> Response:
    """The next certificate, asked for over the present one."""
    wanted = await read_from_agent(request, RenewRequest)
    return answer_agent(await gateways.renew(tx, tx.principal.id, wanted.csr_pem))


@router.post("/snapshot", permission=GATEWAY, tx=False)
async def wait_for_snapshot(request: Request, db: Db) -> Response:
    """Waits for a newer snapshot than the known one, at most `wait_seconds`."""
    wanted = await read_from_agent(request, SnapshotRequest)
    return answer_agent(await snapshot.answer(db, request.state.principal, wanted))


@router.post("/leases", permission=GATEWAY)
async def lease_credit(request: Request, tx: TenantTx) -> Response:
    """Credit of an account that the gateway may spend by itself; 402 when there is not enough."""
    return answer_agent(await leases.lease(tx, tx.principal.id, await read_from_agent(request, LeaseRequest)))


@router.post("/leases/return", permission=GATEWAY, tx=False, status_code=204)
async def return_leases(request: Request, db: Db) -> Response:
    """What remains of them is the account's again."""
    wanted = await read_from_agent(request, LeaseReturn)
    await leases.give_back(db, request.state.principal, wanted.ids)
    return Response(status_code=204)


@router.post("/usage", permission=GATEWAY, tx=False)
async def take_usage(request: Request, db: Db) -> Response:
    """What was carried; each record counts once, however often it is told."""
    return answer_agent(await usage.take(db, request.state.principal, await read_from_agent(request, UsageBatch)))
