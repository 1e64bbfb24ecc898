"""Rounding in the database is the rounding of the books: half-even, exact, once. The oracle is Python's decimal."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NINE = Decimal("0.000000001")
EXACT = Context(prec=80)
DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
PRICES = st.decimals(min_value=0, max_value=1_000_000, places=9)
TIES = st.builds(lambda whole: Decimal(whole) / 1000 + Decimal("0.005"), st.integers(0, 10**7))
QUIET = {"max_examples": 60, "deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(**QUIET)
@given(rows=st.lists(st.tuples(st.integers(0, 10**8), st.one_of(PRICES, TIES)), min_size=1, max_size=40))
async def test_seconds_times_price_is_exact_to_nine_places(shop, rows) -> None:
    async with shop.tx("operator") as tx:
        got = await tx.all(
            "select billing.exact_amount(s, p) from unnest(%s::bigint[], %s::numeric[]) with ordinality as r (s, p, n) order by n",
            ([seconds for seconds, _ in rows], [price for _, price in rows]),
        )
    for (seconds, price), (amount,) in zip(rows, got, strict=True):
        assert amount == EXACT.divide(EXACT.multiply(price, Decimal(seconds)), Decimal(3600)).quantize(
            NINE, ROUND_HALF_EVEN, EXACT
        )


@settings(**QUIET)
@given(amounts=st.lists(st.one_of(PRICES, TIES), min_size=1, max_size=40), currency=st.sampled_from(sorted(DIGITS)))
async def test_an_invoice_line_is_rounded_half_even_and_a_hold_up(shop, amounts, currency: str) -> None:
    unit = Decimal(1).scaleb(-DIGITS[currency])
    async with shop.tx("operator") as tx:
        got = await tx.all(
            "select billing.round_minor(a, %s), billing.ceil_minor(a, %s) from unnest(%s::numeric[]) with ordinality as r (a, n) order by n",
            (currency, currency, amounts),
        )
    for amount, (rounded, raised) in zip(amounts, got, strict=True):
        assert rounded == amount.quantize(unit, ROUND_HALF_EVEN, EXACT)
        assert raised == amount.quantize(unit, ROUND_CEILING, EXACT)
