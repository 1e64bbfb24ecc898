"""The model catalogue: what anyone may look at, and what operators offer in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aifactory.domains.app_platform.store import models as store
from aifactory.domains.app_platform.store.models import ModelRow, RouteRow
from aifactory.domains.billing import facade as billing
from aifactory.domains.platform_control import facade as platform_control
from aifactory.events.app_platform import ModelChanged, ModelOffered
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found
from aifactory.kernel.money import Money
from aifactory.kernel.routes import check_etag

MOST = 500


@dataclass(frozen=True)
class ModelRoute:
    """An upstream that serves the model, and the name under which it knows it."""

    upstream_id: str
    upstream_model: str


@dataclass(frozen=True)
class ModelFacts:
    """What may be edited. `context_tokens` bounds prompt and answer together, `max_output_tokens` the answer."""

    name: str
    description: str
    capabilities: list[str]
    context_tokens: int
    max_output_tokens: int
    routes: list[ModelRoute]


@dataclass(frozen=True)
class TokenPrices:
    """For a million tokens, as sold now."""

    input: Money
    output: Money


@dataclass(frozen=True)
class Model:
    """A model of the catalogue. `prices` None: no price is in force yet. `input_sku` and `output_sku` name its prices."""

    id: str
    region_id: str
    name: str
    description: str
    capabilities: list[str]
    context_tokens: int
    max_output_tokens: int
    state: str
    input_sku: str
    output_sku: str
    prices: TokenPrices | None
    generation: int
    created_at: datetime
    updated_at: datetime
    routes: list[ModelRoute] = field(default_factory=list)


def gateway_url() -> str:
    """AIF_GATEWAY_URL: how callers know the gateways, up to /v1."""
    return os.environ.get("AIF_GATEWAY_URL", "").rstrip("/")


def skus_of(model_id: str) -> tuple[str, str]:
    """Under which names its tokens are sold: (in, out)."""
    return f"{model_id}.input", f"{model_id}.output"


async def catalogue(tx: Tx) -> list[Model]:
    """Every model that is offered and priced, by its id. Anyone may look."""
    found = await _models(tx, await store.models(tx, "offered"))
    return [model for model in found if model.prices is not None]


async def offered(tx: Tx, model_id: str) -> Model:
    """One of the catalogue, or 404."""
    row = await store.model(tx, model_id)
    found = await _models(tx, [row]) if row is not None and row.state == "offered" else []
    if not found or found[0].prices is None:
        raise not_found("model", model_id)
    return found[0]


async def all_models(tx: Tx) -> list[Model]:
    """With those that are withdrawn and those without a price, and with the routes. Operator."""
    rows = await store.models(tx)
    return await _models(tx, rows, await store.routes(tx))


async def show(tx: Tx, model_id: str) -> Model:
    row = await store.model(tx, model_id)
    if row is None:
        raise not_found("model", model_id)
    return (await _models(tx, [row], await store.routes(tx, [model_id])))[0]


async def offer(tx: Tx, model_id: str, region_id: str, facts: ModelFacts, prices: TokenPrices) -> Model:
    """Puts it into the catalogue with its prices, which count from the next second on. Emits app_platform.model_offered.
    409 `model_exists`, `too_many_models`; 422 for a route to an upstream of another region."""
    await platform_control.open_region(tx, region_id)
    _check(facts)
    if await store.count_models(tx) >= MOST:
        raise conflict("too_many_models", f"The catalogue holds {MOST} models, which is the most.")
    values = {name: value for name, value in vars(facts).items() if name != "routes"}
    if not await store.insert_model(tx, id=model_id, region_id=region_id, **values):
        raise conflict("model_exists", f"There is a model {model_id!r}.", "Edit it, or choose another id.")
    await _route(tx, model_id, region_id, facts.routes)
    await _price(tx, model_id, region_id, facts.name, prices)
    await tx.audit("model.offer", model_id, details={"region_id": region_id, "routes": len(facts.routes)})
    await tx.emit(ModelOffered(model_id, region_id, facts.name), model_id, 1)
    return await show(tx, model_id)


async def edit(tx: Tx, model_id: str, facts: ModelFacts, state: str, if_match: str | None) -> Model:
    """All of it at once; `state` withdrawn takes it out of the catalogue. Emits app_platform.model_changed."""
    row = await store.lock_model(tx, model_id)
    if row is None:
        raise not_found("model", model_id)
    check_etag(if_match, row.generation)
    _check(facts)
    values = {name: value for name, value in vars(facts).items() if name != "routes"}
    await store.edit_model(tx, id=model_id, state=state, **values)
    await _route(tx, model_id, row.region_id, facts.routes)
    await tx.audit("model.edit", model_id, details={"state": state, "routes": len(facts.routes)})
    await tx.emit(ModelChanged(model_id, row.region_id, state), model_id, row.generation + 1)
    return await show(tx, model_id)


def _check(facts: ModelFacts) -> None:
    if facts.max_output_tokens > facts.context_tokens:
        raise invalid("max_output_tokens", "An answer is part of the context and cannot be longer.")
    if len(set(facts.capabilities)) != len(facts.capabilities):
        raise invalid("capabilities", "Name each capability once.")
    upstreams = [route.upstream_id for route in facts.routes]
    if len(set(upstreams)) != len(upstreams):
        raise invalid("routes", "Name each upstream once.")


async def _route(tx: Tx, model_id: str, region_id: str, routes: Sequence[ModelRoute]) -> None:
    for number, route in enumerate(routes):
        upstream = await store.upstream(tx, route.upstream_id)
        if upstream is None or upstream.region_id != region_id:
            raise invalid(f"routes.{number}.upstream_id", f"Region {region_id} has no upstream {route.upstream_id!r}.")
    await store.put_routes(tx, model_id, [RouteRow(model_id, **vars(route)) for route in routes])


async def _price(tx: Tx, model_id: str, region_id: str, name: str, prices: TokenPrices) -> None:
    for sku, direction, price in zip(
        skus_of(model_id), ("input", "output"), (prices.input, prices.output), strict=True
    ):
        await billing.add_sku(tx, sku, f"{name}, {direction} tokens", "", "inference", "million_tokens")
        await billing.change_price(
            tx, billing.NewPrice(sku, region_id, price.amount, price.currency, reason="first price")
        )


async def _models(tx: Tx, rows: Sequence[ModelRow], routes: Sequence[RouteRow] = ()) -> list[Model]:
    listed = {(price.sku, price.region_id): price.price for price in await billing.prices_in(tx)} if rows else {}
    found = []
    for row in rows:
        sold = [listed.get((sku, row.region_id)) for sku in skus_of(row.id)]
        prices = TokenPrices(sold[0], sold[1]) if sold[0] is not None and sold[1] is not None else None
        own = [ModelRoute(route.upstream_id, route.upstream_model) for route in routes if route.model_id == row.id]
        found.append(
            Model(**vars(row), input_sku=skus_of(row.id)[0], output_sku=skus_of(row.id)[1], prices=prices, routes=own)
        )
    return found
