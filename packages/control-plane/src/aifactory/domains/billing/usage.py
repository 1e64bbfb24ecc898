"""Counted use: recorded per interval, set aside as it accrues, billed by the month.

A resource's month under one sku is one subject: it has one hold, which grows by what was used, and one bill. So nothing
is used for longer than one interval without being set aside, and a line is rounded once, however often it was counted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from aifactory.domains.billing import purchase, settlement
from aifactory.domains.billing.ledger import AVAILABLE, HELD, require_tenant
from aifactory.domains.billing.prices import price_in_force
from aifactory.domains.billing.store import accounts, catalogue, holds, ledger
from aifactory.domains.billing.store import usage as store
from aifactory.events.billing import HoldExtensionFailed, HoldPlaced
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import invalid
from aifactory.kernel.money import Money, minor_unit
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule, each_in_its_tenant

SETTLE_AFTER = timedelta(hours=1)  # so long after its end a month is billed: late counts still belong to it
SETTLE_EVERY_SECONDS = 300
BATCH = 500


@dataclass(frozen=True)
class Usage:
    """`quantity` whole bytes (sku per gb), byte-seconds (per gb_month) or tokens (per million) of `source_id` in
    [from_at, to_at), whole seconds. The price is the one in force at `priced_at`; None: when the interval began."""

    source_id: str
    name: str
    project_id: str
    region: str
    sku: str
    from_at: datetime
    to_at: datetime
    quantity: int
    priced_at: datetime | None = None


def month_end(at: datetime) -> datetime:
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def subject_of(source_id: str, sku: str, at: datetime) -> str:
    return f"{source_id}/{sku}/{at:%Y-%m}"


async def authorize(tx: Tx, project_id: str, skus: tuple[str, ...], region: str) -> None:
    """Passes the gate of region and product for each; sets nothing aside, because nothing has been used."""
    tenant_id = require_tenant(tx)
    for sku in skus:
        price = await price_in_force(tx, sku, region, None)
        account_id = await accounts.ensure_wallet(tx, tenant_id, price.price.currency)
        await purchase.pass_gate(tx, tenant_id, account_id, purchase.Purchase("", project_id, sku, region))
        await _check_credit(tx, tenant_id, price.price.currency)


async def _check_credit(tx: Tx, tenant_id: str, currency: str) -> None:
    wallets = await accounts.wallets_of(tx, tenant_id)
    available = sum((wallet.available for wallet in wallets if wallet.currency == currency), Decimal(0))
    if available <= 0:
        needed = Money(minor_unit(currency), currency)
        raise purchase.insufficient("What is used is set aside as it accrues.", needed, available, "Add credit.")


async def record(tx: Tx, used: Usage) -> bool:
    """False when this interval was recorded before; then nothing changes."""
    tenant_id = require_tenant(tx)
    if used.to_at > await tx.now():
        raise invalid("to_at", "Use is recorded once it has happened.")
    await store.lock_open(tx, used.source_id)  # all that cover() will want, while no wallet is locked yet
    hold = await _hold_of(tx, tenant_id, used)
    await catalogue.pin_prices(tx, used.sku, used.region)
    price = await price_in_force(tx, used.sku, used.region, used.priced_at or used.from_at)
    return await store.insert_record(
        tx,
        tenant_id=tenant_id,
        source_id=used.source_id,
        sku=used.sku,
        from_at=used.from_at,
        to_at=used.to_at,
        subject_id=hold.subject_id,
        price_id=price.id,
        quantity=used.quantity,
    )


async def _hold_of(tx: Tx, tenant_id: str, used: Usage) -> holds.HoldRow:
    """The month's hold. A month that was billed already takes nothing more: late use goes to the present one."""
    for at in (used.from_at, await tx.now()):
        subject_id = subject_of(used.source_id, used.sku, at)
        hold = await holds.lock_hold(tx, subject_id) or await _open(tx, tenant_id, subject_id, used, month_end(at))
        if hold.state == "held":
            return hold
    raise invalid("from_at", f"{used.source_id} has been billed to its end.")


