"""Credit that a holder spends by itself: taken before it is spent, never twice, and back when it is over."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aifactory.domains.billing import facade, leases
from aifactory.domains.billing.leases import LeaseWish
from aifactory.domains.billing.store import leases as store
from aifactory.kernel.errors import Problem

LIFE = timedelta(minutes=15)


def wish(lease_id="lease_1", least="1", holder="gw_1", currency="EUR"):
    return LeaseWish(lease_id, holder, currency, Decimal(least), LIFE)


async def lease(shop, tenant, *args, **kwargs):
    async with shop.tx(tenant_id=tenant) as tx:
        return await facade.lease_credit(tx, wish(*args, **kwargs))


async def draw(shop, tenant, lease_id, amount):
    async with shop.tx(tenant_id=tenant) as tx:
        return await facade.draw_on_lease(tx, lease_id, Decimal(amount))


async def end(shop, tenant, lease_id, holder="gw_1"):
    async with shop.tx(tenant_id=tenant) as tx:
        await facade.end_lease(tx, lease_id, holder)


async def use(shop, tenant, tokens, lease_id="lease_1", source="key_1", price="4"):
    """As a gateway's use is booked: recorded, drawn from the lease, set aside."""
    cost = (tokens * Decimal(price) / 10**6).quantize(Decimal("1e-9"))
    async with shop.tx(tenant_id=tenant) as tx:
        await facade.record_usage(tx, shop.tokens(tokens, source))
        await facade.draw_on_lease(tx, lease_id, cost)
        await facade.cover_usage(tx, source)


async def open_leases(shop, tenant):
    async with shop.tx(tenant_id=tenant) as tx:
        return await tx.value("select coalesce(sum(remaining), 0) from billing.credit_leases where state = 'open'")


@pytest.mark.parametrize(
    ("credit", "least", "leased"),
    [
        ("100.00", "1", "12.5"),  # an eighth
        ("1000.00", "1", "20"),  # at most twenty
        ("1000.00", "50", "50"),  # unless more is needed
        ("3.00", "2.9", "2.9"),  # all that is needed, when an eighth is less
        ("3.00", "3", "3"),
        ("0.00000001", "0.000000001", "0.000000001"),
    ],
)
async def test_a_lease_is_as_large_as_is_good(shop, credit, least, leased) -> None:
    tenant = await shop.tenant("0")
    async with shop.tx("operator") as tx:
        await tx.run(
            "select billing.post_entry(%s, %s, 'payment', %s, (select id from billing.billing_accounts where tenant_id = %s), "
            "'EUR', null, 'test', array['wallet.available', 'platform.payments'], array[%s::numeric, -%s::numeric])",
            (shop.new("entry"), "money", tenant, tenant, credit, credit),
        )
    made = await lease(shop, tenant, least=least)
    assert made.amount.amount == made.remaining.amount == Decimal(leased)
    assert await shop.wallet(tenant) == (Decimal(credit) - Decimal(leased), Decimal(leased))
    assert timedelta() <= made.expires_at - shop.clock - LIFE < timedelta(minutes=1)


async def test_what_is_not_there_is_not_leased(shop) -> None:
    tenant = await shop.tenant("2.00")
    with pytest.raises(Problem) as refused:
        await lease(shop, tenant, least=str(10**18))
    assert refused.value.code == "insufficient_credit"
    with pytest.raises(Problem) as refused:
        await lease(shop, tenant, least="2.01")
    assert (refused.value.status, refused.value.code) == (402, "insufficient_credit")
    assert refused.value.extra == {
        "needed": {"amount": "2.01", "currency": "EUR"},
        "available": {"amount": "2.00", "currency": "EUR"},
    }
    assert await shop.wallet(tenant) == (Decimal(2), Decimal(0))


@pytest.mark.parametrize("least", ["0", "-1", "NaN", "Infinity", "0.0000000001", "1e19", "1e40"])
async def test_no_lease_is_for_nothing(shop, least) -> None:
    tenant = await shop.tenant()
    with pytest.raises(Problem) as refused:
        await lease(shop, tenant, least=least)
    assert (refused.value.status, refused.value.field) == (422, "least")


