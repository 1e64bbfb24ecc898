"""Random lives of random tenants against an oracle that counts second by second. It imports nothing of what it checks."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CENT, NINE = Decimal("0.01"), Decimal("0.000000001")
PRICES = ["0.12", "0.333333333", "1.20", "3.59", "17.999999999", "36", "0.01", "0"]


class Oracle:
    """Knows prices as (second, price), each subject's meter, and does sums by looking at every single second."""

    def __init__(self, granted: str) -> None:
        self.granted = Decimal(granted)
        self.prices: dict[datetime, Decimal] = {}
        self.opened: dict[str, datetime] = {}
        self.closed: dict[str, datetime] = {}
        self.paused: dict[str, set[datetime]] = defaultdict(set)
        self.billed: dict[str, Decimal] = {}
        self.given_back = Decimal(0)

    def price_second(self, at: datetime) -> datetime:
        return max(start for start in self.prices if start <= at)

    def _seconds(self, start: datetime, end: datetime, skip: set[datetime]) -> dict[datetime, int]:
        counts: dict[datetime, int] = defaultdict(int)
        at = start
        while at < end:
            if at not in skip:
                counts[self.price_second(at)] += 1
            at += timedelta(seconds=1)
        return counts

    def lines(
        self, start: datetime, end: datetime, skip: frozenset[datetime] | set[datetime] = frozenset()
    ) -> list[Decimal]:
        counts = self._seconds(start, end, set(skip))
        return [
            (self.prices[price] * count / 3600).quantize(NINE, ROUND_HALF_EVEN)
            for price, count in sorted(counts.items())
        ]

    def hold(self, now: datetime) -> Decimal:
        return sum(self.lines(now, now + timedelta(hours=1)), Decimal(0)).quantize(CENT, ROUND_CEILING)

    def bill(self, subject: str) -> Decimal:
        lines = self.lines(self.opened[subject], self.closed[subject], self.paused[subject])
        return sum((line.quantize(CENT, ROUND_HALF_EVEN) for line in lines), Decimal(0))

    def exact(self, subject: str, now: datetime) -> Decimal:
        return sum(self.lines(self.opened[subject], self.closed.get(subject, now), self.paused[subject]), Decimal(0))

    @property
    def balance(self) -> Decimal:
        return self.granted - sum(self.billed.values()) + self.given_back


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "start",
                "start",
                "buy",
                "open",
                "close",
                "close",
                "settle",
                "settle",
                "void",
                "reprice",
                "reprice",
                "outage",
                "roll",
            ]
        ),
        st.integers(0, 7),
        st.integers(0, 900),
        st.sampled_from(PRICES),
    ),
    min_size=12,
    max_size=30,
)


