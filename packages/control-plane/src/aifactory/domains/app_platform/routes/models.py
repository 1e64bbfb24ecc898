"""/api/v3/models: the catalogue that anyone may read. /api/v3/admin/models: what operators offer in it."""

from typing import Annotated, Any, Literal

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.app_platform.inference import models
from aifactory.domains.app_platform.inference.models import Model, ModelFacts, ModelRoute, TokenPrices
from aifactory.kernel.money import Money
from aifactory.kernel.money_wire import Amount, Currency, MoneyView, money
from aifactory.kernel.routes import PUBLIC, IfMatch, OperatorTx, Routes, TenantTx, etag_of

router = Routes("app_platform", "/models")
admin_router = Routes("app_platform", "/admin/models")

MODEL_ID = r"^[a-z0-9][a-z0-9._-]{0,49}$"
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=50, pattern=NO_NUL)]
Capability = Literal["chat", "completions", "responses", "embeddings", "rerank", "images", "transcriptions"]
State = Literal["offered", "withdrawn"]
Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class PricesView(BaseModel):
    """For a million tokens, as sold now."""

    input: MoneyView
    output: MoneyView


class ModelView(BaseModel):
    """A model that can be called by its id at the gateway."""

    id: str
    region_id: str
    name: str
    description: str
    capabilities: list[Capability]
    context_tokens: int = Field(description="Prompt and answer together.")
    max_output_tokens: int
    input_sku: str
    output_sku: str
    prices: PricesView


class ModelPage(BaseModel):
    """`base_url`: where clients of OpenAI's protocol call these models; empty: this installation has no gateway."""

    base_url: str
    items: list[ModelView]
    next_cursor: str | None = None


class RouteView(BaseModel):
    """An upstream that serves the model, under the name by which that upstream knows it."""

    model_config = ConfigDict(extra="forbid")

    upstream_id: str = Field(min_length=1, max_length=81, pattern=NO_NUL)
    upstream_model: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")


class AdminModelView(BaseModel):
    """As operators see it. `prices` null: none is in force yet."""

    id: str
    region_id: str
    name: str
    description: str
    capabilities: list[Capability]
    context_tokens: int
    max_output_tokens: int
    state: State
    input_sku: str
    output_sku: str
    prices: PricesView | None
    routes: list[RouteView]
    generation: int


class AdminModelPage(BaseModel):
    items: list[AdminModelView]
    next_cursor: str | None = None


class Facts(BaseModel):
    """What may be edited."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=120, pattern=NO_NUL)
    description: str = Field("", max_length=1000, pattern=NO_NUL)
    capabilities: list[Capability] = Field(min_length=1, max_length=8)
    context_tokens: Tokens
    max_output_tokens: Tokens
    routes: list[RouteView] = Field(max_length=16, description="In the order in which they are tried.")

    def facts(self) -> ModelFacts:
        routes = [ModelRoute(route.upstream_id, route.upstream_model) for route in self.routes]
        return ModelFacts(
            self.name,
            self.description,
            list(self.capabilities),
            self.context_tokens,
            self.max_output_tokens,
            routes,
        )


class ModelOffer(Facts):
    """A new model of the catalogue, with its first prices for a million tokens."""

    id: str = Field(pattern=MODEL_ID, description="What callers write as `model`.")
    region_id: str = Field("local", min_length=1, max_length=63, pattern=NO_NUL)
    currency: Currency
    input_price: Amount = Field(description="For a million tokens of a prompt.")
    output_price: Amount = Field(description="For a million tokens of an answer.")


class ModelEdit(Facts):
    state: State


@router.get("", permission=PUBLIC)
async def list_models(tx: TenantTx) -> ModelPage:
    """Every model that is offered, with its prices."""
    return ModelPage(base_url=models.gateway_url(), items=[_sold(model) for model in await models.catalogue(tx)])


@router.get("/{model_id}", permission=PUBLIC)
async def show_model(model_id: PathId, tx: TenantTx) -> ModelView:
    return _sold(await models.offered(tx, model_id))


@admin_router.get("", permission="platform.inference.read", platform_data=True)
async def list_all_models(tx: OperatorTx) -> AdminModelPage:
    """With those that are withdrawn, and with the routes to upstreams."""
    return AdminModelPage(items=[_admin(model) for model in await models.all_models(tx)])


@admin_router.get("/{model_id}", permission="platform.inference.read", platform_data=True)
async def show_any_model(model_id: PathId, tx: OperatorTx, response: Response) -> AdminModelView:
    return _tagged(await models.show(tx, model_id), response)


@admin_router.post("", permission="platform.inference.write", status_code=201)
async def offer_model(body: ModelOffer, tx: OperatorTx, response: Response) -> AdminModelView:
    """Puts a model into the catalogue. Later prices are set like all others, under its two skus."""
    prices = TokenPrices(Money(body.input_price, body.currency), Money(body.output_price, body.currency))
    return _tagged(await models.offer(tx, body.id, body.region_id, body.facts(), prices), response)


@admin_router.put("/{model_id}", permission="platform.inference.write")
async def edit_model(
    model_id: PathId, body: ModelEdit, tx: OperatorTx, response: Response, if_match: IfMatch
) -> AdminModelView:
    """All of it at once. Withdrawn, it is called no more; what it did stays on the bill."""
    return _tagged(await models.edit(tx, model_id, body.facts(), body.state, if_match), response)


def _sold(model: Model) -> ModelView:
    assert model.prices is not None  # nothing else is in the catalogue
    return ModelView(**_members(model), prices=_prices(model.prices))


def _admin(model: Model) -> AdminModelView:
    routes = [RouteView(**vars(route)) for route in model.routes]
    prices = None if model.prices is None else _prices(model.prices)
    return AdminModelView(**_members(model), prices=prices, routes=routes)


def _members(model: Model) -> dict[str, Any]:
    return {name: value for name, value in vars(model).items() if name not in ("prices", "routes")}


def _prices(prices: TokenPrices) -> PricesView:
    return PricesView(input=money(prices.input), output=money(prices.output))


def _tagged(model: Model, response: Response) -> AdminModelView:
    response.headers["ETag"] = etag_of(model.generation)
    return _admin(model)