@pytest.mark.parametrize("lease_id", ["", "lease_1:2", "lease 1", "l" * 82, "lease_1\n"])
async def test_an_id_that_could_be_mistaken_for_anothers_is_refused(shop, lease_id) -> None:
    tenant = await shop.tenant()
    with pytest.raises(Problem) as refused:
        await lease(shop, tenant, lease_id)
    assert (refused.value.status, refused.value.field) == (422, "lease_id")


async def test_the_same_lease_is_asked_for_twice_and_taken_once(shop) -> None:
    tenant = await shop.tenant()
    first = await lease(shop, tenant)
    assert await lease(shop, tenant, least="5") == first
    assert await shop.wallet(tenant) == (Decimal("87.5"), Decimal("12.5"))
    for other in ({"holder": "gw_2"}, {"currency": "USD"}):
        with pytest.raises(Problem) as refused:
            await lease(shop, tenant, **other)
        assert refused.value.code == "lease_id_taken"
    somebody = await shop.tenant()
    with pytest.raises(Problem) as refused:
        await lease(shop, somebody)
    assert refused.value.code == "lease_id_taken"
    assert await shop.wallet(somebody) == (Decimal(100), Decimal(0))


async def test_of_many_at_once_none_leases_what_another_has(shop) -> None:
    tenant = await shop.tenant("10.00")
    asked = [lease(shop, tenant, lease_id=f"lease_{n}", least="3") for n in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    leased = [answer.amount.amount for answer in answers if not isinstance(answer, BaseException)]
    assert {getattr(answer, "code", "leased") for answer in answers} == {"leased", "insufficient_credit"}
    assert len(leased) == 3
    assert await shop.wallet(tenant) == (10 - sum(leased), sum(leased))
    await shop.assert_books_balance()


async def test_a_lease_that_is_asked_for_again_before_it_is_there_is_taken_once(shop) -> None:
    """The first answer is late, so the holder repeats itself while the first transaction is still open."""
    tenant = await shop.tenant()
    taken, repeated = asyncio.Event(), asyncio.Event()

    async def slowly():
        async with shop.tx(tenant_id=tenant) as tx:
            made = await facade.lease_credit(tx, wish(least="1"))
            taken.set()
            await asyncio.wait_for(repeated.wait(), 5)
            await asyncio.sleep(0.2)  # the other one waits for us by now
            return made

    async def again():
        await taken.wait()
        async with shop.tx(tenant_id=tenant) as tx:
            repeated.set()
            return await facade.lease_credit(tx, wish(least="40"))

    first, second = await asyncio.gather(slowly(), again())
    assert first == second
    assert await shop.wallet(tenant) == (Decimal("87.5"), Decimal("12.5"))


async def test_drawing_on_several_and_giving_one_back_do_not_wait_for_each_other(shop) -> None:
    tenant = await shop.tenant()
    for lease_id in ("lease_1", "lease_2"):
        await lease(shop, tenant, lease_id)
    drawn = asyncio.Event()

    async def book():
        async with shop.tx(tenant_id=tenant) as tx:
            await facade.draw_on_lease(tx, "lease_1", Decimal("0.1"))
            drawn.set()
            await asyncio.sleep(0.2)
            await facade.draw_on_lease(tx, "lease_2", Decimal("0.1"))

    async def give_back():
        await drawn.wait()
        await end(shop, tenant, "lease_2")

    await asyncio.gather(book(), give_back())
    assert await open_leases(shop, tenant) == Decimal("12.4")
    await shop.assert_books_balance()


async def test_booking_does_not_wait_for_the_bill_of_last_month(shop) -> None:
    """The bill holds last month's hold and wants the wallet. Booking must not have the wallet and want that hold."""
    tenant = await shop.tenant()
    await shop.sells_tokens("3")
    await use(shop, tenant, 1_000_000)
    await lease(shop, tenant)
    shop.pass_seconds(31 * 86400)
    billing_it, booking = asyncio.Event(), asyncio.Event()

    async def bill():
        async with shop.tx(tenant_id=tenant) as tx:
            await tx.run("select from billing.holds where state = 'held' for update")
            billing_it.set()
            await asyncio.wait_for(booking.wait(), 5)
            await asyncio.sleep(0.3)
            await facade.settle_usage(tx, "key_1")

    async def book():
        await billing_it.wait()
        async with shop.tx(tenant_id=tenant) as tx:
            booking.set()
            await facade.record_usage(tx, shop.tokens(500_000))
            await facade.draw_on_lease(tx, "lease_1", Decimal("1.5"))
            assert await facade.cover_usage(tx, "key_1")

    await asyncio.gather(bill(), book())
    assert await shop.wallet(tenant) == (
        97 - Decimal("12.125"),
        Decimal("12.125"),
    )  # 1.50 of it moved from lease to bill
    await shop.assert_books_balance()


async def test_everything_at_once_costs_what_was_used(shop) -> None:
    tenant = await shop.tenant("60.00")
    await shop.sells_tokens("4")
    names = [f"lease_{number}" for number in range(6)]
    await asyncio.gather(*[lease(shop, tenant, name, least="2") for name in names])
    shop.pass_seconds(4600)  # all have run out, and the hour for last words is over
    work = [use(shop, tenant, 250_000, name, f"key_{number}") for number, name in enumerate(names)]
    work += [end(shop, tenant, name) for name in names for _ in range(2)]
    work += [leases.end_due(shop) for _ in range(3)]
    work += [lease(shop, tenant, f"late_{number}") for number in range(4)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    await shop.assert_books_balance()
    async with shop.tx(tenant_id=tenant) as tx:
        for number in range(4):
            await facade.end_lease(tx, f"late_{number}", "gw_1")
        for number in range(6):
            await facade.settle_usage(tx, f"key_{number}")
    assert await shop.wallet(tenant) == (Decimal(54), Decimal(0))
    await shop.assert_books_balance()


async def test_what_is_drawn_is_no_more_than_what_remains(shop) -> None:
    tenant = await shop.tenant("8.00")
    await lease(shop, tenant)
    assert await draw(shop, tenant, "lease_1", "0.4") == Decimal("0.4")
    assert await draw(shop, tenant, "lease_1", "9") == Decimal("0.6")
    assert await draw(shop, tenant, "lease_1", "1") == 0
    assert await draw(shop, tenant, "lease_nowhere", "1") == 0
    assert await shop.wallet(tenant) == (Decimal(8), Decimal(0))
    await end(shop, tenant, "lease_1")
    assert await shop.wallet(tenant) == (Decimal(8), Decimal(0))


@pytest.mark.parametrize(
    ("amount", "drawn"), [("0.4000000006", "0.400000001"), ("0.0000000004", "0"), ("-1", "0"), ("0", "0")]
)
async def test_what_is_drawn_is_a_whole_number_of_nanos(shop, amount, drawn) -> None:
    tenant = await shop.tenant("8.00")
    await lease(shop, tenant)
    assert await draw(shop, tenant, "lease_1", amount) == Decimal(drawn)
    assert await open_leases(shop, tenant) == 1 - Decimal(drawn)
    await shop.assert_books_balance()


async def test_nothing_is_drawn_on_a_lease_that_has_ended(shop) -> None:
    tenant, other = await shop.tenant("8.00"), await shop.tenant("8.00")
    await lease(shop, tenant)
    assert await draw(shop, other, "lease_1", "1") == 0
    await end(shop, tenant, "lease_1")
    assert await draw(shop, tenant, "lease_1", "1") == 0
    async with shop.tx(tenant_id=tenant) as tx:
        ended = await tx.one("select state, remaining, ended_at from billing.credit_leases")
    assert ended is not None and ended[:2] == ("ended", 0)
    assert timedelta() <= ended[2] - shop.clock < timedelta(minutes=1)


async def test_only_its_holder_ends_a_lease_and_twice_is_once(shop) -> None:
    tenant, other = await shop.tenant(), await shop.tenant()
    await lease(shop, tenant)
    for who, holder in ((tenant, "gw_2"), (other, "gw_1")):
        with pytest.raises(Problem) as refused:
            await end(shop, who, "lease_1", holder)
        assert refused.value.status == 404
    await draw(shop, tenant, "lease_1", "1.5")
    for _ in range(2):
        await end(shop, tenant, "lease_1")
        assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))
    assert (await lease(shop, tenant)).remaining.amount == 0  # it stays what it was, and is not opened again
    await shop.assert_books_balance()


