"""The two calls of the agents' listener that need no certificate: the CA, and trading a token for an identity."""

from fastapi import Request, Response

from aifactory.domains.provisioning import agents, doors, wire
from aifactory.kernel.routes import PUBLIC, Db, Routes
from aifactory_protocol import BootstrapRequest

router = Routes("provisioning", "", agent=True)


@router.get("/ca", permission=PUBLIC, tx=False)
async def agent_ca() -> Response:
    """The CA in PEM: to be believed only after its fingerprint was compared with the token's."""
    return Response(agents.ca_pem(), media_type="application/x-pem-file")


@router.post("/bootstrap", permission=PUBLIC, tx=False)
async def bootstrap_node(request: Request, db: Db) -> Response:
    """A single-use token and a certificate request for a certificate, the node's id and the key that signs tasks."""
    wanted = await wire.read(request, BootstrapRequest)
    doors.check_at_enrolment(wanted.node_name, wanted.inventory.ssh_host, request.client.host if request.client else "")
    return wire.answer(await agents.bootstrap(db, wanted))
