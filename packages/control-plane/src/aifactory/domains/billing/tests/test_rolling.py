"""Holds roll ahead of their meters; when credit ends there is notice, then an end, and little overdraft."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aifactory.domains.billing.rolling import EXTEND_BELOW, INTERVAL, outlook

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_a_well_covered_hold_is_left_alone_until_half_an_hour_is_left() -> None:
    view = outlook(NOON, NOON + timedelta(hours=1))
    assert not view.short and view.check_at == NOON + timedelta(hours=1) - EXTEND_BELOW


def test_a_short_hold_is_looked_at_each_interval_and_right_at_its_end() -> None:
    assert outlook(NOON, NOON + timedelta(minutes=10)).check_at <= NOON + INTERVAL
    assert outlook(NOON, NOON + timedelta(seconds=5)).check_at == NOON + timedelta(seconds=5)
    assert outlook(NOON, NOON).exhausted


async def _running(shop, credit: str) -> tuple[str, str]:
    tenant = await shop.tenant(credit)
    allocation = await shop.buys(tenant)
    await shop.opens(tenant, allocation)
    return tenant, allocation


async def test_a_fresh_hold_covers_its_hour(shop) -> None:
    tenant, allocation = await _running(shop, "10.00")
    assert (await shop.hold(tenant, allocation)).covered_until == shop.second + timedelta(hours=1)
    assert await shop.rolls() == 0


async def test_a_hold_stays_ahead_of_its_meter(shop) -> None:
    tenant, allocation = await _running(shop, "10.00")
    for _ in range(20):
        shop.pass_seconds(600)
        await shop.rolls()
        covered = (await shop.hold(tenant, allocation)).covered_until
        assert shop.second + EXTEND_BELOW - timedelta(seconds=1) <= covered <= shop.clock + timedelta(minutes=66)
    await shop.closes(tenant, allocation)
    assert await shop.settles(tenant, allocation) == Decimal("0.40")
    assert await shop.wallet(tenant) == (Decimal("9.60"), Decimal(0))
    assert await shop.events("billing.hold_extension_failed") == []
    await shop.assert_books_balance()


async def test_credit_that_ends_brings_notice_then_the_end_once_each(shop) -> None:
    tenant, allocation = await _running(shop, "0.15")
    opened, exhausted_at = shop.second, None
    for _ in range(170):
        shop.pass_seconds(30)
        await shop.rolls()
        if exhausted_at is None and await shop.events("billing.credit_exhausted", allocation):
            exhausted_at = shop.clock
    (notice,) = await shop.events("billing.hold_extension_failed", allocation)
    (end,) = await shop.events("billing.credit_exhausted", allocation)
    assert end["covered_until"] == (opened + timedelta(seconds=4500)).isoformat()  # 0.15 at 0.12 an hour
    assert opened + timedelta(seconds=4500) <= exhausted_at <= opened + timedelta(seconds=4500) + INTERVAL
    assert notice["covered_until"] <= end["covered_until"] and notice["missing"] != "0.00"
    assert await shop.wallet(tenant) == (Decimal(0), Decimal("0.15"))


async def test_released_when_told_the_overdraft_is_at_most_an_interval(shop) -> None:
    tenant, allocation = await _running(shop, "0.12")
    while not await shop.events("billing.credit_exhausted", allocation):
        shop.pass_seconds(30)
        await shop.rolls()
    await shop.closes(tenant, allocation)
    await shop.settles(tenant, allocation)
    available, held = await shop.wallet(tenant)
    assert held == 0 and available >= -(Decimal("0.12") * int(INTERVAL.total_seconds()) / 3600).quantize(
        Decimal("0.01")
    )


async def test_new_credit_after_the_notice_lets_it_run_on(shop) -> None:
    from aifactory.domains.billing.ledger import grant_credit
    from aifactory.kernel.money import Money

    tenant, allocation = await _running(shop, "0.12")
    shop.pass_seconds(1900)
    await shop.rolls()
    assert len(await shop.events("billing.hold_extension_failed", allocation)) == 1
    async with shop.tx("operator") as tx:
        await grant_credit(tx, tenant, Money.of("5.00", "EUR"), "payment", "paid", f"payment:{tenant}")
    shop.pass_seconds(60)
    await shop.rolls()
    hold = await shop.hold(tenant, allocation)
    assert hold.notified_at is None and hold.covered_until >= shop.second + timedelta(hours=1) - timedelta(seconds=1)
    assert await shop.events("billing.credit_exhausted", allocation) == []


async def test_a_dearer_price_makes_the_hold_look_again(shop) -> None:
    tenant, allocation = await _running(shop, "10.00")
    await shop.reprices("1.20")
    shop.pass_seconds(60)
    assert await shop.rolls() == 1
    hold = await shop.hold(tenant, allocation)
    assert hold.amount > Decimal("1.10") and hold.covered_until >= shop.second + timedelta(minutes=59)


async def test_what_costs_nothing_is_never_short(shop) -> None:
    await shop.sells("0", "free.cpu")
    tenant = await shop.tenant("0.01")
    allocation = await shop.buys(tenant, sku="free.cpu")
    await shop.opens(tenant, allocation, "free.cpu")
    shop.pass_seconds(86400)
    await shop.rolls()
    await shop.closes(tenant, allocation)
    assert await shop.settles(tenant, allocation) == 0
    assert await shop.wallet(tenant) == (Decimal("0.01"), Decimal(0))


async def test_a_closed_meter_is_watched_no_more(shop) -> None:
    tenant, allocation = await _running(shop, "1.00")
    shop.pass_seconds(1900)
    await shop.closes(tenant, allocation)
    assert await shop.rolls() == 1
    shop.pass_seconds(3600)
    assert await shop.rolls() == 0
    assert await shop.settles(tenant, allocation) == Decimal("0.06")
