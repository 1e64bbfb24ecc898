"""/api/v3/statement: the bill of a month, to the last second."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from aifactory.domains.billing import facade
from aifactory.kernel.money_wire import Currency, MoneyView
from aifactory.kernel.pagination import Page
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("billing", "/statement")


class StatementLine(BaseModel):
    """A resource under one price. exact_amount is seconds × price ÷ 3600, or for counted use quantity × price ÷ unit;
    amount is what it was rounded to, once. allocation_id: the allocation, the bucket or the API key that the line is about."""

    allocation_id: str
    name: str
    project_id: str
    sku: str
    from_: datetime = Field(alias="from")
    to: datetime
    seconds: int
    price_per_hour: MoneyView = Field(description="The price of one unit.")
    unit: str = Field("hour", description="hour, gb_month (730 hours), gb (10**9 bytes) or million_tokens")
    quantity: str | None = Field(
        None, description="Of counted use: bytes for gb, byte-seconds for gb_month, tokens for million_tokens."
    )
    exact_amount: MoneyView
    amount: MoneyView
    settled_at: datetime | None = None


class Unbilled(BaseModel):
    """What is running and becomes a bill when it is released."""

    total: MoneyView
    lines: list[StatementLine]


class CreditEntry(BaseModel):
    entry_id: str
    kind: str
    reason: str
    allocation_id: str | None
    at: datetime
    amount: MoneyView


class Statement(BaseModel):
    """closing = opening + credits - total. held and available are those at the month's end, or now."""

    month: str
    currency: Currency
    opening: MoneyView
    credits: MoneyView
    credit_entries: list[CreditEntry]
    lines: list[StatementLine]
    next_cursor: str | None
    total: MoneyView
    closing: MoneyView
    held: MoneyView
    available: MoneyView
    unbilled: Unbilled
    as_of: datetime


@router.get("", permission="statement.read", response_model=Statement)
async def show_statement(
    tx: TenantTx,
    month: Annotated[str | None, Query(max_length=7, description="YYYY-MM; this month when left out")] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """The month's statement. The sums cover the whole month, whatever page of lines is asked for."""
    return Response(await facade.statement(tx, month, currency, Page(limit, cursor)), media_type="application/json")
