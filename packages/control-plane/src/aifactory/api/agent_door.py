"""Who comes through the agents' listener: the node or gateway named in a certificate of ours that is neither expired nor
revoked."""

from fastapi import Request

from aifactory.api.agent_listener import peer_certificate
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.clock import Clock
from aifactory.kernel.db import Database
from aifactory.kernel.errors import unauthenticated
from aifactory.kernel.principal import Principal


class AgentDoor:
    """Authenticates agents and gateways. Expiry and revocation are checked on each request, not once per connection."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def authenticate(self, request: Request) -> Principal:
        certificate = peer_certificate(request.scope)
        if certificate is None:
            return Principal.anonymous()
        if not certificate.not_valid_before_utc <= self._clock.now() < certificate.not_valid_after_utc:
            raise unauthenticated("The certificate has expired. Enrol again.")
        async with self._database.tx("worker", Principal.service("agent-door")) as tx:
            status = await platform_control.certificate_status(tx, format(certificate.serial_number, "016x"))
        if status.state != "valid" or status.node_id is None:
            raise unauthenticated(f"The certificate is {status.state}. Enrol again.")
        return principal_of(status.node_id)


def principal_of(holder_id: str) -> Principal:
    """The kind of a machine is the kind of its id, which our own register holds."""
    return Principal.gateway(holder_id) if holder_id.startswith("gw_") else Principal.agent(holder_id)
