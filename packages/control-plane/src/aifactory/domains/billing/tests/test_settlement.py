"""From a hold to a bill: every second, every price, every cent."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from aifactory.domains.billing.settlement import charge_lines
from aifactory.kernel.errors import Problem


async def test_an_hour_at_twelve_cents_costs_twelve_cents(shop) -> None:
    tenant = await shop.tenant("10.00")
    allocation = await shop.runs(tenant, 3600)
    assert await shop.settles(tenant, allocation) == Decimal("0.12")
    assert await shop.wallet(tenant) == (Decimal("9.88"), Decimal(0))
    await shop.assert_books_balance()


async def test_a_minute_is_billed_exactly_and_rounded_once(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 61)
    assert await shop.cost(tenant, allocation) == Decimal("0.002033333")
    assert await shop.settles(tenant, allocation) == Decimal("0.00")
    assert await shop.cost(tenant, allocation) == Decimal("0.00")
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        lines = dict(
            await tx.all(
                "select account, amount from billing.ledger_lines l join billing.ledger_entries e on e.id = l.entry_id where e.kind = 'charge'"
            )
        )
    assert lines == {
        "wallet.held": Decimal("-0.12"), "wallet.available": Decimal("0.12"),
        "platform.revenue": Decimal("0.002033333"), "platform.rounding": Decimal("-0.002033333"),
    }  # fmt: skip


async def test_a_price_change_splits_the_bill_at_its_second(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    await shop.opens(tenant, allocation)
    opened = shop.second
    await shop.reprices("3.6", opened + timedelta(seconds=100))
    shop.pass_seconds(150)
    await shop.closes(tenant, allocation)
    assert await shop.settles(tenant, allocation) == Decimal("0.05")  # 0.003333333 -> 0.00, 50 s x 0.001 = 0.05
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        lines = await tx.all(
            "select seconds, price_per_hour, exact_amount, amount, from_at, to_at from billing.charge_lines order by line_no"
        )
    boundary = opened + timedelta(seconds=100)
    assert [(line[0], line[2], line[3]) for line in lines] == [
        (100, Decimal("0.003333333"), 0),
        (50, Decimal("0.05"), Decimal("0.05")),
    ]
    assert lines[0][5] == boundary == lines[1][4]


async def test_a_later_price_change_does_not_touch_what_was_billed(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    await shop.reprices("99")
    shop.pass_seconds(5)
    assert await shop.settles(tenant, allocation) == Decimal("0.12")


async def test_settling_again_answers_the_same_and_posts_nothing(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    assert {await shop.settles(tenant, allocation) for _ in range(3)} == {Decimal("0.12")}
    assert len(await shop.events("billing.charge_settled", allocation)) == 1


async def test_eight_settle_at_once_and_one_bill_comes_of_it(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    totals = await asyncio.gather(*(shop.settles(tenant, allocation) for _ in range(8)))
    assert set(totals) == {Decimal("0.12")}
    assert await shop.wallet(tenant) == (Decimal("99.88"), Decimal(0))
    assert len(await shop.events("billing.charge_settled", allocation)) == 1
    await shop.assert_books_balance()


async def test_an_open_meter_cannot_be_settled(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    await shop.opens(tenant, allocation)
    with pytest.raises(Problem) as refused:
        await shop.settles(tenant, allocation)
    assert refused.value.code == "meter_running"


async def test_what_never_ran_costs_nothing(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    assert await shop.settles(tenant, allocation) == 0
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))
    assert (await shop.hold(tenant, allocation)).state == "voided"


async def test_the_first_word_about_a_meter_counts(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    shop.pass_seconds(3600)
    await shop.closes(tenant, allocation)
    assert await shop.settles(tenant, allocation) == Decimal("0.12")
    assert len(await shop.events("billing.meter_closed", allocation)) == 1


async def test_a_meter_closed_before_it_opened_bills_nothing(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    await shop.closes(tenant, allocation)
    shop.pass_seconds(60)
    await shop.opens(tenant, allocation)
    shop.pass_seconds(60)
    assert await shop.settles(tenant, allocation) == 0
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))


async def test_more_than_was_held_comes_from_what_is_available(shop) -> None:
    tenant = await shop.tenant("1.00")
    allocation = await shop.runs(tenant, 10 * 3600)
    assert await shop.settles(tenant, allocation) == Decimal("1.20")
    assert await shop.wallet(tenant) == (Decimal("-0.20"), Decimal(0))
    await shop.assert_books_balance()


async def test_an_outage_before_the_bill_makes_it_smaller(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.buys(tenant)
    await shop.opens(tenant, allocation)
    opened = shop.second
    shop.pass_seconds(3600)
    assert await shop.outage(tenant, allocation, opened + timedelta(seconds=600), opened + timedelta(seconds=1200)) == 0
    await shop.closes(tenant, allocation)
    assert await shop.settles(tenant, allocation) == Decimal("0.10")


async def test_an_outage_after_the_bill_is_given_back_once(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    opened = shop.second - timedelta(seconds=3600)
    await shop.settles(tenant, allocation)
    half = (opened, opened + timedelta(seconds=1800))
    assert await shop.outage(tenant, allocation, *half) == Decimal("0.06")
    assert await shop.outage(tenant, allocation, *half) == 0
    assert await shop.outage(tenant, allocation, opened, opened + timedelta(seconds=900)) == 0  # inside the first
    assert await shop.outage(tenant, allocation, opened, opened + timedelta(seconds=3600)) == Decimal("0.06")
    assert await shop.wallet(tenant) == (Decimal("100.00"), Decimal(0))
    await shop.assert_books_balance()


def test_the_lines_of_a_charge_always_add_up() -> None:
    for billed, exact, held in [
        ("0.12", "0.1200", "0.12"),
        ("0", "0.004", "0.12"),
        ("1.20", "1.1951", "0.24"),
        ("0", "0", "0"),
    ]:
        assert sum(charge_lines(Decimal(billed), Decimal(exact), Decimal(held)).values()) == 0