async def test_a_lease_whose_holder_is_gone_ends_an_hour_after_it_ran_out(shop) -> None:
    tenant = await shop.tenant()
    await lease(shop, tenant)
    shop.pass_seconds(15 * 60 + 3599)
    assert await leases.end_due(shop) == 0
    shop.pass_seconds(2)
    assert await leases.end_due(shop) == 1
    assert await leases.end_due(shop) == 0
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))
    async with shop.tx() as tx:
        assert await store.tenant_of(tx, "lease_1") is None


async def test_a_lease_that_cannot_be_ended_stops_no_other(shop) -> None:
    tenant = await shop.tenant()
    async with shop.tx() as tx:
        await tx.run("insert into billing.lease_ends values ('lease_0', %s, kernel.now())", (tenant,))
    await lease(shop, tenant)
    shop.pass_seconds(15 * 60 + 3601)
    with pytest.raises(ExceptionGroup, match="1 of 2 leases could not be ended"):
        await leases.end_due(shop)
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))


async def test_a_tenant_sees_its_own_leases_only_and_changes_none(shop) -> None:
    tenant, other = await shop.tenant(), await shop.tenant()
    await lease(shop, tenant)
    for who, seen in ((tenant, 1), (other, 0)):
        async with shop.tx("tenant", tenant_id=who) as tx:
            assert await tx.value("select count(*) from billing.credit_leases") == seen
    with pytest.raises(Exception, match="permission denied"):
        async with shop.tx("tenant", tenant_id=tenant) as tx:
            await tx.run("update billing.credit_leases set remaining = 0")


