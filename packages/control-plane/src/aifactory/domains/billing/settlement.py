"""Settlement: the bill of a subject whose meter has closed, posted once and for ever."""

from collections.abc import Sequence
from decimal import Decimal

from aifactory.domains.billing.ledger import AVAILABLE, HELD, REVENUE, ROUNDING
from aifactory.domains.billing.purchase import return_all
from aifactory.domains.billing.store import catalogue, holds, ledger, meters
from aifactory.events.billing import ChargeSettled
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.money import Money


def charge_lines(billed: Decimal, exact: Decimal, held: Decimal) -> dict[str, Decimal]:
    """The tenant pays what the bill says, out of what is held; the rest of the hold, or what it lacked, is the
    available side's. Revenue is exact, and what rounding added or took goes to the rounding account."""
    return {HELD: -held, AVAILABLE: held - billed, REVENUE: exact, ROUNDING: billed - exact}


async def settle(tx: Tx, subject_id: str) -> Money:
    hold = await holds.lock_hold(tx, subject_id)
    if hold is None:
        raise not_found("purchase", subject_id)
    if hold.state == "settled":
        return await _settled_before(tx, subject_id)
    nothing = Money(Decimal(0), hold.currency)
    if hold.state == "voided":
        return nothing
    meter = await meters.meter(tx, subject_id)
    if meter.opened_at is None:
        await return_all(tx, hold)
        return nothing
    if meter.closed_at is None:
        raise conflict("meter_running", f"The meter of {subject_id} is still open.", "Close it first.")
    await catalogue.pin_prices(tx, hold.sku, hold.region_id)
    return await charge(tx, hold, await meters.bill(tx, hold.subject_id))


async def _settled_before(tx: Tx, subject_id: str) -> Money:
    earlier = await meters.charge(tx, subject_id)
    assert earlier is not None  # written in the transaction that settled the hold
    return Money(earlier.total, earlier.currency)


async def charge(tx: Tx, hold: holds.HoldRow, bill: Sequence[meters.BillLineRow]) -> Money:
    """Posts these lines out of the hold and ends it. Whoever calls holds the hold's lock and its prices."""
    exact = sum((line.exact_amount for line in bill), Decimal(0))
    total = Money(sum((line.amount for line in bill), Decimal(0)), hold.currency)
    entry_id = await _post(tx, hold, total.amount, exact)
    charge_id = tx.ids.new("charge")
    row = {
        "id": charge_id, "tenant_id": hold.tenant_id, "subject_id": hold.subject_id, "project_id": hold.project_id,
        "account_id": hold.account_id, "currency": hold.currency, "entry_id": entry_id, "exact_total": exact, "total": total.amount,
    }  # fmt: skip
    await meters.insert_charge(
        tx, row, [_row(charge_id, hold.tenant_id, number, line) for number, line in enumerate(bill, 1)]
    )
    version = await holds.end_hold(tx, hold.id, "settled")
    await holds.unwatch(tx, hold.subject_id)
    await _tell(tx, hold, charge_id, total, bill, version)
    return total


async def _post(tx: Tx, hold: holds.HoldRow, billed: Decimal, exact: Decimal) -> str | None:
    lines = charge_lines(billed, exact, hold.amount)
    if not any(lines.values()):
        return None
    posting = ledger.Posting(
        f"charge:{hold.subject_id}", "charge", hold.tenant_id, hold.account_id, hold.currency, lines, hold.subject_id
    )
    return (await ledger.post_entry(tx, posting)).entry_id


def _row(charge_id: str, tenant_id: str, number: int, line: meters.BillLineRow) -> dict[str, object]:
    return {
        "charge_id": charge_id, "line_no": number, "tenant_id": tenant_id, "price_id": line.price_id, "sku": line.sku,
        "region_id": line.region_id, "price_per_hour": line.price_per_hour, "from_at": line.from_at, "to_at": line.to_at,
        "seconds": line.seconds, "exact_amount": line.exact_amount, "amount": line.amount,
        "quantity": line.quantity, "unit": line.unit,
    }  # fmt: skip


async def _tell(
    tx: Tx, hold: holds.HoldRow, charge_id: str, total: Money, bill: Sequence[meters.BillLineRow], version: int
) -> None:
    seconds = sum(line.seconds for line in bill)
    details = {"subject_id": hold.subject_id, "seconds": seconds, "total": total.wire()}
    await tx.audit("billing.charge.settle", charge_id, project_id=hold.project_id, details=details)
    wire = total.wire()
    settled = ChargeSettled(charge_id, hold.subject_id, hold.project_id, wire["amount"], wire["currency"], seconds)
    await tx.emit(settled, hold.subject_id, version)


async def running_cost(tx: Tx, subject_ids: Sequence[str]) -> dict[str, Money]:
    rows = await meters.running_cost(tx, list(subject_ids))
    return {row.subject_id: Money(row.amount, row.currency) for row in rows}
