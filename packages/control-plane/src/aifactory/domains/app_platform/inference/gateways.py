"""How a token gateway joins: a token of an operator, a certificate over its own key; and how it leaves."""

import base64
from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.app_platform.store import gateways as store
from aifactory.domains.app_platform.store.gateways import GatewayRow
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.events.app_platform import GatewayEnrolled, GatewayRetired
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.principal import Principal
from aifactory_protocol import RenewResponse
from aifactory_protocol.gateway import GatewayBootstrapRequest, GatewayBootstrapResponse

TOKEN_LIFE_SECONDS = 900


@dataclass(frozen=True)
class NewGatewayToken:
    """The one time that the token is seen. A replayed answer has None."""

    id: str
    token: str | None
    gateway_name: str
    region_id: str
    expires_at: datetime


@dataclass(frozen=True)
class GatewayView:
    """`known_version`: the snapshot that it last said it has; `newest_version`: the one there is. `seen_at` None: never."""

    id: str
    name: str
    region_id: str
    state: str
    known_version: int
    newest_version: int
    seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class GatewayList:
    items: list[GatewayView]
    next_cursor: str | None


async def create_token(
    tx: Tx, gateway_name: str, region_id: str, life_seconds: int = TOKEN_LIFE_SECONDS
) -> NewGatewayToken:
    """A token with which the gateway of that name, and only that, may enrol once. Operator role. It is shown only here."""
    await platform_control.open_region(tx, region_id)
    text, token_hash = platform_control.new_bootstrap_token()
    token_id = tx.ids.new("gwt")
    expires_at = await store.insert_token(
        tx,
        id=token_id,
        token_hash=token_hash,
        gateway_name=gateway_name,
        region_id=region_id,
        life_seconds=life_seconds,
    )
    await tx.audit("gateway_token.create", token_id, details={"gateway_name": gateway_name, "region_id": region_id})
    return NewGatewayToken(token_id, text, gateway_name, region_id, expires_at)


async def bootstrap(database: Database, request: GatewayBootstrapRequest) -> GatewayBootstrapResponse:
    """Trades the token for a certificate, in a transaction of its own as worker: the caller is nobody yet. One answer for
    every bad token, so that guessing learns nothing; of many that bring the same one, exactly one gets a certificate."""
    async with database.tx("worker", Principal.anonymous()) as tx:
        token = await _usable_token(tx, request)
        gateway_id = await store.enrol(tx, tx.ids.new("gw"), token.gateway_name, token.region_id)
        await platform_control.revoke_node(tx, gateway_id, "the gateway enrols anew")
        certificate = await platform_control.sign_agent_csr(tx, request.csr_pem, gateway_id)
        if not await store.use_token(tx, token.id, gateway_id):
            raise _refused()
        await tx.audit("gateway.enrol", gateway_id, details={"name": token.gateway_name, "token": token.id})
        await tx.emit(GatewayEnrolled(gateway_id, token.gateway_name, token.region_id), gateway_id, 1)
        pepper = base64.urlsafe_b64encode(iam.gateway_pepper()).decode().rstrip("=")
        return GatewayBootstrapResponse(
            gateway_id, certificate.certificate_pem, certificate.ca_pem, pepper, certificate.renew_after_seconds
        )


async def renew(tx: Tx, gateway_id: str, csr_pem: str) -> RenewResponse:
    """The next certificate of a gateway that has proved itself with the present one."""
    await working(tx, gateway_id)
    certificate = await platform_control.sign_agent_csr(tx, csr_pem, gateway_id)
    return RenewResponse(certificate.certificate_pem, certificate.ca_pem, certificate.renew_after_seconds)


async def working(tx: Tx, gateway_id: str) -> GatewayRow:
    """One that is enrolled and not retired, or 404."""
    row = await store.gateway(tx, gateway_id)
    if row is None or row.state == "retired":
        raise not_found("gateway", gateway_id)
    return row


async def list_gateways(tx: Tx, page: Page) -> GatewayList:
    rows = page_of(await store.gateways(tx, page), page, key=lambda row: (row.created_at, row.id))
    return GatewayList([await _view(tx, row) for row in rows["items"]], rows["next_cursor"])


async def show(tx: Tx, gateway_id: str) -> GatewayView:
    row = await store.gateway(tx, gateway_id)
    if row is None:
        raise not_found("gateway", gateway_id)
    return await _view(tx, row)


async def retire(tx: Tx, gateway_id: str, reason: str) -> GatewayView:
    """Its certificates are refused from this commit on; twice is once. With a new token it may come back. Its leases end by
    themselves. Emits app_platform.gateway_retired."""
    row = await store.gateway(tx, gateway_id)
    if row is None:
        raise not_found("gateway", gateway_id)
    if await store.retire(tx, gateway_id):
        await platform_control.revoke_node(tx, gateway_id, reason)
        await tx.audit("gateway.retire", gateway_id, reason=reason, details={"name": row.name})
        await tx.emit(GatewayRetired(gateway_id, row.name, row.region_id, reason), gateway_id, 2)
    return await show(tx, gateway_id)


async def _view(tx: Tx, row: GatewayRow) -> GatewayView:
    return GatewayView(**vars(row), newest_version=await store.version(tx, row.region_id))


async def _usable_token(tx: Tx, request: GatewayBootstrapRequest) -> store.TokenRow:
    token = await store.token(tx, platform_control.bootstrap_token_hash(request.token))
    if token is None or token.used or token.expired or token.gateway_name != request.gateway_name:
        raise _refused()
    return token


def _refused() -> Problem:
    return platform_control.bootstrap_token_refused(
        "It was used, has expired, is for another gateway, or was never ours.",
        "Ask an operator for a new token for a gateway of this name.",
    )
