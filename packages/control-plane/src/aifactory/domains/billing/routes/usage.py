"""/api/v3/usage: what ran, for how long, and what it came to."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from aifactory.domains.billing import facade
from aifactory.kernel.instant import Instant
from aifactory.kernel.money_wire import MoneyView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("billing", "/usage")


class UsageItem(BaseModel):
    """An allocation; or the month of a bucket or an API key under one sku, then `quantity` and `unit` say what was counted."""

    allocation_id: str
    name: str
    project_id: str
    sku: str
    region_id: str
    price_per_hour: MoneyView = Field(description="The newest price in the period, of one unit.")
    unit: str = Field("hour", description="hour, gb_month (730 hours), gb (10**9 bytes) or million_tokens")
    quantity: str | None = Field(
        None, description="Of counted use: bytes for gb, byte-seconds for gb_month, tokens for million_tokens."
    )
    started_at: datetime
    ended_at: datetime | None
    seconds: int = Field(description="Billable seconds in the period.")
    exact_amount: MoneyView
    amount: MoneyView
    settled: bool


class UsagePage(BaseModel):
    items: list[UsageItem]
    as_of: datetime
    next_cursor: str | None


@router.get("", permission="usage.read", response_model=UsagePage)
async def list_usage(
    tx: TenantTx,
    page: PageQuery,
    since: Annotated[Instant | None, Query()] = None,
    until: Annotated[Instant | None, Query()] = None,
    project_id: Annotated[str | None, Query(max_length=81)] = None,
) -> Response:
    """Newest first. With `since` or `until`, only that part of each is counted."""
    return Response(await facade.usage(tx, page, project_id, since, until), media_type="application/json")
