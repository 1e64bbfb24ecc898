"""Credit leases: money that a holder spends by itself, taken from the account before it is spent.

A holder that is lost can therefore overspend by nothing. What was used on a lease goes on the bill of what was used, and
the lease gets smaller by as much; what remains when it ends is available again.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from aifactory.domains.billing.ledger import AVAILABLE, HELD, require_tenant
from aifactory.domains.billing.purchase import insufficient
from aifactory.domains.billing.store import accounts, ledger
from aifactory.domains.billing.store import leases as store
from aifactory.domains.billing.store.leases import LeaseRow
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, conflict, invalid, not_found
from aifactory.kernel.money import LEDGER_PLACES, Money, quantize9
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule, each_in_its_tenant

SHARE = 8  # an eighth of what is available, so that several holders find something
MOST = Decimal(20)  # of the currency, unless more was asked for
LARGEST = Decimal(10) ** 18  # what the ledger can hold with nine places
GRACE = timedelta(hours=1)  # for the last words of a holder whose lease has run out
END_EVERY_SECONDS = 60
BATCH = 500
_ID = re.compile(r"[A-Za-z0-9_-]{1,81}")  # no colon: the money keys of one lease are never those of another


@dataclass(frozen=True)
class LeaseWish:
    """`lease_id` is the holder's choice: asking again with it brings the same lease. `least`: below it it is of no use."""

    lease_id: str
    holder_id: str
    currency: str
    least: Decimal
    life: timedelta


@dataclass(frozen=True)
class LeaseView:
    """`amount` was set aside; `remaining` of it is not on a bill yet, 0 once it has ended."""

    lease_id: str
    account_id: str
    amount: Money
    remaining: Money
    expires_at: datetime


async def lease(tx: Tx, wish: LeaseWish) -> LeaseView:
    tenant_id = require_tenant(tx)
    known = await store.lock(tx, wish.lease_id)
    if known is not None:
        return _same(known, wish)
    _check(wish)
    account_id = await accounts.ensure_wallet(tx, tenant_id, wish.currency)
    amount = await _set_aside(tx, tenant_id, account_id, wish)
    expires_at = await tx.now() + wish.life
    made = await store.insert(
        tx,
        id=wish.lease_id,
        tenant_id=tenant_id,
        account_id=account_id,
        currency=wish.currency,
        holder_id=wish.holder_id,
        amount=amount,
        expires_at=expires_at,
    )
    if made is None:
        raise _taken(wish)  # by another tenant
    details = {"holder_id": wish.holder_id, "amount": Money(amount, wish.currency).wire()}
    await tx.audit("billing.lease.open", wish.lease_id, details=details)
    return _view(made)


def _same(known: LeaseRow, wish: LeaseWish) -> LeaseView:
    if (known.holder_id, known.currency) != (wish.holder_id, wish.currency):
        raise _taken(wish)
    return _view(known)


def _taken(wish: LeaseWish) -> Problem:
    return conflict("lease_id_taken", f"{wish.lease_id} is another lease.", "Make a new id.")


def _check(wish: LeaseWish) -> None:
    if not _ID.fullmatch(wish.lease_id):
        raise invalid("lease_id", "1 to 81 letters, digits, hyphens and underscores.")
    if not wish.least.is_finite() or not 0 < wish.least <= LARGEST or quantize9(wish.least) != wish.least:
        raise invalid("least", f"More than 0 and at most {LARGEST:,}, with at most nine decimal places.")


async def _set_aside(tx: Tx, tenant_id: str, account_id: str, wish: LeaseWish) -> Decimal:
    """As much as is good, or the least when somebody else was faster; 402 when even that is not there."""
    wallets = {wallet.currency: wallet.available for wallet in await accounts.wallets_of(tx, tenant_id)}
    available = wallets[wish.currency]
    good = max(wish.least, min(MOST, (available / SHARE).quantize(LEDGER_PLACES, ROUND_FLOOR)))
    for amount in (good, wish.least):
        posting = ledger.Posting(
            f"lease:{wish.lease_id}", "hold", tenant_id, account_id, wish.currency, {AVAILABLE: -amount, HELD: amount},
            wish.lease_id, "leased, and not used yet",
        )  # fmt: skip
        posted = await ledger.post_entry(tx, posting)
        if posted.outcome != "insufficient":
            return amount
        available = posted.available
    why = "What may be spent before it is counted is set aside."
    raise insufficient(why, Money(wish.least, wish.currency), available, "Add credit, or ask for less at once.")


async def draw(tx: Tx, lease_id: str, amount: Decimal) -> Decimal:
    row = await store.lock(tx, lease_id)
    moved = Decimal(0) if row is None else quantize9(min(amount, row.remaining))
    if row is None or moved <= 0:
        return Decimal(0)
    await _release(tx, row, moved, "used, and on a bill from here on")
    await store.draw(tx, lease_id, moved)
    return moved


async def end(tx: Tx, lease_id: str, holder_id: str | None = None) -> None:
    row = await store.lock(tx, lease_id)
    if row is None or holder_id not in (None, row.holder_id):
        raise not_found("lease", lease_id)
    if row.state == "ended":
        return
    if row.remaining:
        await _release(tx, row, row.remaining, "leased, and not used")
    await store.end(tx, lease_id)
    details = {"holder_id": row.holder_id, "returned": Money(row.remaining, row.currency).wire()}
    await tx.audit("billing.lease.end", lease_id, details=details)


async def _release(tx: Tx, row: LeaseRow, amount: Decimal, reason: str) -> None:
    posting = ledger.Posting(
        f"lease:{row.id}:{row.version}", "hold_release", row.tenant_id, row.account_id, row.currency,
        {HELD: -amount, AVAILABLE: amount}, row.id, reason,
    )  # fmt: skip
    await ledger.post_entry(tx, posting)


def _view(row: LeaseRow) -> LeaseView:
    amount, remaining = Money(row.amount, row.currency), Money(row.remaining, row.currency)
    return LeaseView(row.id, row.account_id, amount, remaining, row.expires_at)


async def end_due(database: Database) -> int:
    """Ends what ran out long ago: a holder that is gone for good must not keep a tenant's money. Each in a transaction of
    its own. Returns how many were looked at. Raises the failures together, once all have had their turn."""
    who = Principal.service("billing.end_leases")
    async with database.tx("worker", who) as tx:
        due = await store.due(tx, await tx.now() - GRACE, BATCH)
    return await each_in_its_tenant(
        database,
        who,
        due,
        lambda row: row.tenant_id,
        lambda tx, row: end(tx, row.lease_id),
        "leases could not be ended",
    )


END_LEASES = Schedule("billing.end_leases", END_EVERY_SECONDS, end_due)
