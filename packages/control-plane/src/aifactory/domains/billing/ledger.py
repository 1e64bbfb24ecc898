"""The ledger's account names and the postings that operators make: credit, payment, reversal."""

from dataclasses import dataclass
from decimal import Decimal

from aifactory.domains.billing.store import accounts, ledger
from aifactory.events.billing import CreditGranted
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, forbidden, invalid, not_found
from aifactory.kernel.money import Money, round_minor

AVAILABLE = "wallet.available"
HELD = "wallet.held"
REVENUE = "platform.revenue"
ROUNDING = "platform.rounding"
OUTAGES = "platform.outages"
SOURCES = {"promotional_credit": "platform.promotions", "payment": "platform.payments"}
REVERSIBLE = ("promotional_credit", "payment", "charge", "outage_credit")
MAX_CREDIT = Decimal(10_000_000)


@dataclass(frozen=True)
class Posted:
    """An entry that is in the books. `replayed`: it was there before, under the same money key."""

    entry_id: str
    account_id: str
    tenant_id: str
    amount: Money
    replayed: bool


def require_tenant(tx: Tx) -> str:
    if tx.tenant_id is None:
        raise forbidden("billing", "no tenant is chosen, and money belongs to one")
    return tx.tenant_id


async def grant_credit(tx: Tx, tenant_id: str, amount: Money, kind: str, reason: str, money_key: str) -> Posted:
    _check_credit(amount, kind)
    account_id = await accounts.ensure_wallet(tx, tenant_id, amount.currency)
    lines = {AVAILABLE: amount.amount, SOURCES[kind]: -amount.amount}
    row = await ledger.post_entry(
        tx, ledger.Posting(money_key, kind, tenant_id, account_id, amount.currency, lines, reason=reason)
    )
    assert row.entry_id is not None  # credits are never refused for lack of money
    if row.outcome == "posted":
        await tx.audit(
            "billing.credit.grant",
            account_id,
            reason=reason,
            details={"tenant_id": tenant_id, "kind": kind, "amount": amount.wire()},
        )
        granted = CreditGranted(account_id, tenant_id, kind, amount.wire()["amount"], amount.currency, reason)
        await tx.emit(granted, account_id, row.version)
    return Posted(row.entry_id, account_id, tenant_id, amount, row.outcome == "replayed")


def _check_credit(amount: Money, kind: str) -> None:
    if kind not in SOURCES:
        raise invalid("kind", f"One of {', '.join(SOURCES)}.")
    if not amount.amount.is_finite() or not 0 < amount.amount <= MAX_CREDIT:
        raise invalid("amount", f"More than 0 and at most {MAX_CREDIT}.")
    if round_minor(amount.amount, amount.currency) != amount.amount:
        raise invalid("amount", f"{amount.currency} has no such small unit.")


async def reverse(tx: Tx, entry_id: str, reason: str) -> Posted:
    entry = await ledger.entry(tx, entry_id)
    if entry is None:
        raise not_found("ledger entry", entry_id)
    if entry.kind not in REVERSIBLE:
        raise conflict(
            "not_reversible",
            f"A {entry.kind} is undone by its purchase, not by a reversal.",
            "Void or settle the purchase.",
        )
    if entry.reversed_by is not None:
        raise conflict(
            "already_reversed", f"Entry {entry_id} was reversed by {entry.reversed_by}.", "Nothing is left to do."
        )
    lines = reversal_of(await ledger.entry_lines(tx, entry_id))
    row = await ledger.post_entry(
        tx,
        ledger.Posting(
            f"reversal:{entry_id}",
            "reversal",
            entry.tenant_id,
            entry.account_id,
            entry.currency,
            lines,
            entry.subject_id,
            reason,
            entry_id,
        ),
    )
    assert row.entry_id is not None
    amount = Money(lines.get(AVAILABLE, Decimal(0)), entry.currency)
    await tx.audit(
        "billing.entry.reverse",
        entry_id,
        reason=reason,
        details={"tenant_id": entry.tenant_id, "amount": amount.wire()},
    )
    return Posted(row.entry_id, entry.account_id, entry.tenant_id, amount, row.outcome == "replayed")


def reversal_of(lines: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """The opposite of each line; what touched the held side goes to the available one, because that hold has ended."""
    opposite: dict[str, Decimal] = {}
    for account, amount in lines:
        target = AVAILABLE if account == HELD else account
        opposite[target] = opposite.get(target, Decimal(0)) - amount
    return opposite
