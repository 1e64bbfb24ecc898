"""Tokens: counted by the million, under the price of their moment, and billed with the month to the last minor unit."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aifactory.domains.billing import facade
from aifactory.domains.billing import usage as counting
from aifactory.domains.billing.reports import statement
from aifactory.domains.billing.store.reports import UsageFilter, usage_json
from aifactory.domains.billing.tests.conftest import TOKENS
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page

OUTPUT = "small.output"


async def statement_of(shop, tenant, month=None):
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        return json.loads(await statement(tx, month, None, Page(1000, None)))


async def bills(shop) -> int:
    return await counting.settle_due(shop)


async def test_a_sku_is_added_once_and_stays_what_it_is(shop) -> None:
    for _ in range(2):
        await shop.sells_tokens("3")
    async with shop.tx("operator") as tx:
        with pytest.raises(Problem) as refused:
            await facade.add_sku(tx, TOKENS, "Other", "", "compute", "hour")
        assert (refused.value.status, refused.value.code) == (409, "sku_exists")
        added = "select count(*) from kernel.audit where action = 'billing.sku.add' and target_id = %s"
        assert await tx.value(added, (TOKENS,)) == 1


@pytest.mark.parametrize("sku", ["Small.Input", "small input", "", ".input", "s" * 64, "small\n"])
async def test_a_name_that_the_price_list_cannot_have_is_refused(shop, sku) -> None:
    async with shop.tx("operator") as tx:
        with pytest.raises(Problem) as refused:
            await facade.add_sku(tx, sku, "Small", "", "inference", "million_tokens")
    assert (refused.value.status, refused.value.field) == (422, "sku")


async def test_only_operators_add_to_the_price_list(shop) -> None:
    with pytest.raises(Exception, match="permission denied"):
        async with shop.tx() as tx:
            await facade.add_sku(tx, TOKENS, "Small", "", "inference", "million_tokens")


async def test_the_price_list_says_what_a_price_is_for(shop) -> None:
    await shop.sells_tokens("3")
    async with shop.tx("operator") as tx:
        history = json.loads(await facade.price_history(tx, None, Page(50, None)))["items"]
    units = {row["sku"]: row["unit"] for row in history}
    assert (units[TOKENS], units["test.cpu"], units["bucket.storage"]) == ("million_tokens", "hour", "gb_month")


async def test_tokens_are_neither_quoted_nor_bought_by_the_hour(shop) -> None:
    tenant = await shop.tenant()
    await shop.sells_tokens("3")
    with pytest.raises(Problem) as refused:
        await shop.buys(tenant, sku=TOKENS)
    assert (refused.value.status, refused.value.field) == (422, "sku")
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        with pytest.raises(Problem) as refused:
            await facade.quote(tx, TOKENS, "local")
    assert refused.value.field == "sku"


async def test_who_has_no_credit_may_not_use_tokens_and_reads_why(shop) -> None:
    tenant = await shop.tenant("0")
    async with shop.tx("operator") as tx:
        await facade.record_fact(tx, tenant, "payment_method", "card", "test")
    await shop.sells_tokens("3")
    with pytest.raises(Problem) as refused:
        async with shop.tx(tenant_id=tenant) as tx:
            await facade.authorize_usage(tx, "prj_test", (TOKENS,), "local")
    assert (refused.value.status, refused.value.code) == (402, "insufficient_credit")
    assert "hour" not in str(refused.value.detail)


async def test_price_changes_are_those_that_have_happened_since(shop) -> None:
    first = await shop.sells_tokens("3")
    second = await shop.sells_tokens("5")
    other = await shop.sells_tokens("1", OUTPUT)
    async with shop.tx("operator") as tx:
        later = shop.second.replace(year=shop.second.year + 1)
        await facade.change_price(tx, facade.NewPrice(TOKENS, "local", Decimal(9), "EUR", later))
    async with shop.tx() as tx:
        assert await facade.price_changes(tx, [TOKENS, OUTPUT], "local", first) == [second, other]
        assert await facade.price_changes(tx, [TOKENS], "local", second) == []
        assert await facade.price_changes(tx, [TOKENS], "elsewhere", first) == []
        assert await facade.price_changes(tx, [], "local", first) == []


async def test_one_interval_may_hold_use_under_two_prices(shop) -> None:
    tenant = await shop.tenant()
    old = await shop.sells_tokens("3")
    new = await shop.sells_tokens("7")
    before, after = shop.tokens(1_000_000, priced_at=old), shop.tokens(1_000_000, priced_at=new)
    async with shop.tx(tenant_id=tenant) as tx:
        assert [await facade.record_usage(tx, used) for used in (before, after, before, after)] == [
            True,
            True,
            False,
            False,
        ]
        assert await facade.cover_usage(tx, "key_1")
    assert await shop.wallet(tenant) == (Decimal(90), Decimal(10))
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        [shown] = json.loads(await usage_json(tx, UsageFilter(), None, 10))["items"]
    assert (shown["quantity"], shown["unit"], shown["price_per_hour"]["amount"]) == (
        "2000000",
        "million_tokens",
        "7.00",
    )
    async with shop.tx(tenant_id=tenant) as tx:
        await facade.settle_usage(tx, "key_1")
        await facade.settle_usage(tx, "key_1")
    lines = (await statement_of(shop, tenant))["lines"]
    assert [(one["price_per_hour"]["amount"], one["amount"]["amount"]) for one in lines] == [
        ("3.00", "3.00"),
        ("7.00", "7.00"),
    ]
    assert await shop.wallet(tenant) == (Decimal(90), Decimal(0))
    await shop.assert_books_balance()


async def test_the_price_is_that_of_the_intervals_beginning_when_nothing_else_is_said(shop) -> None:
    tenant = await shop.tenant()
    old = await shop.sells_tokens("3")
    await shop.sells_tokens("7")
    async with shop.tx(tenant_id=tenant) as tx:
        assert await facade.record_usage(tx, shop.tokens(1_000_000, from_at=old))
    assert [one["price_per_hour"]["amount"] for one in (await statement_of(shop, tenant))["unbilled"]["lines"]] == [
        "3.00"
    ]


def half_even(value: Fraction, places: int) -> Decimal:
    """A second way to round than the platform's: by the nearest even integer, from fractions alone."""
    return Decimal(round(value * 10**places)).scaleb(-places)


