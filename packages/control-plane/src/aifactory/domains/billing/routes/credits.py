"""/api/v3/admin/credits, /admin/outages, /admin/payer-facts: what operators add to a tenant's account."""

from typing import Annotated, Literal

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.billing import facade
from aifactory.kernel.instant import Instant
from aifactory.kernel.money import Money
from aifactory.kernel.money_wire import Amount, Currency, MoneyView, money
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("billing", "/admin")
Reason = Annotated[str, Field(min_length=3, max_length=500)]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=200, include_in_schema=False)]


class CreditGrant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: str = Field(min_length=1, max_length=81)
    amount: Amount
    currency: Currency
    kind: Literal["promotional_credit", "payment"] = "promotional_credit"
    reason: Reason


class Credit(BaseModel):
    id: str
    tenant_id: str
    account_id: str
    amount: MoneyView


class OutageCredit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allocation_id: str = Field(min_length=1, max_length=81)
    from_at: Instant
    to_at: Instant
    reason: Reason


class OutageCredited(BaseModel):
    """credited is 0 while the allocation is not billed yet: its bill will leave the outage out."""

    allocation_id: str
    credited: MoneyView


class PayerFact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: str = Field(min_length=1, max_length=81)
    kyc_status: Literal["none", "pending", "verified", "rejected"] | None = None
    payment_method: Literal["none", "card", "invoice"] | None = None
    reason: Reason


@router.post("/credits", permission="platform.billing.write", status_code=201)
async def grant_credit(body: CreditGrant, tx: OperatorTx, key: Key) -> Credit:
    """Adds credit to a tenant's wallet, which is opened if there is none in this currency."""
    amount = Money(body.amount, body.currency)
    posted = await facade.grant_credit(
        tx, body.tenant_id, amount, body.kind, body.reason, f"credit:{tx.principal.id}:{key}"
    )
    return Credit(
        id=posted.entry_id, tenant_id=posted.tenant_id, account_id=posted.account_id, amount=money(posted.amount)
    )


@router.post("/outages", permission="platform.billing.write", status_code=201)
async def credit_outage(body: OutageCredit, tx: OperatorTx) -> OutageCredited:
    """Takes the time of an outage off an allocation's bill, also when that has been posted already."""
    credited = await facade.credit_outage(tx, body.allocation_id, body.from_at, body.to_at, body.reason)
    return OutageCredited(allocation_id=body.allocation_id, credited=money(credited))


@router.post("/payer-facts", permission="platform.billing.write", status_code=201)
async def record_payer_facts(body: PayerFact, tx: OperatorTx) -> PayerFact:
    """Records what was learnt about the payer; the newest fact of a kind counts."""
    facts = {"kyc_status": body.kyc_status, "payment_method": body.payment_method}
    for kind, value in facts.items():
        if value is not None:
            await facade.record_fact(tx, body.tenant_id, kind, value, body.reason)
    return body
