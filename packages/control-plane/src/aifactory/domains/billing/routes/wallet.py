"""/api/v3/wallet: credit, what is set aside of it, and what is known about the payer."""

from datetime import datetime

from fastapi import Response
from pydantic import BaseModel

from aifactory.domains.billing import facade
from aifactory.kernel.money_wire import Currency, MoneyView
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("billing", "/wallet")


class WalletBalance(BaseModel):
    currency: Currency
    available: MoneyView
    held: MoneyView
    updated_at: datetime


class Wallet(BaseModel):
    """The oldest wallet's figures, and all of them in `wallets`. account_id is null before the first credit."""

    account_id: str | None
    currency: Currency
    available: MoneyView
    held: MoneyView
    balance: MoneyView
    kyc_status: str
    payment_method: str
    promotional_credit: bool
    wallets: list[WalletBalance]
    as_of: datetime


@router.get("", permission="wallet.read", response_model=Wallet)
async def show_wallet(tx: TenantTx) -> Response:
    return Response(await facade.wallet(tx), media_type="application/json")