async def test_payers_are_found_by_tenant_and_by_account(shop) -> None:
    tenant = await shop.tenant()
    async with shop.tx(tenant_id=tenant) as tx:
        account = await facade.payer(tx, "EUR")
    async with shop.tx() as tx:
        assert (await facade.payers(tx))[tenant] == account
        assert await facade.payers(tx, [account, "bacc_nobody"]) == {tenant: account}
        assert await facade.payers(tx, []) == {}


@pytest.mark.parametrize("role", ["tenant", "operator"])
async def test_nobody_but_the_worker_asks_who_pays_for_whom(shop, role) -> None:
    tenant, other = await shop.tenant(), await shop.tenant()
    with pytest.raises(Exception, match="permission denied"):
        async with shop.tx(role, tenant_id=tenant) as tx:
            await facade.payers(tx)
    async with shop.tx(tenant_id=tenant) as tx:
        assert await tx.value("select count(*) from billing.billing_accounts where tenant_id = %s", (other,)) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("lease"), st.integers(0, 3), st.integers(1, 400)),
        st.tuples(st.just("use"), st.integers(0, 3), st.integers(1, 3_000_000)),
        st.tuples(st.just("end"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.integers(1, 4_000)),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_money_is_neither_made_nor_lost_whatever_happens(shop, steps) -> None:
    """Leases that come, are used and go: wallet and bill together are always the credit, and held is what is held for."""
    tenant = await shop.tenant("40.00")
    await shop.sells_tokens("3.000000001")
    source = shop.new("key")
    names = [shop.new("lease") for _ in range(4)]
    used = 0
    for step, which, much in steps:
        shop.pass_seconds(much if step == "wait" else 1)
        if step == "wait":
            await leases.end_due(shop)
        elif step == "lease":
            try:
                await lease(shop, tenant, lease_id=names[which], least=str(Decimal(much) / 100))
            except Problem as problem:
                assert problem.code == "insufficient_credit"
        elif step == "use":
            await use(shop, tenant, much, names[which], source, price="3.000000001")
            used += much
        else:
            try:
                await end(shop, tenant, names[which])
            except Problem as problem:
                assert problem.status == 404
        available, held = await shop.wallet(tenant)
        assert available + held == 40
        await shop.assert_books_balance()
    async with shop.tx(tenant_id=tenant) as tx:
        for name in names:
            if await store.lock(tx, name):
                await leases.end(tx, name)
        await facade.settle_usage(tx, source)
    billed = (used * Decimal("3.000000001") / 10**6).quantize(Decimal("1e-9")).quantize(Decimal("0.01"))
    assert await shop.wallet(tenant) == (40 - billed, Decimal(0))
