"""Rolling holds: on-demand use has no end, what is set aside for it has. A hold stays ahead of its meter by up to an
hour; when the credit does not reach that far the tenant is told, and at the end of the covered time the use ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from aifactory.domains.billing.ledger import AVAILABLE, HELD
from aifactory.domains.billing.quotes import HOLD_AHEAD
from aifactory.domains.billing.store import catalogue, holds, ledger, meters
from aifactory.events.billing import CreditExhausted, HoldExtensionFailed
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.money import Money, minor_unit
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule

EXTEND_BELOW = timedelta(minutes=30)  # extend when less than this is covered
INTERVAL = timedelta(seconds=60)  # published: overdraft is at most what this costs
EVERY_SECONDS = 15
BATCH = 500
_HORIZON = timedelta(days=366)  # "for as long as anybody asks", e.g. at a price of zero


@dataclass(frozen=True)
class Outlook:
    """What to do about a hold now. check_at: when to look again."""

    short: bool
    exhausted: bool
    check_at: datetime


def outlook(now: datetime, covered_until: datetime) -> Outlook:
    """Pure. Well covered: come back when half an hour is left. Short: look every interval, and right at the end."""
    if covered_until - now >= EXTEND_BELOW:
        return Outlook(False, False, covered_until - EXTEND_BELOW)
    if covered_until > now:
        return Outlook(True, False, min(now + INTERVAL / 2, covered_until))
    return Outlook(True, True, now + INTERVAL / 2)


async def watch_from(tx: Tx, hold: holds.HoldRow, now: datetime) -> None:
    """The meter has opened: from here on the hold is looked after."""
    covered = await holds.covered_until(tx, hold.subject_id, hold.amount, now + _HORIZON)
    await holds.save_cover(tx, hold.id, hold.amount, covered, None, None)
    await holds.watch(tx, hold, max(now, outlook(now, covered).check_at))


async def roll_due(database: Database) -> int:
    """One round over all tenants; each hold in a transaction of its own, so that one that fails stops no other.
    Returns how many were looked at. Raises the failures together, once all have had their turn."""
    who = Principal.service("billing.roll_holds")
    async with database.tx("worker", who) as tx:
        due = await holds.due(tx, BATCH)
    failures = []
    for row in due:
        try:
            async with database.tx("worker", who) as tx:
                await tx.set_tenant(row.tenant_id)
                await roll(tx, row.subject_id)
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(due)} holds could not be rolled", failures)
    return len(due)


async def roll(tx: Tx, subject_id: str) -> None:
    """Extends the hold if it must and can be, says so if it cannot, and sets when to look again. Safe to repeat."""
    hold = await holds.lock_hold(tx, subject_id)
    if hold is None or hold.state != "held" or (await meters.meter(tx, subject_id)).closed_at is not None:
        await holds.unwatch(tx, subject_id)
        return
    await catalogue.pin_prices(tx, hold.sku, hold.region_id)
    now = await tx.now()
    amount = hold.amount
    covered = await holds.covered_until(tx, subject_id, amount, now + _HORIZON)
    if outlook(now, covered).short:
        amount += await _extend(tx, hold, now)
        covered = await holds.covered_until(tx, subject_id, amount, now + _HORIZON)
    await _record(tx, hold, amount, covered, now)


async def _extend(tx: Tx, hold: holds.HoldRow, now: datetime) -> Decimal:
    """Sets aside up to an hour ahead, or as much of it as there is. Returns by how much the hold grew."""
    missing = await holds.hold_needed(tx, hold.subject_id, now + HOLD_AHEAD) - hold.amount
    if missing <= 0:
        return Decimal(0)
    posted = await _set_aside(tx, hold, missing)
    if posted.outcome != "insufficient":
        return missing
    part = posted.available.quantize(minor_unit(hold.currency), ROUND_FLOOR)
    if part <= 0:
        return Decimal(0)
    await _set_aside(tx, hold, part)  # the wallet has been locked since the refusal: this is there
    return part


async def _set_aside(tx: Tx, hold: holds.HoldRow, amount: Decimal) -> ledger.PostedRow:
    lines = {AVAILABLE: -amount, HELD: amount}
    key = f"hold:{hold.subject_id}:{hold.version + 1}"
    return await ledger.post_entry(
        tx,
        ledger.Posting(
            key, "hold", hold.tenant_id, hold.account_id, hold.currency, lines, hold.subject_id, "one hour ahead"
        ),
    )


async def _record(tx: Tx, hold: holds.HoldRow, amount: Decimal, covered: datetime, now: datetime) -> None:
    view = outlook(now, covered)
    notified = (hold.notified_at or now) if view.short else None
    exhausted = hold.exhausted_at or (now if view.exhausted else None)
    version = await holds.save_cover(tx, hold.id, amount, covered, notified, exhausted)
    await holds.watch(tx, hold, view.check_at)
    if amount != hold.amount:
        details = {
            "subject_id": hold.subject_id,
            "by": Money(amount - hold.amount, hold.currency).wire(),
            "covered_until": covered.isoformat(),
        }
        await tx.audit("billing.hold.extend", hold.id, project_id=hold.project_id, details=details)
    if view.short and hold.notified_at is None:
        await tx.emit(await _notice(tx, hold, amount, covered, now), hold.id, version)
    if view.exhausted and hold.exhausted_at is None:
        await tx.emit(CreditExhausted(hold.id, hold.subject_id, hold.project_id, covered.isoformat()), hold.id, version)


async def _notice(
    tx: Tx, hold: holds.HoldRow, amount: Decimal, covered: datetime, now: datetime
) -> HoldExtensionFailed:
    needed = await holds.hold_needed(tx, hold.subject_id, now + HOLD_AHEAD)
    missing = Money(max(needed - amount, Decimal(0)), hold.currency).wire()["amount"]
    return HoldExtensionFailed(hold.id, hold.subject_id, hold.project_id, covered.isoformat(), missing, hold.currency)


ROLL_HOLDS = Schedule("billing.roll_holds", EVERY_SECONDS, roll_due)
