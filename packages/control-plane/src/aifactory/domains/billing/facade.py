"""The door to money. Everything joins the caller's transaction; nothing here commits, nothing waits for an event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from aifactory.domains.billing import leases, metering, prices, purchase, reports, settlement
from aifactory.domains.billing import ledger as books
from aifactory.domains.billing import quotes as quoting
from aifactory.domains.billing import usage as counting
from aifactory.domains.billing.cursors import keyset
from aifactory.domains.billing.leases import LeaseView, LeaseWish
from aifactory.domains.billing.ledger import Posted
from aifactory.domains.billing.prices import ChangedPrice, NewPrice, NextPrice, PriceView
from aifactory.domains.billing.purchase import Authorization, Purchase
from aifactory.domains.billing.quotes import QuoteLine, QuoteView
from aifactory.domains.billing.store import accounts, catalogue
from aifactory.domains.billing.store import leases as lease_store
from aifactory.domains.billing.store import ledger as postings
from aifactory.domains.billing.store.reports import UsageFilter
from aifactory.domains.billing.usage import Usage
from aifactory.domains.iam import facade as iam
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.money import Money
from aifactory.kernel.pagination import Page

__all__ = [
    "Authorization", "ChangedPrice", "LeaseView", "LeaseWish", "NewPrice", "NextPrice", "Posted", "PriceView", "Purchase", "QuoteLine", "QuoteView",
    "Usage", "add_sku", "authorize_purchase", "authorize_usage", "change_price", "close_meter", "cover_usage", "credit_outage", "draw_on_lease", "end_lease", "entries",
    "grant_credit", "lease_credit", "open_meter", "payer", "payers", "price_changes", "price_history", "price_of", "prices_in", "quote", "record_fact", "record_usage", "reverse_entry", "running_cost", "settle", "settle_usage", "statement", "tenant_of_lease", "trial_balance",
    "usage", "void", "wallet",
]  # fmt: skip


async def price_of(tx: Tx, sku: str, region: str, at: datetime | None = None) -> PriceView:
    """The price in force now or at an instant, and the next scheduled one. Raises Problem 404 when it is not sold there."""
    return await prices.price_in_force(tx, sku, region, at)


async def prices_in(tx: Tx, region: str | None = None) -> list[PriceView]:
    """The price list of a region, or of all: one price for each (region, sku), for the catalogue."""
    return [prices.view(row) for row in await catalogue.prices_in_force(tx, region)]


async def quote(tx: Tx, sku: str, region: str, count: int = 1, hours: Decimal = Decimal(1)) -> QuoteView:
    """What `count` pieces cost for `hours` from now, scheduled prices included, and what a launch sets aside at once.
    Stored nowhere: its id names the price, and authorize_purchase refuses it when that is not the price any more.
    Raises Problem 422 for what is counted instead of timed."""
    return await quoting.quote(tx, sku, region, count, hours)


async def authorize_purchase(tx: Tx, wanted: Purchase) -> Authorization:
    """Passes the gate of region, product and use case, and sets aside an hour ahead under the subject's name.
    Undone by `void`. Raises Problem 402 kyc_required, payment_method_required, insufficient_credit (needed, available),
    403 not_for_sale, 409 quote_expired, quote_changed. Emits billing.hold_placed. Asked again for the same subject it
    answers the same."""
    return await purchase.authorize(tx, wanted)


async def void(tx: Tx, subject_id: str) -> None:
    """The purchase came to nothing: the hold becomes available again, nothing is billed. Safe to repeat.
    Raises 409 once the meter has opened. Emits billing.hold_voided."""
    await purchase.void(tx, subject_id)


async def open_meter(
    tx: Tx,
    subject_id: str,
    sku: str,
    region: str,
    project_id: str,
    at: datetime,
    dims: Mapping[str, object] | None = None,
) -> None:
    """From `at` (whole second, not in the future) the subject is billable. The first call counts, others change nothing.
    From here on the worker keeps the hold an hour ahead; billing.hold_extension_failed and billing.credit_exhausted tell
    when it cannot. dims["name"] is what usage and statement show. Worker role. Raises 409 no_hold."""
    await metering.open_meter(tx, subject_id, sku, region, project_id, at, dims or {})


async def close_meter(tx: Tx, subject_id: str, at: datetime) -> None:
    """From `at` (whole second, not in the future) the subject is not billable. The first call counts. The bill waits for `settle`."""
    await metering.close_meter(tx, subject_id, at)


async def settle(tx: Tx, subject_id: str) -> Money:
    """Posts the bill of a subject whose meter is closed, out of its hold; the rest becomes available. Once: asked again it
    answers the same total. A subject that was never metered is voided (0). Worker role. Raises 409 meter_running.
    Emits billing.charge_settled."""
    return await settlement.settle(tx, subject_id)


async def running_cost(tx: Tx, subject_ids: Sequence[str]) -> dict[str, Money]:
    """What each subject has cost: exactly (nine places) while it runs, as billed once it is settled. Unknown ids are left out."""
    return await settlement.running_cost(tx, subject_ids)


async def authorize_usage(tx: Tx, project_id: str, skus: tuple[str, ...], region: str) -> None:
    """Passes the gate for use that is counted; sets nothing aside. Raises like authorize_purchase; needs some credit."""
    await counting.authorize(tx, project_id, skus, region)


async def record_usage(tx: Tx, used: Usage) -> bool:
    """Counted use of one interval, once: the same (source, sku, from_at) again changes nothing and answers False.
    Shown as unbilled at once, set aside by `cover_usage`, billed when its month is over or by `settle_usage`. Worker role."""
    return await counting.record(tx, used)


async def cover_usage(tx: Tx, source_id: str) -> bool:
    """Sets aside what the source has used and was not billed. False when the credit does not reach: then the use must
    stop; asked again after credit was added it answers True. Emits billing.hold_extension_failed, once. Worker role."""
    return await counting.cover(tx, source_id)


async def settle_usage(tx: Tx, source_id: str) -> None:
    """The source is gone: bills what it has used and was not billed. Safe to repeat. Worker role. Emits charge_settled."""
    await counting.settle(tx, source_id)


async def lease_credit(tx: Tx, wish: LeaseWish) -> LeaseView:
    """Sets aside at least `least` for a holder that spends it by itself, and more where there is more: an eighth of what is
    available, 20 of the currency at most. The same id again answers the same lease, also when it has ended. Worker role.
    Raises Problem 402 insufficient_credit (needed, available), 409 lease_id_taken, 422 for an id or a least that is none."""
    return await leases.lease(tx, wish)


async def draw_on_lease(tx: Tx, lease_id: str, amount: Decimal) -> Decimal:
    """A part of what was leased has been used: it is available again, for `cover_usage` in the same transaction, after
    `record_usage`. Returns how much that is: at most what remained, 0 for an ended or unknown lease. Worker role."""
    return await leases.draw(tx, lease_id, amount)


async def end_lease(tx: Tx, lease_id: str, holder_id: str) -> None:
    """What remains of it is available again; twice is once. Worker role. Raises Problem 404 for an unknown lease and for
    another holder's. A lease that nobody ends does so by itself, an hour after `expires_at`."""
    await leases.end(tx, lease_id, holder_id)


