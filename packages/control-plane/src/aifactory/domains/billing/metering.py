"""Meters: what the control plane observed, from when until when; and the outages that are not billed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from aifactory.domains.billing import rolling
from aifactory.domains.billing.ledger import AVAILABLE, OUTAGES, require_tenant
from aifactory.domains.billing.store import catalogue, holds, ledger, meters
from aifactory.events.billing import MeterClosed, MeterOpened, OutageCredited
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found
from aifactory.kernel.money import Money

_SECOND = timedelta(seconds=1)


def whole_second(at: datetime) -> datetime:
    """Billing instants are truncated to whole seconds."""
    return at.replace(microsecond=0)


async def open_meter(
    tx: Tx, subject_id: str, sku: str, region_id: str, project_id: str, at: datetime, dims: Mapping[str, object]
) -> None:
    tenant_id = require_tenant(tx)
    await _not_in_the_future(tx, at)
    hold = await holds.lock_hold(tx, subject_id)
    if hold is None or hold.state != "held":
        raise conflict("no_hold", f"There is no hold for {subject_id}: nothing is metered that was not authorized.")
    await catalogue.pin_prices(tx, hold.sku, hold.region_id)
    if not await meters.open_meter(tx, tenant_id, subject_id, sku, region_id, project_id, at, dict(dims)):
        return
    await rolling.watch_from(tx, hold, await tx.now())
    opened = MeterOpened(subject_id, project_id, sku, region_id, whole_second(at).isoformat())
    await tx.emit(opened, subject_id, 1)


async def close_meter(tx: Tx, subject_id: str, at: datetime) -> None:
    tenant_id = require_tenant(tx)
    await _not_in_the_future(tx, at)
    if await meters.close_meter(tx, tenant_id, subject_id, at):
        await tx.emit(MeterClosed(subject_id, whole_second(at).isoformat()), subject_id, 2)


async def _not_in_the_future(tx: Tx, at: datetime) -> None:
    if at > await tx.now():
        raise invalid("at", "A meter records what has happened; this instant is still to come.")


async def credit_outage(tx: Tx, subject_id: str, from_at: datetime, to_at: datetime, reason: str) -> Money:
    """Seconds that the outage only touched count as lost too: it begins at the second before and ends at the one after."""
    start, end = whole_second(from_at), whole_second(to_at + _SECOND - timedelta(microseconds=1))
    await _check_outage(tx, start, to_at)
    hold = await holds.lock_hold(tx, subject_id)
    if hold is None:
        raise not_found("billed subject", subject_id)
    pause_id = tx.ids.new("pause")
    nothing = Money(Decimal(0), hold.currency)
    if not await meters.pause(tx, pause_id, hold.tenant_id, subject_id, start, end, reason):
        return nothing
    credited = await _give_back(tx, hold, pause_id, reason) if hold.state == "settled" else nothing
    details = {"subject_id": subject_id, "from": start.isoformat(), "to": end.isoformat(), "credited": credited.wire()}
    await tx.audit("billing.outage.credit", subject_id, project_id=hold.project_id, reason=reason, details=details)
    event = OutageCredited(
        pause_id, subject_id, start.isoformat(), end.isoformat(), credited.wire()["amount"], hold.currency
    )
    await tx.emit(event, pause_id, 1)
    return credited


async def _check_outage(tx: Tx, from_at: datetime, to_at: datetime) -> None:
    if from_at >= to_at:
        raise invalid("to", "The outage must end after it began.")
    if to_at > await tx.now():
        raise invalid("to", "Only outages that are over can be credited.")


async def _give_back(tx: Tx, hold: holds.HoldRow, pause_id: str, reason: str) -> Money:
    """The bill was posted already: the difference to the bill without the outage becomes a credit."""
    await catalogue.pin_prices(tx, hold.sku, hold.region_id)
    charge = await meters.charge(tx, hold.subject_id)
    assert charge is not None  # a settled hold has a charge
    lines = await meters.bill(tx, hold.subject_id)
    credit = charge.total - charge.credited - sum((line.amount for line in lines), Decimal(0))
    if credit > 0:
        postings = {AVAILABLE: credit, OUTAGES: -credit}
        await ledger.post_entry(
            tx,
            ledger.Posting(
                f"outage:{pause_id}",
                "outage_credit",
                hold.tenant_id,
                hold.account_id,
                hold.currency,
                postings,
                hold.subject_id,
                reason,
            ),
        )
    return Money(max(credit, Decimal(0)), hold.currency)
