"""Development data: the promotional credit of the people that the development identity provider knows."""

from decimal import Decimal

from aifactory.domains.billing.ledger import grant_credit
from aifactory.domains.billing.store import accounts
from aifactory.domains.iam import facade as iam
from aifactory.kernel.db import Tx
from aifactory.kernel.money import Money

PROMOTIONAL_CREDIT = Money(Decimal(100), "EUR")


async def seed(tx: Tx) -> None:
    """Worker transaction; run again it changes nothing. Operators of the platform get an empty wallet."""
    for person in iam.SEEDED:
        await tx.set_tenant(person.tenant_id)
        if person.operator:
            await accounts.ensure_wallet(tx, person.tenant_id, PROMOTIONAL_CREDIT.currency)
        else:
            key = f"promotion:welcome:{person.tenant_id}"
            await grant_credit(tx, person.tenant_id, PROMOTIONAL_CREDIT, "promotional_credit", "welcome", key)
    await tx.set_tenant(None)