def expected(used: list[tuple[str, str, str, int]]) -> dict[tuple[str, str, str], tuple[Decimal, Decimal]]:
    """(key, sku, price) -> (exact, billed), from what was used and nothing else."""
    tokens: dict[tuple[str, str, str], int] = defaultdict(int)
    for key, sku, price, quantity in used:
        tokens[key, sku, price] += quantity
    exact = {line: half_even(Fraction(line[2]) * sum_, 6 + 3) for line, sum_ in _per_token(tokens).items()}
    return {line: (amount, half_even(Fraction(amount), 2)) for line, amount in exact.items()}


def _per_token(tokens: dict[tuple[str, str, str], int]) -> dict[tuple[str, str, str], Fraction]:
    return {line: Fraction(quantity, 1_000_000) for line, quantity in tokens.items()}


QUANTITY = st.one_of(st.integers(1, 9), st.integers(1, 5_000), st.integers(1, 2_000_000))
MONTH = st.lists(
    st.tuples(st.sampled_from(["key_a", "key_b"]), st.sampled_from([TOKENS, OUTPUT]), st.booleans(), QUANTITY),
    min_size=1,
    max_size=25,
)
PRICES = {TOKENS: ("0.15", "0.333333333"), OUTPUT: ("2.5", "0.000000001")}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(month=MONTH)
async def test_a_month_of_tokens_is_billed_to_the_minor_unit(shop, month) -> None:
    """Use of two keys and two skus under two prices each: the statement is what a second calculation says."""
    shop.clock = (counting.month_end(shop.clock)).replace(day=2, tzinfo=UTC)
    tenant = await shop.tenant("1000.00")
    since = {(sku, price): await shop.sells_tokens(price, sku) for n in (0, 1) for sku, price in _pairs(n)}
    used = []
    for key, sku, later, quantity in month:
        price = PRICES[sku][later]
        shop.pass_seconds(3)
        async with shop.tx(tenant_id=tenant) as tx:
            assert await facade.record_usage(tx, shop.tokens(quantity, key, sku, priced_at=since[sku, price]))
            assert await facade.cover_usage(tx, key)
        used.append((key, sku, price, quantity))
    await shop.assert_books_balance()
    oracle = expected(used)
    running = (await statement_of(shop, tenant))["unbilled"]
    assert Decimal(running["total"]["amount"]) == sum(billed for _, billed in oracle.values())

    over = counting.month_end(shop.clock)
    shop.clock = over + counting.SETTLE_AFTER
    assert await bills(shop) == len({line[:2] for line in oracle})
    assert await bills(shop) == 0
    bill = await statement_of(shop, tenant, f"{over:%Y-%m}")
    lines = {
        (one["allocation_id"], one["sku"], f"{Decimal(one['price_per_hour']['amount']).normalize():f}"): (
            Decimal(one["exact_amount"]["amount"]),
            Decimal(one["amount"]["amount"]),
        )
        for one in bill["lines"]
    }
    assert lines == oracle and len(bill["lines"]) == len(oracle)
    total = sum((billed for _, billed in oracle.values()), Decimal(0))
    assert Decimal(bill["total"]["amount"]) == total
    assert await shop.wallet(tenant) == (1000 - total, Decimal(0))
    await shop.assert_books_balance()


def _pairs(number: int) -> list[tuple[str, str]]:
    return [(sku, prices[number]) for sku, prices in PRICES.items()]


async def test_the_last_second_of_a_month_and_the_first_of_the_next_are_on_two_bills(shop) -> None:
    shop.clock = datetime(2027, 3, 31, 23, 0, tzinfo=UTC)
    tenant = await shop.tenant()
    await shop.sells_tokens("3")
    for clock in (datetime(2027, 4, 1, tzinfo=UTC), datetime(2027, 4, 1, 0, 0, 1, tzinfo=UTC)):
        shop.clock = clock
        async with shop.tx(tenant_id=tenant) as tx:
            assert await facade.record_usage(tx, shop.tokens(1_000_000))
            assert await facade.cover_usage(tx, "key_1")
    shop.clock = datetime(2027, 4, 1, 1, 0, tzinfo=UTC)
    assert await bills(shop) == 1
    assert await shop.wallet(tenant) == (Decimal(94), Decimal(3))
    await shop.assert_books_balance()
