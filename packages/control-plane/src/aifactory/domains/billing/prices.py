"""Prices: effective-dated, never edited, changed only from now on."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg

from aifactory.domains.billing.store import catalogue
from aifactory.domains.platform_control import facade as platform_control
from aifactory.events.billing import PriceChanged
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, invalid, not_found
from aifactory.kernel.money import Money

MAX_PRICE = Decimal(1_000_000)  # for one of its sku's unit
_SKU = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MAX_AHEAD = timedelta(days=730)
_IN_THE_PAST, _OTHER_CURRENCY = "AF001", "AF002"


@dataclass(frozen=True)
class NextPrice:
    """A scheduled change."""

    price: Money
    effective_at: datetime


@dataclass(frozen=True)
class PriceView:
    """What a sku costs in a region at one instant. `id` is the price row that bills will name."""

    id: str
    sku: str
    name: str
    description: str
    kind: str
    unit: str
    region_id: str
    price: Money
    effective_at: datetime
    next_price: NextPrice | None


@dataclass(frozen=True)
class NewPrice:
    """A change an operator asks for. effective_at: None means the next whole second."""

    sku: str
    region_id: str
    amount: Decimal
    currency: str
    effective_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class ChangedPrice:
    id: str
    sku: str
    region_id: str
    price: Money
    effective_at: datetime


def view(row: catalogue.PriceRow) -> PriceView:
    following = None
    if row.next_amount is not None and row.next_effective_at is not None:
        following = NextPrice(Money(row.next_amount, row.currency), row.next_effective_at)
    return PriceView(
        row.id, row.sku, row.name, row.description, row.kind, row.unit, row.region_id,
        Money(row.amount, row.currency), row.effective_at, following,
    )  # fmt: skip


async def price_in_force(tx: Tx, sku: str, region_id: str, at: datetime | None) -> PriceView:
    row = await catalogue.price_in_force(tx, sku, region_id, at)
    if row is None:
        raise not_found("priced sku", sku)
    return view(row)


async def change_price(tx: Tx, wanted: NewPrice) -> ChangedPrice:
    await _check_what_is_sold(tx, wanted)
    _check_amount(wanted.amount)
    await _check_instant(tx, wanted.effective_at)
    changed = await _insert(tx, wanted)
    price = Money(wanted.amount, wanted.currency)
    await catalogue.recheck_holds(tx, wanted.sku, wanted.region_id)
    details = {
        "sku": wanted.sku,
        "region_id": wanted.region_id,
        "price": price.wire(),
        "effective_at": changed.effective_at.isoformat(),
    }
    await tx.audit("billing.price.change", changed.id, reason=wanted.reason, details=details)
    event = PriceChanged(
        changed.id,
        wanted.sku,
        wanted.region_id,
        price.wire()["amount"],
        wanted.currency,
        changed.effective_at.isoformat(),
    )
    await tx.emit(event, changed.id, 1)
    return ChangedPrice(changed.id, wanted.sku, wanted.region_id, price, changed.effective_at)


async def add_sku(tx: Tx, sku: str, name: str, description: str, kind: str, unit: str) -> None:
    if not _SKU.fullmatch(sku):
        raise invalid("sku", "A sku has 1 to 63 lower-case letters, digits, dots, hyphens and underscores.")
    if await catalogue.add_sku(tx, sku=sku, name=name, description=description, kind=kind, unit=unit):
        await tx.audit("billing.sku.add", sku, details={"kind": kind, "unit": unit})
    elif not await catalogue.is_same_sku(tx, sku, kind, unit):
        raise conflict("sku_exists", f"{sku} is something else that is sold already.", "Choose another name.")


async def _check_what_is_sold(tx: Tx, wanted: NewPrice) -> None:
    region = await platform_control.region(tx, wanted.region_id)
    if region.currency != wanted.currency:
        raise invalid("currency", f"Region {wanted.region_id} sells in {region.currency}, not in {wanted.currency}.")
    if not await catalogue.sku_exists(tx, wanted.sku):
        raise not_found("sku", wanted.sku)


def _check_amount(amount: Decimal) -> None:
    if not amount.is_finite() or not 0 <= amount <= MAX_PRICE:
        raise invalid("amount", f"A price is between 0 and {MAX_PRICE}.")
    if -int(amount.as_tuple().exponent) > 9:
        raise invalid("amount", "A price has at most nine decimal places.")


async def _check_instant(tx: Tx, effective_at: datetime | None) -> None:
    if effective_at is None:
        return
    now = await tx.now()
    if effective_at < now.replace(microsecond=0):
        raise _past()
    if effective_at > now + MAX_AHEAD:
        raise invalid("effective_at", f"A price is scheduled at most {MAX_AHEAD.days} days ahead.")


async def _insert(tx: Tx, wanted: NewPrice) -> catalogue.NewPriceRow:
    try:
        row = await catalogue.insert_price(
            tx, wanted.sku, wanted.region_id, wanted.currency, wanted.amount, wanted.effective_at, wanted.reason
        )
    except psycopg.DatabaseError as error:  # the database decides; the checks above only explain sooner
        if error.sqlstate == _IN_THE_PAST:
            raise _past() from error
        if error.sqlstate == _OTHER_CURRENCY:
            raise conflict(
                "currency_is_fixed", "This sku is sold in another currency in this region already."
            ) from error
        raise
    if row is None:
        raise conflict(
            "price_already_set", f"{wanted.sku} already has a price from that second on, and prices are never edited.",
            "Choose another second; the later price counts from then on.",
        )  # fmt: skip
    return row


def _past() -> Problem:
    return invalid(
        "effective_at", "A price cannot change in the past: bills that were made would not be true any more.",
        "Leave effective_at out for the next second, or name an instant to come.", code="price_in_the_past",
    )  # fmt: skip