async def tenant_of_lease(tx: Tx, lease_id: str) -> str | None:
    """Whose an open lease is; None for one that has ended. Worker role, before a tenant is entered."""
    return await lease_store.tenant_of(tx, lease_id)


async def payer(tx: Tx, currency: str) -> str:
    """The billing account of the transaction's tenant, made with an empty wallet if need be."""
    return await accounts.ensure_wallet(tx, books.require_tenant(tx), currency)


async def payers(tx: Tx, account_ids: Sequence[str] | None = None) -> dict[str, str]:
    """tenant -> billing account: of these accounts, or of all tenants. Worker role, before a tenant is entered."""
    return await lease_store.payers(tx, account_ids)


async def credit_outage(tx: Tx, subject_id: str, from_at: datetime, to_at: datetime, reason: str) -> Money:
    """Takes [from, to) off the bill, widened to whole seconds. Returns what was given back, which is 0 while nothing has
    been billed: then the bill will simply be smaller. The same interval counts once. Worker or operator."""
    return await metering.credit_outage(tx, subject_id, from_at, to_at, reason)


async def change_price(tx: Tx, wanted: NewPrice) -> ChangedPrice:
    """A new price from now or later on; what was billed stays as it was. Operator. Emits billing.price_changed.
    Raises 422 price_in_the_past, 409 price_already_set."""
    return await prices.change_price(tx, wanted)


