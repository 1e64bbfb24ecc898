"""/api/v3/ledger: the books of a tenant; /api/v3/admin/ledger: those of everybody, and corrections."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.billing import facade
from aifactory.kernel.money_wire import Currency, MoneyView, money
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes, TenantTx

router = Routes("billing", "/ledger")
operator_router = Routes("billing", "/admin/ledger")
Subject = Annotated[str | None, Query(max_length=81, description="An allocation's id")]


class CurrencyTotals(BaseModel):
    currency: Currency
    debits: MoneyView
    credits: MoneyView
    difference: MoneyView


class AccountBalance(BaseModel):
    """A positive balance is a credit: owed to the tenant, or earned by the platform."""

    account: str
    currency: Currency
    balance: MoneyView


class TrialBalance(BaseModel):
    """balanced: debits equal credits in each currency, and each wallet is the sum of its lines."""

    currencies: list[CurrencyTotals]
    accounts: list[AccountBalance]
    wallets_differing: int
    balanced: bool
    as_of: datetime


class LedgerLine(BaseModel):
    account: str
    amount: MoneyView


class LedgerEntry(BaseModel):
    id: str
    tenant_id: str
    account_id: str
    kind: str
    currency: Currency
    subject_id: str | None
    reason: str
    reverses: str | None
    created_by: str
    occurred_at: datetime
    lines: list[LedgerLine]


class LedgerEntryPage(BaseModel):
    items: list[LedgerEntry]
    next_cursor: str | None


class Reversal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500)


class Reversed(BaseModel):
    id: str
    tenant_id: str
    account_id: str
    amount: MoneyView


@router.get("/trial-balance", permission="ledger.read", response_model=TrialBalance)
async def show_trial_balance(tx: TenantTx) -> Response:
    """Of the tenant's own postings."""
    return Response(await facade.trial_balance(tx), media_type="application/json")


@router.get("/entries", permission="ledger.read", response_model=LedgerEntryPage)
async def list_entries(tx: TenantTx, page: PageQuery, subject_id: Subject = None) -> Response:
    return Response(await facade.entries(tx, subject_id, page), media_type="application/json")


@operator_router.get(
    "/trial-balance", permission="platform.billing.read", platform_data=True, response_model=TrialBalance
)
async def show_platform_trial_balance(tx: OperatorTx) -> Response:
    """Of all postings of all tenants."""
    return Response(await facade.trial_balance(tx), media_type="application/json")


@operator_router.get("/entries", permission="platform.billing.read", response_model=LedgerEntryPage)
async def list_platform_entries(tx: OperatorTx, page: PageQuery, subject_id: Subject = None) -> Response:
    return Response(await facade.entries(tx, subject_id, page), media_type="application/json")


@operator_router.post("/entries/{entry_id}/reverse", permission="platform.billing.write", status_code=201)
async def reverse_entry(entry_id: str, body: Reversal, tx: OperatorTx) -> Reversed:
    """Posts the opposite entry. Nothing in the books is ever changed."""
    posted = await facade.reverse_entry(tx, entry_id, body.reason)
    return Reversed(
        id=posted.entry_id, tenant_id=posted.tenant_id, account_id=posted.account_id, amount=money(posted.amount)
    )