async def _open(tx: Tx, tenant_id: str, subject_id: str, used: Usage, ends_at: datetime) -> holds.HoldRow:
    price = await price_in_force(tx, used.sku, used.region, used.priced_at or used.from_at)
    currency = price.price.currency
    account_id = await accounts.ensure_wallet(tx, tenant_id, currency)
    hold_id = tx.ids.new("hold")
    row = {
        "id": hold_id, "tenant_id": tenant_id, "subject_id": subject_id, "project_id": used.project_id,
        "account_id": account_id, "currency": currency, "sku": used.sku, "region_id": used.region,
        "use_case": "general", "quote_id": None, "price_id": price.id, "amount": Decimal(0),
    }  # fmt: skip
    if await holds.insert_hold(tx, row):
        await store.open_period(
            tx, tenant_id=tenant_id, subject_id=subject_id, source_id=used.source_id, project_id=used.project_id,
            region_id=used.region, sku=used.sku, name=used.name, opened_at=used.from_at, ends_at=ends_at,
        )  # fmt: skip
        placed = HoldPlaced(hold_id, subject_id, used.project_id, used.sku, used.region, "0.00", currency)
        await tx.emit(placed, hold_id, 1)
    hold = await holds.lock_hold(tx, subject_id)
    assert hold is not None  # ours, or that of whoever was faster
    return hold


async def cover(tx: Tx, source_id: str) -> bool:
    """Sets aside what has accrued in the months that are not billed yet. False when the credit does not reach."""
    return all([await _cover(tx, hold) for hold in await store.lock_open(tx, source_id)])


async def _cover(tx: Tx, hold: holds.HoldRow) -> bool:
    missing = await store.needed(tx, hold.subject_id) - hold.amount
    if missing <= 0:
        return True
    posted = await _set_aside(tx, hold, missing)
    if posted.outcome != "insufficient":
        await holds.save_cover(tx, hold.id, hold.amount + missing, None, None, None)
        return True
    part = posted.available.quantize(minor_unit(hold.currency), ROUND_FLOOR)
    if part > 0:
        await _set_aside(tx, hold, part)
    now = await tx.now()
    amount = hold.amount + max(part, Decimal(0))
    version = await holds.save_cover(tx, hold.id, amount, None, hold.notified_at or now, hold.exhausted_at or now)
    if hold.notified_at is None:
        lacking = Money(missing - max(part, Decimal(0)), hold.currency).wire()
        notice = HoldExtensionFailed(
            hold.id, hold.subject_id, hold.project_id, now.isoformat(), lacking["amount"], lacking["currency"]
        )
        await tx.emit(notice, hold.id, version)
    return False


async def _set_aside(tx: Tx, hold: holds.HoldRow, amount: Decimal) -> ledger.PostedRow:
    lines = {AVAILABLE: -amount, HELD: amount}
    key = f"hold:{hold.subject_id}:{hold.version + 1}"
    posting = ledger.Posting(
        key, "hold", hold.tenant_id, hold.account_id, hold.currency, lines, hold.subject_id, "used and not billed yet"
    )
    return await ledger.post_entry(tx, posting)


async def settle(tx: Tx, source_id: str) -> None:
    """Nothing more will be used: bills every month that is not billed yet."""
    for hold in await store.lock_open(tx, source_id):
        await _settle(tx, hold.subject_id)


async def _settle(tx: Tx, subject_id: str) -> None:
    hold = await holds.lock_hold(tx, subject_id)
    if hold is not None and hold.state == "held":
        await catalogue.pin_prices(tx, hold.sku, hold.region_id)
        await settlement.charge(tx, hold, await store.bill(tx, subject_id))
    await store.forget_end(tx, subject_id)


async def settle_due(database: Database) -> int:
    """Bills the months that are over, each in a transaction of its own. Returns how many were looked at."""
    who = Principal.service("billing.settle_usage")
    async with database.tx("worker", who) as tx:
        due = await store.due(tx, await tx.now() - SETTLE_AFTER, BATCH)
    return await each_in_its_tenant(
        database,
        who,
        due,
        lambda row: row.tenant_id,
        lambda tx, row: _settle(tx, row.subject_id),
        "months could not be billed",
    )


SETTLE_USAGE = Schedule("billing.settle_usage", SETTLE_EVERY_SECONDS, settle_due)
