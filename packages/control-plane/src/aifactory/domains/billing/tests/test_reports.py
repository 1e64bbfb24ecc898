"""What a tenant reads about its money, and that it adds up."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from aifactory.domains.billing import reports
from aifactory.domains.billing.store import ledger as postings
from aifactory.domains.billing.store.reports import UsageFilter
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page


async def _read(shop, tenant: str, what, *arguments) -> dict:
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        return json.loads(await what(tx, *arguments))


def _amount(money: dict) -> Decimal:
    assert money["currency"] == "EUR"
    return Decimal(money["amount"])


async def test_the_statement_explains_every_cent(shop) -> None:
    tenant = await shop.tenant("10.00")
    first = await shop.runs(tenant, 3600)
    await shop.settles(tenant, first)
    second = await shop.runs(tenant, 61)
    await shop.settles(tenant, second)
    running = await shop.buys(tenant)
    await shop.opens(tenant, running)
    shop.pass_seconds(1800)
    page = await _read(shop, tenant, reports.statement, "2027-03", None, Page(1000))
    assert {name: _amount(page[name]) for name in ("opening", "credits", "total", "closing", "held", "available")} == {
        "opening": 0, "credits": 10, "total": Decimal("0.12"), "closing": Decimal("9.88"), "held": Decimal("0.12"), "available": Decimal("9.76"),
    }  # fmt: skip
    assert [(line["allocation_id"], line["seconds"], _amount(line["exact_amount"]), _amount(line["amount"])) for line in page["lines"]] == [
        (first, 3600, Decimal("0.12"), Decimal("0.12")), (second, 61, Decimal("0.002033333"), Decimal(0)),
    ]  # fmt: skip
    assert page["lines"][0]["name"] == "nightly" and page["lines"][0]["from"] == "2027-03-01T12:00:00Z"
    (unbilled,) = page["unbilled"]["lines"]
    assert (unbilled["allocation_id"], unbilled["seconds"], _amount(page["unbilled"]["total"])) == (
        running,
        1800,
        Decimal("0.06"),
    )
    assert page["next_cursor"] is None


async def test_the_next_month_opens_with_what_the_last_one_closed(shop) -> None:
    tenant = await shop.tenant("10.00")
    await shop.settles(tenant, await shop.runs(tenant, 3600))
    shop.pass_seconds(40 * 86400)
    await shop.settles(tenant, await shop.runs(tenant, 7200))
    march = await _read(shop, tenant, reports.statement, "2027-03", None, Page(1000))
    april = await _read(shop, tenant, reports.statement, None, None, Page(1000))
    assert (april["month"], april["opening"], _amount(april["closing"])) == (
        "2027-04",
        march["closing"],
        Decimal("9.64"),
    )
    assert march["unbilled"]["lines"] == [] and len(april["lines"]) == 1


async def test_an_outage_shows_as_a_credit(shop) -> None:
    tenant = await shop.tenant("10.00")
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    await shop.outage(tenant, allocation, shop.second - timedelta(hours=1), shop.second)
    page = await _read(shop, tenant, reports.statement, None, None, Page(1000))
    assert [entry["kind"] for entry in page["credit_entries"]] == ["promotional_credit", "outage_credit"]
    assert (
        _amount(page["closing"]) == 10 == _amount(page["opening"]) + _amount(page["credits"]) - _amount(page["total"])
    )


async def test_lines_come_in_pages_and_none_is_lost(shop) -> None:
    tenant = await shop.tenant()
    for _ in range(5):
        await shop.settles(tenant, await shop.runs(tenant, 360))
    seen, cursor = [], None
    while True:
        page = await _read(shop, tenant, reports.statement, None, None, Page(2, cursor))
        seen += [line["allocation_id"] for line in page["lines"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 5 == len(set(seen))


@pytest.mark.parametrize("month", ["2027", "2027-13", "2027-3", "march", "2027-03-01", "1999-01"])
async def test_odd_months_are_refused(shop, month: str) -> None:
    with pytest.raises(Problem) as refused:
        await _read(shop, await shop.tenant(), reports.statement, month, None, Page(1000))
    assert refused.value.field == "month"


async def test_a_tenant_without_any_money_reads_zeros(shop) -> None:
    stranger = shop.new("tnt")
    wallet = await _read(shop, stranger, reports.wallet)
    assert (
        wallet["account_id"] is None
        and wallet["available"] == {"amount": "0.00", "currency": "EUR"}
        and wallet["wallets"] == []
    )
    assert _amount((await _read(shop, stranger, reports.statement, None, None, Page(1000)))["closing"]) == 0
    assert (await _read(shop, stranger, reports.usage, Page(), UsageFilter()))["items"] == []


async def test_a_wallet_in_another_currency_is_not_invented(shop) -> None:
    with pytest.raises(Problem) as refused:
        await _read(shop, await shop.tenant(), reports.statement, None, "USD", Page(1000))
    assert refused.value.field == "currency"


async def test_usage_counts_only_the_asked_part(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    opened = shop.second - timedelta(hours=1)
    (item,) = (await _read(shop, tenant, reports.usage, Page(), UsageFilter()))["items"]
    assert (item["allocation_id"], item["name"], item["seconds"], item["settled"]) == (
        allocation,
        "nightly",
        3600,
        True,
    )
    assert _amount(item["amount"]) == Decimal("0.12") == _amount(item["price_per_hour"])
    (part,) = (
        await _read(
            shop,
            tenant,
            reports.usage,
            Page(),
            UsageFilter(None, opened + timedelta(minutes=30), opened + timedelta(minutes=40)),
        )
    )["items"]
    assert part["seconds"] == 600 and _amount(part["exact_amount"]) == Decimal("0.02")
    assert (await _read(shop, tenant, reports.usage, Page(), UsageFilter("prj_other")))["items"] == []
    assert (await _read(shop, tenant, reports.usage, Page(), UsageFilter(visible=["prj_other"])))["items"] == []
    assert len((await _read(shop, tenant, reports.usage, Page(), UsageFilter(visible=["prj_test"])))["items"]) == 1
    assert (await _read(shop, tenant, reports.usage, Page(), UsageFilter(since=shop.second)))["items"] == []
    with pytest.raises(Problem):
        await _read(shop, tenant, reports.usage, Page(), UsageFilter(None, shop.second, opened))


async def test_running_usage_has_no_end_yet(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    await shop.opens(tenant, allocation)
    shop.pass_seconds(90)
    (item,) = (await _read(shop, tenant, reports.usage, Page(), UsageFilter()))["items"]
    assert item["ended_at"] is None and item["seconds"] == 90 and not item["settled"]


async def test_usage_comes_in_pages(shop) -> None:
    tenant = await shop.tenant()
    ran = [await shop.runs(tenant, 5) for _ in range(5)]
    seen, page = [], Page(2)
    while page is not None:
        answer = await _read(shop, tenant, reports.usage, page, UsageFilter())
        seen += [item["allocation_id"] for item in answer["items"]]
        page = Page(2, answer["next_cursor"]) if answer["next_cursor"] else None
    assert seen == ran[::-1]


async def test_the_trial_balance_is_the_tenants_own_and_balances(shop) -> None:
    mine, other = await shop.tenant("10.00"), await shop.tenant("7.00")
    for tenant in (mine, other):
        await shop.settles(tenant, await shop.runs(tenant, 61))
    balance = await _read(shop, mine, postings.trial_balance_json)
    accounts = {row["account"]: _amount(row["balance"]) for row in balance["accounts"]}
    assert balance["balanced"] and balance["wallets_differing"] == 0
    assert accounts == {
        "wallet.available": 10, "wallet.held": 0, "platform.promotions": -10,
        "platform.revenue": Decimal("0.002033333"), "platform.rounding": Decimal("-0.002033333"),
    }  # fmt: skip
    (totals,) = balance["currencies"]
    assert totals["debits"] == totals["credits"] and _amount(totals["difference"]) == 0
    async with shop.tx("operator") as tx:
        everybody = json.loads(await postings.trial_balance_json(tx))
    assert {row["account"]: _amount(row["balance"]) for row in everybody["accounts"]}["platform.promotions"] == -17


async def test_a_wallet_that_differs_from_its_lines_is_shown(shop, owner_url: str) -> None:
    import psycopg

    tenant = await shop.tenant("10.00")
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as superuser:
        await superuser.execute("update billing.wallets set available = 11 where tenant_id = %s", (tenant,))
    balance = await _read(shop, tenant, postings.trial_balance_json)
    assert balance["wallets_differing"] == 1 and not balance["balanced"]


async def test_entries_come_newest_first_with_their_lines(shop) -> None:
    tenant = await shop.tenant("10.00")
    shop.pass_seconds(1)  # each transaction begins at the clock's instant and goes on in real time
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    first = await _read(shop, tenant, postings.entries_json, None, None, 2)
    assert [entry["kind"] for entry in first["items"]] == ["charge", "hold"]
    rest = await _read(shop, tenant, postings.entries_json, None, Page(2, first["next_cursor"]).after, 2)
    assert [entry["kind"] for entry in rest["items"]] == ["promotional_credit"] and rest["next_cursor"] is None
    about = await _read(shop, tenant, postings.entries_json, allocation, None, 50)
    assert (
        all(sum(_amount(line["amount"]) for line in entry["lines"]) == 0 for entry in about["items"])
        and len(about["items"]) == 2
    )
