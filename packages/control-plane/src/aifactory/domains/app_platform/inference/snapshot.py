"""What gateways must know: the keys that may call, the models and their prices, the upstreams behind them.

A snapshot is never stored: it is built whenever a gateway asks. Stored is a version for each region, which counts up when
the content has become another one; `refresh` finds out, after every event that may matter and every few seconds.
"""

import asyncio
import base64
import hashlib
from datetime import datetime

import msgspec

from aifactory.domains.app_platform.inference.models import skus_of
from aifactory.domains.app_platform.store import gateways, models
from aifactory.domains.app_platform.store.models import ModelRow, RouteRow, UpstreamRow
from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule
from aifactory_protocol.gateway import (
    GatewayKey,
    GatewayModel,
    Route,
    Snapshot,
    SnapshotAnswer,
    SnapshotRequest,
    TokenPrice,
    Upstream,
)

TOPIC = "gateways"
LOOK_AGAIN_SECONDS = 2.0  # a lost wake-up costs no more than this
REFRESH_EVERY_SECONDS = 5
NANOS = 10**9


async def refresh(tx: Tx) -> None:
    """Wakes the gateways of each region whose snapshot has become another one. Worker role."""
    for region in await platform_control.regions(tx):
        content = await build(tx, region.id, 0, await tx.now())
        digest = hashlib.sha256(msgspec.json.encode([content.keys, content.models, content.upstreams])).digest()
        if await gateways.put_digest(tx, region.id, digest):
            await tx.wake(TOPIC)


async def refresh_due(database: Database) -> None:
    """What changes by itself: prices that begin to count, keys that run out."""
    async with database.tx("worker", Principal.service("app_platform.refresh_snapshots")) as tx:
        await refresh(tx)


REFRESH = Schedule("app_platform.refresh_snapshots", REFRESH_EVERY_SECONDS, refresh_due)


async def answer(database: Database, who: Principal, asked: SnapshotRequest) -> SnapshotAnswer:
    """As soon as there is another version than the known one, at the latest after `wait_seconds`. Holds no transaction
    while it waits."""
    loop = asyncio.get_running_loop()
    end = loop.time() + asked.wait_seconds
    while True:
        left = end - loop.time()
        # Listening begins before the look, so that a change in between is not slept over.
        nudge = asyncio.create_task(database.wakeups.wait(TOPIC, max(0.0, min(left, LOOK_AGAIN_SECONDS))))
        try:
            found = await _look(database, who, asked.known_version)
            if found is not None or left <= 0 or database.wakeups.closing:
                return SnapshotAnswer(found)
            await nudge
        finally:
            nudge.cancel()


async def _look(database: Database, who: Principal, known_version: int) -> Snapshot | None:
    async with database.tx("worker", who) as tx:
        gateway = await gateways.gateway(tx, who.id)
        if gateway is None or gateway.state == "retired":
            raise not_found("gateway", who.id)
        await gateways.seen(tx, gateway.id, known_version)
        version = await gateways.version(tx, gateway.region_id)
        if version <= known_version:
            return None
        return await build(tx, gateway.region_id, version, await tx.now())


async def build(tx: Tx, region_id: str, version: int, made_at: datetime) -> Snapshot:
    """Of one region, as it is now. Worker role."""
    sold = await _models(tx, region_id)
    used = {route.upstream_id for model in sold for route in model.routes}
    upstreams = [_upstream(row) for row in await models.upstreams_of_region(tx, region_id) if row.id in used]
    return Snapshot(version, made_at, await _keys(tx), sold, upstreams)


async def _keys(tx: Tx) -> list[GatewayKey]:
    accounts = await billing.payers(tx)
    return [
        GatewayKey(key.id, _text(key.hash), key.tenant_id, key.project_id, accounts[key.tenant_id], key.expires_at)
        for key in await iam.gateway_keys(tx)
        if key.tenant_id in accounts
    ]


async def _models(tx: Tx, region_id: str) -> list[GatewayModel]:
    rows = await models.models(tx, "offered", region_id)
    prices = {price.sku: price for price in await billing.prices_in(tx, region_id)} if rows else {}
    routes = await models.routes(tx, [row.id for row in rows])
    return [
        _model(row, _price(prices[bought], prices[made]), [route for route in routes if route.model_id == row.id])
        for row in rows
        for bought, made in [skus_of(row.id)]
        if bought in prices and made in prices
    ]


def _price(bought: billing.PriceView, made: billing.PriceView) -> TokenPrice:
    together = f"{bought.id}-{made.id.partition('_')[2]}"
    return TokenPrice(together, bought.price.currency, int(bought.price.amount * NANOS), int(made.price.amount * NANOS))


def _model(row: ModelRow, price: TokenPrice, routes: list[RouteRow]) -> GatewayModel:
    ways = [Route(route.upstream_id, route.upstream_model) for route in routes]
    return GatewayModel(
        row.id, row.capabilities, row.context_tokens, row.max_output_tokens, price, ways, row.created_at  # type: ignore[arg-type]
    )  # fmt: skip


def _upstream(row: UpstreamRow) -> Upstream:
    return Upstream(
        row.id, row.url, "", row.usage_path, row.max_requests, row.connect_seconds, row.first_byte_seconds, row.between_bytes_seconds
    )  # fmt: skip


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