class Life:
    """One tenant, one sku, one oracle; each act is done to both and compared."""

    def __init__(self, shop, tenant: str, sku: str, oracle: Oracle) -> None:
        self.shop, self.tenant, self.sku, self.oracle = shop, tenant, sku, oracle
        self.bought: list[str] = []

    def pick(self, number: int) -> str | None:
        return self.bought[number % len(self.bought)] if self.bought else None

    async def act(self, kind: str, number: int, wait: int, price: str) -> None:
        self.shop.pass_seconds(wait)
        subject = self.pick(number)
        if kind == "buy":
            await self.buy()
        elif kind == "start":
            await self.buy()
            if self.bought:
                await self.open(self.bought[-1])
        elif kind == "reprice":
            await self.reprice(price, number * 97)
        elif kind == "roll":
            await self.shop.rolls()
        elif subject is not None:
            await getattr(self, kind)(subject)

    async def buy(self) -> None:
        available, held = await self.shop.wallet(self.tenant)
        needed = self.oracle.hold(self.shop.second)
        subject = self.shop.new("alloc")
        try:
            await self.shop.buys(self.tenant, subject, self.sku)
        except Exception as refused:
            assert getattr(refused, "code", None) == "insufficient_credit" and available < needed, refused
            return
        assert needed == 0 or available >= needed
        assert await self.shop.wallet(self.tenant) == (available - needed, held + needed)
        self.bought.append(subject)

    async def open(self, subject: str) -> None:
        if subject not in self.oracle.opened and subject not in self.oracle.closed:
            await self.shop.opens(self.tenant, subject, self.sku)
            self.oracle.opened[subject] = self.shop.second

    async def close(self, subject: str) -> None:
        if subject in self.oracle.opened and subject not in self.oracle.billed:
            await self.shop.closes(self.tenant, subject)
            self.oracle.closed.setdefault(subject, self.shop.second)

    async def settle(self, subject: str) -> None:
        if subject in self.oracle.closed:
            self.oracle.billed.setdefault(subject, self.oracle.bill(subject))
            assert await self.shop.settles(self.tenant, subject) == self.oracle.billed[subject]
            if not self.oracle.paused[subject]:  # an outage after the bill is a credit, not another bill
                assert await self.exact_total(subject) == self.oracle.exact(subject, self.shop.second)
        elif subject in self.oracle.opened:
            assert await self.shop.cost(self.tenant, subject) == self.oracle.exact(subject, self.shop.second)

    async def exact_total(self, subject: str) -> Decimal:
        async with self.shop.tx("tenant", tenant_id=self.tenant) as tx:
            return await tx.value("select exact_total from billing.charges where subject_id = %s", (subject,))

    async def void(self, subject: str) -> None:
        if subject not in self.oracle.opened:
            await self.shop.voids(self.tenant, subject)
            self.bought.remove(subject)

    async def reprice(self, price: str, ahead: int) -> None:
        at = self.shop.second + timedelta(seconds=1 + ahead)
        if at not in self.oracle.prices:
            assert await self.shop.reprices(price, at, self.sku) == at
            self.oracle.prices[at] = Decimal(price)

    async def outage(self, subject: str) -> None:
        start = self.oracle.opened.get(subject)
        if start is None or start >= self.shop.second:
            return
        end = min(self.shop.second, start + timedelta(seconds=333))
        credited = await self.shop.outage(self.tenant, subject, start, end)
        before = self.oracle.bill(subject) if subject in self.oracle.billed else Decimal(0)
        at = start
        while at < end:
            self.oracle.paused[subject].add(at)
            at += timedelta(seconds=1)
        gave = max(before - self.oracle.bill(subject), Decimal(0)) if subject in self.oracle.billed else Decimal(0)
        assert credited == gave
        self.oracle.given_back += gave

    async def check(self) -> None:
        available, held = await self.shop.wallet(self.tenant)
        assert available + held == self.oracle.balance, "money was made or lost"
        holds = [await self.shop.hold(self.tenant, subject) for subject in self.bought]
        assert held == sum((hold.amount for hold in holds if hold.state == "held"), Decimal(0))


LIVES = {
    "granted": st.sampled_from(["250.00", "250.00", "3.00", "0.50"]),
    "first": st.sampled_from(PRICES),
    "acts": ACTS,
}
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=25, **SLOW)
@given(**LIVES)
async def test_money_is_neither_made_nor_lost(shop, granted: str, first: str, acts) -> None:
    await _live(shop, granted, first, acts)


@pytest.mark.heavy
@pytest.mark.timeout(900)
@settings(max_examples=200, **SLOW)
@given(**LIVES)
async def test_money_is_neither_made_nor_lost_in_many_lives(shop, granted: str, first: str, acts) -> None:
    await _live(shop, granted, first, acts)


async def _live(shop, granted: str, first: str, acts) -> None:
    oracle = Oracle(granted)
    sku = shop.new("sku").replace("_", ".")
    await shop.sells(first, sku)
    oracle.prices[shop.second] = Decimal(first)
    life = Life(shop, await shop.tenant(granted), sku, oracle)
    await life.act("start", 0, 1, "0")
    await life.act("reprice", len(acts), 1, acts[0][3])  # so that every life has a bill across a price change
    for act in acts:
        await life.act(*act)
        await life.check()
    for subject in list(life.bought):
        shop.pass_seconds(7)
        await life.close(subject)
        await (life.settle(subject) if subject in oracle.opened else life.void(subject))
    available, held = await shop.wallet(life.tenant)
    assert (available, held) == (oracle.balance, Decimal(0))
    await shop.assert_books_balance()
