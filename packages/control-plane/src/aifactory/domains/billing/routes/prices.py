"""/api/v3/admin/prices: the price list as operators keep it. Visitors read it in the catalogue."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.billing import facade
from aifactory.kernel.instant import Instant
from aifactory.kernel.money_wire import Amount, Currency, MoneyView, money
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("billing", "/admin/prices")


class PriceChange(BaseModel):
    """effective_at is cut to the whole second; left out, the price counts from the next second on."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=63)
    region_id: str = Field("local", min_length=1, max_length=63)
    amount: Amount = Field(description="For one unit of the sku: an hour, a GB, a GB for a month, a million tokens.")
    currency: Currency
    effective_at: Instant | None = None
    reason: str = Field("", max_length=500)


class Price(BaseModel):
    id: str
    sku: str
    region_id: str
    price: MoneyView
    effective_at: datetime


class PriceRecord(Price):
    amount: str
    currency: Currency
    unit: str = Field("hour", description="What it buys: hour, gb_hour, gb_month, gb (10**9 bytes) or million_tokens")
    scheduled: bool
    reason: str
    created_at: datetime
    created_by: str


class PricePage(BaseModel):
    items: list[PriceRecord]
    next_cursor: str | None


@router.get("", permission="platform.prices.read", platform_data=True, response_model=PricePage)
async def list_prices(
    tx: OperatorTx, page: PageQuery, sku: Annotated[str | None, Query(max_length=63)] = None
) -> Response:
    """Every price ever set, newest first; none is edited or deleted."""
    return Response(await facade.price_history(tx, sku, page), media_type="application/json")


@router.post("", permission="platform.prices.write", status_code=201)
async def change_price(body: PriceChange, tx: OperatorTx) -> Price:
    """Sets another price from now or from an instant to come. Bills that were made stay as they are."""
    changed = await facade.change_price(tx, facade.NewPrice(**body.model_dump()))
    return Price(
        id=changed.id,
        sku=changed.sku,
        region_id=changed.region_id,
        price=money(changed.price),
        effective_at=changed.effective_at,
    )
