"""Prices and quotes: never edited, never in the past, and said before they are asked for."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from aifactory.domains.billing import prices, quotes
from aifactory.domains.billing.store import catalogue
from aifactory.kernel.errors import Problem
from aifactory.kernel.money import Money

from .conftest import REGION, SKU


async def test_a_change_counts_from_the_next_second_unless_said_otherwise(shop) -> None:
    assert await shop.reprices("0.20") == shop.second + timedelta(seconds=1)
    later = shop.second + timedelta(days=3)
    assert await shop.reprices("0.30", later + timedelta(milliseconds=700)) == later
    shop.pass_seconds(5)
    async with shop.tx("tenant") as tx:
        price = await prices.price_in_force(tx, SKU, REGION, None)
        then = await prices.price_in_force(tx, SKU, REGION, later)
    assert price.price == Money.of("0.20", "EUR") and then.price == Money.of("0.30", "EUR")
    assert price.next_price == prices.NextPrice(Money.of("0.30", "EUR"), later)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"amount": Decimal("-0.01")}, "invalid_field"), ({"amount": Decimal("NaN")}, "invalid_field"),
        ({"amount": Decimal("0.0000000001")}, "invalid_field"), ({"amount": Decimal("1e9")}, "invalid_field"),
        ({"currency": "USD"}, "invalid_field"), ({"sku": "nothing.such"}, "not_found"), ({"region_id": "atlantis"}, "not_found"),
    ],
)  # fmt: skip
async def test_odd_prices_are_refused(shop, wanted: dict, code: str) -> None:
    change = {"sku": SKU, "region_id": REGION, "amount": Decimal(1), "currency": "EUR"} | wanted
    async with shop.tx("operator") as tx:
        with pytest.raises(Problem) as refused:
            await prices.change_price(tx, prices.NewPrice(**change))
    assert refused.value.code == code


async def test_the_past_keeps_its_prices(shop) -> None:
    with pytest.raises(Problem) as refused:
        await shop.reprices("0.01", shop.second - timedelta(seconds=1))
    assert refused.value.code == "price_in_the_past"
    with pytest.raises(psycopg.DatabaseError, match="in the past"):
        async with shop.tx("operator") as tx:
            await catalogue.insert_price(tx, SKU, REGION, "EUR", Decimal(1), shop.second - timedelta(days=1), "sneaky")


async def test_a_second_has_one_price(shop) -> None:
    at = shop.second + timedelta(hours=1)
    answers = await asyncio.gather(*(shop.reprices(f"0.{digit}", at) for digit in range(1, 6)), return_exceptions=True)
    refused = [answer.code for answer in answers if isinstance(answer, Problem)]
    assert refused == ["price_already_set"] * 4


async def test_a_price_change_is_audited_and_told(shop) -> None:
    await shop.reprices("0.25")
    (event,) = await shop.events("billing.price_changed")
    assert (event["sku"], event["amount"], event["currency"]) == (SKU, "0.25", "EUR")
    async with shop.tx("operator") as tx:
        assert await tx.value("select count(*) from kernel.audit where action = 'billing.price.change'") == 1


async def test_a_quote_adds_up_over_a_scheduled_change(shop) -> None:
    await shop.reprices("0.36", shop.second + timedelta(minutes=5))
    async with shop.tx("tenant") as tx:
        quote = await quotes.quote(tx, SKU, REGION, 3, Decimal("2"))
    assert [(line.seconds, line.amount.amount) for line in quote.lines] == [
        (300, Decimal("0.01")),
        (6900, Decimal("0.69")),
    ]
    assert quote.total == Money.of("2.10", "EUR")
    assert quote.hold == Money.of("1.02", "EUR")  # 300 s at 0.12 and 3300 s at 0.36: 0.34 each
    assert quote.valid_until == shop.second + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("count", "hours"),
    [
        (0, Decimal(1)),
        (1001, Decimal(1)),
        (1, Decimal(0)),
        (1, Decimal("-1")),
        (1, Decimal("1e6")),
        (1, Decimal("NaN")),
    ],
)
async def test_a_quote_for_nothing_or_for_ever_is_refused(shop, count: int, hours: Decimal) -> None:
    async with shop.tx("tenant") as tx:
        with pytest.raises(Problem) as refused:
            await quotes.quote(tx, SKU, REGION, count, hours)
    assert refused.value.status == 422


async def test_a_bill_in_the_making_and_a_price_change_wait_for_each_other(shop) -> None:
    async with shop.tx("operator") as bill:
        await catalogue.pin_prices(bill, SKU, REGION)
        change = asyncio.create_task(shop.reprices("9.99"))
        await asyncio.sleep(0.3)
        assert not change.done()
    assert await change == shop.second + timedelta(seconds=1)