async def price_changes(tx: Tx, skus: Sequence[str], region: str, since: datetime) -> list[datetime]:
    """The instants after `since` and until now at which one of their prices changed, in order."""
    return await catalogue.price_changes(tx, skus, region, since)


async def add_sku(tx: Tx, sku: str, name: str, description: str, kind: str, unit: str) -> None:
    """Something new to sell; nobody can buy it before it has a price. Again it changes nothing. Operator. Raises 422 for a
    name that is none, 409 sku_exists for one that is sold by another unit."""
    await prices.add_sku(tx, sku, name, description, kind, unit)


async def price_history(tx: Tx, sku: str | None, page: Page) -> bytes:
    """All prices ever set, newest first, as JSON."""
    return await catalogue.price_history_json(tx, sku, keyset(page), page.limit)


async def grant_credit(tx: Tx, tenant_id: str, amount: Money, kind: str, reason: str, money_key: str) -> Posted:
    """Credits a tenant's wallet. kind: promotional_credit or payment. The same money_key never posts twice.
    Operator or worker. Emits billing.credit_granted."""
    return await books.grant_credit(tx, tenant_id, amount, kind, reason, money_key)


async def record_fact(tx: Tx, tenant_id: str, kind: str, value: str, reason: str) -> None:
    """What was learnt about the payer: kyc_status or payment_method. Operator. Raises 404 without a billing account."""
    account_id = await accounts.account_of(tx, tenant_id)
    if account_id is None:
        raise not_found("billing account of tenant", tenant_id)
    await accounts.add_fact(tx, tenant_id, account_id, kind, value, reason)
    await tx.audit(
        "billing.fact.record", account_id, reason=reason, details={"tenant_id": tenant_id, "kind": kind, "value": value}
    )


async def reverse_entry(tx: Tx, entry_id: str, reason: str) -> Posted:
    """Corrects an entry by its opposite. Operator. Raises 404, 409 not_reversible, already_reversed."""
    return await books.reverse(tx, entry_id, reason)


async def usage(
    tx: Tx, page: Page, project_id: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> bytes:
    """Metered subjects of the projects that the caller may see, newest first, as JSON; only the part between `since`
    and `until` is counted."""
    visible = iam.visible_projects(tx, "usage.read")
    return await reports.usage(tx, page, UsageFilter(project_id, since, until, visible))


async def statement(tx: Tx, month: str | None, currency: str | None, page: Page) -> bytes:
    """The month's statement as JSON: opening, credits, lines, total, closing, and what runs but is not billed yet."""
    await iam.require(tx, "statement.read")
    return await reports.statement(tx, month, currency, page)


async def wallet(tx: Tx) -> bytes:
    """The tenant's wallets and what is known about the payer, as JSON. All zero before the first credit."""
    return await reports.wallet(tx)


async def trial_balance(tx: Tx) -> bytes:
    """Debits, credits and balances per currency and account, as JSON: the tenant's own lines, or all for an operator."""
    return await postings.trial_balance_json(tx)


async def entries(tx: Tx, subject_id: str | None, page: Page) -> bytes:
    """Ledger entries with their lines, newest first, as JSON."""
    return await postings.entries_json(tx, subject_id, keyset(page), page.limit)


async def posting_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """Every line of the ledger, as part of a story."""
    return await postings.evidence(tx, query)


async def related_ids(tx: Tx, subject_id: str) -> list[str]:
    """The holds and outages of a subject: the ids under which events tell about its money."""
    return await postings.related_ids(tx, subject_id)
