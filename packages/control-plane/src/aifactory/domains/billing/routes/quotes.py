"""/api/v3/quotes: what something would cost; anybody may ask."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.billing import facade
from aifactory.kernel.money_wire import Currency, MoneyView, decimal_schema, money
from aifactory.kernel.routes import PUBLIC, Routes, TenantTx

router = Routes("billing", "/quotes")


Hours = Annotated[
    Decimal,
    Field(gt=0, le=8784, max_digits=12, description="Parts of an hour are fine: 0.5"),
    decimal_schema(exclusiveMinimum=0, maximum=8784),
]


class QuoteRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=63)
    region_id: str = Field("local", min_length=1, max_length=63)
    count: int = Field(1, ge=1, le=1000, strict=True)
    hours: Hours = Decimal(1)


class QuoteLine(BaseModel):
    """Time under one price, for one piece."""

    from_at: datetime
    to_at: datetime
    seconds: int
    price_per_hour: MoneyView
    exact_amount: MoneyView
    amount: MoneyView


class Quote(BaseModel):
    id: str
    sku: str
    region_id: str
    count: int
    hours: str
    unit_price: MoneyView
    total: MoneyView
    hold: MoneyView = Field(description="Set aside at launch: an hour ahead for each piece.")
    currency: Currency
    valid_until: datetime
    lines: list[QuoteLine]


@router.post("", permission=PUBLIC, csrf=False, cost=10)
async def create_quote(body: QuoteRequest, tx: TenantTx) -> Quote:
    """Computes a quote, scheduled price changes included. Stored nowhere; send its id with a launch to pin the price."""
    return _quote(await facade.quote(tx, body.sku, body.region_id, body.count, body.hours))


def _quote(view: facade.QuoteView) -> Quote:
    return Quote(
        id=view.id, sku=view.sku, region_id=view.region_id, count=view.count, hours=format(view.hours, "f"),
        unit_price=money(view.unit_price), total=money(view.total), hold=money(view.hold), currency=view.currency,
        valid_until=view.valid_until, lines=[_line(line) for line in view.lines],
    )  # fmt: skip


def _line(line: facade.QuoteLine) -> QuoteLine:
    return QuoteLine(
        from_at=line.from_at, to_at=line.to_at, seconds=line.seconds, price_per_hour=money(line.price_per_hour),
        exact_amount=money(line.exact_amount), amount=money(line.amount),
    )  # fmt: skip
