"""Purchases: the gate, the hold of an hour ahead, and its undo."""

from dataclasses import asdict, dataclass
from decimal import Decimal

from aifactory.domains.billing.ledger import AVAILABLE, HELD, require_tenant
from aifactory.domains.billing.policy import Facts, Policy, most_specific, refusal
from aifactory.domains.billing.prices import PriceView, price_in_force
from aifactory.domains.billing.quotes import HOLD_AHEAD, check_quote, check_timed
from aifactory.domains.billing.store import accounts, catalogue, holds, ledger, meters
from aifactory.events.billing import HoldPlaced, HoldVoided
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, invalid, payment_required
from aifactory.kernel.money import Money


@dataclass(frozen=True)
class Purchase:
    """What is bought: subject_id is the future allocation. quote_id pins the price that the buyer saw."""

    subject_id: str
    project_id: str
    sku: str
    region: str
    currency: str | None = None
    use_case: str = "general"
    quote_id: str | None = None


@dataclass(frozen=True)
class Authorization:
    hold_id: str
    amount: Money


async def authorize(tx: Tx, purchase: Purchase) -> Authorization:
    tenant_id = require_tenant(tx)
    earlier = await holds.lock_hold(tx, purchase.subject_id)
    if earlier is not None:
        return _authorized_before(earlier)
    await catalogue.pin_prices(tx, purchase.sku, purchase.region)
    price = await price_in_force(tx, purchase.sku, purchase.region, None)
    await _check_terms(tx, purchase, price)
    account_id = await accounts.ensure_wallet(tx, tenant_id, price.price.currency)
    await pass_gate(tx, tenant_id, account_id, purchase)
    return await _place_hold(tx, tenant_id, account_id, purchase, price)


def _authorized_before(hold: holds.HoldRow) -> Authorization:
    if hold.state != "held":
        raise conflict("purchase_ended", f"This purchase is {hold.state}.", "Start a new one.")
    return Authorization(hold.id, Money(hold.amount, hold.currency))


async def _check_terms(tx: Tx, purchase: Purchase, price: PriceView) -> None:
    check_timed(price)
    if purchase.currency not in (None, price.price.currency):
        raise invalid("currency", f"{purchase.sku} is sold in {price.price.currency} in region {purchase.region}.")
    if purchase.quote_id is not None:
        check_quote(purchase.quote_id, price, await tx.now())


async def pass_gate(tx: Tx, tenant_id: str, account_id: str, purchase: Purchase) -> None:
    rows = await catalogue.policies_for(tx, purchase.region, purchase.use_case)
    policy = most_specific([Policy(**asdict(row)) for row in rows], purchase.sku)
    facts = Facts(**asdict(await accounts.facts_of(tx, tenant_id, account_id)))
    problem = refusal(policy, facts, purchase.sku)
    if problem is not None:
        raise problem


async def _place_hold(tx: Tx, tenant_id: str, account_id: str, purchase: Purchase, price: PriceView) -> Authorization:
    start = (await tx.now()).replace(microsecond=0)
    amount = await catalogue.hold_for_span(tx, purchase.sku, purchase.region, start, start + HOLD_AHEAD)
    money = Money(amount, price.price.currency)
    if amount:
        await _set_aside(tx, tenant_id, account_id, purchase.subject_id, money)
    hold_id = tx.ids.new("hold")
    hold = {
        "id": hold_id, "tenant_id": tenant_id, "subject_id": purchase.subject_id, "project_id": purchase.project_id,
        "account_id": account_id, "currency": money.currency, "sku": purchase.sku, "region_id": purchase.region,
        "use_case": purchase.use_case, "quote_id": purchase.quote_id, "price_id": price.id, "amount": amount,
    }  # fmt: skip
    if not await holds.insert_hold(
        tx, hold
    ):  # the same purchase raced us: its hold counts, the money key moved money once
        earlier = await holds.lock_hold(tx, purchase.subject_id)
        assert earlier is not None
        return _authorized_before(earlier)
    details = {"subject_id": purchase.subject_id, "amount": money.wire()}
    await tx.audit("billing.hold.place", hold_id, project_id=purchase.project_id, details=details)
    placed = HoldPlaced(
        hold_id,
        purchase.subject_id,
        purchase.project_id,
        purchase.sku,
        purchase.region,
        money.wire()["amount"],
        money.currency,
    )
    await tx.emit(placed, hold_id, 1)
    return Authorization(hold_id, money)


async def _set_aside(tx: Tx, tenant_id: str, account_id: str, subject_id: str, money: Money) -> None:
    lines = {AVAILABLE: -money.amount, HELD: money.amount}
    posted = await ledger.post_entry(
        tx, ledger.Posting(f"hold:{subject_id}:1", "hold", tenant_id, account_id, money.currency, lines, subject_id)
    )
    if posted.outcome == "insufficient":
        hint = "Add credit, release something that is running, or choose a cheaper sku."
        raise insufficient("One hour ahead is set aside.", money, posted.available, hint)


def insufficient(why: str, needed: Money, available: Decimal, hint: str) -> Problem:
    """402. `why`: a sentence about what the money is needed for."""
    have = Money(available, needed.currency)
    detail = f"{why} {needed.wire()['amount']} {needed.currency} needed, {have.wire()['amount']} available."
    return payment_required("insufficient_credit", detail, hint, needed=needed.wire(), available=have.wire())


async def void(tx: Tx, subject_id: str) -> None:
    hold = await holds.lock_hold(tx, subject_id)
    if hold is None or hold.state == "voided":
        return
    if hold.state == "settled":
        raise already_billed(subject_id)
    if (await meters.meter(tx, subject_id)).opened_at is not None:
        raise conflict(
            "meter_opened", f"{subject_id} has been metered: it is settled, not voided.", "Close the meter and settle."
        )
    await return_all(tx, hold)


async def return_all(tx: Tx, hold: holds.HoldRow) -> None:
    """Nothing was used: everything that is held becomes available again."""
    if hold.amount:
        lines = {HELD: -hold.amount, AVAILABLE: hold.amount}
        await ledger.post_entry(
            tx,
            ledger.Posting(
                f"void:{hold.subject_id}",
                "hold_release",
                hold.tenant_id,
                hold.account_id,
                hold.currency,
                lines,
                hold.subject_id,
            ),
        )
    version = await holds.end_hold(tx, hold.id, "voided")
    money = Money(hold.amount, hold.currency)
    await tx.audit(
        "billing.hold.void",
        hold.id,
        project_id=hold.project_id,
        details={"subject_id": hold.subject_id, "returned": money.wire()},
    )
    await tx.emit(HoldVoided(hold.id, hold.subject_id, money.wire()["amount"], hold.currency), hold.id, version)


def already_billed(subject_id: str) -> Problem:
    return conflict("already_settled", f"{subject_id} has been billed.", "Corrections are credits or reversals.")
