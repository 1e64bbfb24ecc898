"""What a tenant reads about its money: usage, the month's statement, the wallet."""

import re
from datetime import UTC, datetime

from aifactory.domains.billing.cursors import keyset
from aifactory.domains.billing.ledger import require_tenant
from aifactory.domains.billing.store import accounts, reports
from aifactory.domains.billing.store.reports import UsageFilter
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import invalid
from aifactory.kernel.pagination import Page

_MONTH = re.compile(r"^(20\d\d)-(0[1-9]|1[0-2])$")


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """[first instant of the month, first of the next), UTC."""
    match = _MONTH.match(month)
    if match is None:
        raise invalid("month", f"{month!r} is not a month.", "Write it as YYYY-MM, e.g. 2026-11.")
    year, number = int(match[1]), int(match[2])
    end = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*end, 1, tzinfo=UTC)


async def usage(tx: Tx, page: Page, only: UsageFilter) -> bytes:
    if only.since is not None and only.until is not None and only.since >= only.until:
        raise invalid("until", "The end must be after `since`.")
    return await reports.usage_json(tx, only, keyset(page), page.limit)


async def statement(tx: Tx, month: str | None, currency: str | None, page: Page) -> bytes:
    tenant_id = require_tenant(tx)
    chosen = month or (await tx.now()).strftime("%Y-%m")
    from_at, to_at = month_bounds(chosen)
    paid_in = await _currency(tx, tenant_id, currency)
    return await reports.statement_json(
        tx, tenant_id, paid_in, chosen, from_at, to_at, keyset(page, numbered=True), page.limit
    )


async def wallet(tx: Tx) -> bytes:
    tenant_id = require_tenant(tx)
    body = await reports.wallet_json(tx, tenant_id, None)
    if body != b"null":
        return body
    return await reports.wallet_json(tx, tenant_id, await _currency(tx, tenant_id, None))


async def _currency(tx: Tx, tenant_id: str, asked: str | None) -> str:
    """What was asked for, else that of the oldest wallet, else the one of the first region."""
    wallets = await accounts.wallets_of(tx, tenant_id)
    if asked is not None:
        if all(wallet.currency != asked for wallet in wallets):
            raise invalid("currency", f"There is no wallet in {asked}.")
        return asked
    if wallets:
        return wallets[0].currency
    return (await platform_control.regions(tx))[0].currency
