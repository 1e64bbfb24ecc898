"""The gate and the hold: refused now, or set aside now."""

import asyncio
from decimal import Decimal

import pytest

from aifactory.domains.billing import purchase, quotes
from aifactory.domains.billing.policy import Facts, Policy, most_specific, refusal
from aifactory.domains.billing.store import accounts, catalogue
from aifactory.kernel.errors import Problem

from .conftest import REGION, SKU


async def test_an_hour_ahead_is_set_aside(shop) -> None:
    tenant = await shop.tenant("1.00")
    allocation = await shop.buys(tenant)
    assert await shop.wallet(tenant) == (Decimal("0.88"), Decimal("0.12"))
    assert (await shop.hold(tenant, allocation)).amount == Decimal("0.12")
    assert [event["amount"] for event in await shop.events("billing.hold_placed", allocation)] == ["0.12"]


async def test_the_hold_knows_the_price_to_come(shop) -> None:
    tenant = await shop.tenant()
    await shop.reprices("1.2", shop.second.replace(minute=30))
    allocation = await shop.buys(tenant)
    assert (await shop.hold(tenant, allocation)).amount == Decimal("0.66")


async def test_fifty_want_what_is_enough_for_ten(shop) -> None:
    tenant = await shop.tenant("1.20")
    answers = await asyncio.gather(*(shop.buys(tenant) for _ in range(50)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert len([answer for answer in answers if isinstance(answer, str)]) == 10
    assert {problem.code for problem in refused} == {"insufficient_credit"} and len(refused) == 40
    assert await shop.wallet(tenant) == (Decimal(0), Decimal("1.20"))
    await shop.assert_books_balance()


async def test_a_refusal_says_what_is_needed_and_what_there_is(shop) -> None:
    tenant = await shop.tenant("0.11")
    with pytest.raises(Problem) as refused:
        await shop.buys(tenant)
    assert refused.value.status == 402 and refused.value.code == "insufficient_credit"
    assert refused.value.extra == {
        "needed": {"amount": "0.12", "currency": "EUR"},
        "available": {"amount": "0.11", "currency": "EUR"},
    }
    assert await shop.wallet(tenant) == (Decimal("0.11"), Decimal(0))


async def test_the_same_purchase_twice_is_one_hold(shop) -> None:
    tenant = await shop.tenant("1.00")
    subject = shop.new("alloc")
    await asyncio.gather(*(shop.buys(tenant, subject) for _ in range(6)))
    assert await shop.wallet(tenant) == (Decimal("0.88"), Decimal("0.12"))
    assert len(await shop.events("billing.hold_placed", subject)) == 1


async def test_voiding_gives_everything_back_however_often(shop) -> None:
    tenant = await shop.tenant("1.00")
    allocation = await shop.buys(tenant)
    await asyncio.gather(*(shop.voids(tenant, allocation) for _ in range(5)))
    assert await shop.wallet(tenant) == (Decimal("1.00"), Decimal(0))
    await shop.voids(tenant, "alloc_that_never_was")
    with pytest.raises(Problem) as ended:
        await shop.buys(tenant, allocation)
    assert ended.value.code == "purchase_ended"


async def test_what_has_run_is_settled_not_voided(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 60)
    with pytest.raises(Problem) as refused:
        await shop.voids(tenant, allocation)
    assert refused.value.code == "meter_opened"
    await shop.settles(tenant, allocation)
    with pytest.raises(Problem) as late:
        await shop.voids(tenant, allocation)
    assert late.value.code == "already_settled"


async def test_nothing_is_metered_without_a_hold(shop) -> None:
    tenant = await shop.tenant()
    with pytest.raises(Problem) as refused:
        await shop.opens(tenant, "alloc_stranger")
    assert refused.value.code == "no_hold"


async def test_a_tenant_without_credit_needs_a_payment_method(shop) -> None:
    tenant = await shop.tenant("0")
    with pytest.raises(Problem) as refused:
        await shop.buys(tenant)
    assert refused.value.code == "payment_method_required" and refused.value.todo


async def test_a_tenant_nobody_has_heard_of_gets_an_empty_account(shop) -> None:
    with pytest.raises(Problem) as refused:
        await shop.buys(shop.new("tnt"))
    assert refused.value.code == "payment_method_required"


async def test_what_is_not_sold_here_is_not_found(shop) -> None:
    tenant = await shop.tenant()
    with pytest.raises(Problem) as refused:
        await shop.buys(tenant, sku="no.such.sku")
    assert refused.value.status == 404


async def test_another_currency_is_refused(shop) -> None:
    tenant = await shop.tenant()
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        with pytest.raises(Problem) as refused:
            await purchase.authorize(tx, purchase.Purchase("alloc_x", "prj_test", SKU, REGION, currency="USD"))
    assert refused.value.field == "currency"


async def test_kyc_is_asked_for_where_the_policy_asks_and_credit_is_no_substitute(shop) -> None:
    tenant = await shop.tenant()
    async with shop.tx("operator") as tx:
        await catalogue.upsert_policy(tx, catalogue.PolicyRow("policy_kyc", REGION, SKU, "*", True, True, True))
    with pytest.raises(Problem) as refused:
        await shop.buys(tenant)
    assert (refused.value.status, refused.value.code) == (402, "kyc_required")
    async with shop.tx("operator") as tx:
        account = await accounts.account_of(tx, tenant)
        await accounts.add_fact(tx, tenant, account, "kyc_status", "verified", "passport seen")
    assert await shop.buys(tenant)


async def test_a_quote_pins_its_price_until_that_changes(shop) -> None:
    tenant = await shop.tenant()
    async with shop.tx("tenant") as tx:
        quote = await quotes.quote(tx, SKU, REGION, 1, Decimal(1))
    assert await _buy_quoted(shop, tenant, quote.id)
    await shop.reprices("0.10")
    shop.pass_seconds(2)
    assert await _refused_quote(shop, tenant, quote.id) == "quote_changed"
    shop.pass_seconds(601)
    assert await _refused_quote(shop, tenant, quote.id) == "quote_expired"
    assert await _refused_quote(shop, tenant, "quote_of_my_dreams") == "invalid_field"


async def _buy_quoted(shop, tenant: str, quote_id: str) -> str:
    async with shop.tx("tenant", tenant_id=tenant) as tx:
        return (
            await purchase.authorize(tx, purchase.Purchase(shop.new("alloc"), "prj", SKU, REGION, quote_id=quote_id))
        ).hold_id


async def _refused_quote(shop, tenant: str, quote_id: str) -> str:
    with pytest.raises(Problem) as refused:
        await _buy_quoted(shop, tenant, quote_id)
    return refused.value.code


ANYWHERE = Policy("p1", "*", "*", "*", False, False, False)
HERE = Policy("p2", "local", "*", "*", False, True, True)
GPUS_HERE = Policy("p3", "local", "gpu.*", "*", True, True, False)
GPUS_FOR_TRAINING = Policy("p4", "local", "gpu.*", "training", True, False, False)


def test_the_most_specific_policy_decides() -> None:
    everything = [ANYWHERE, HERE, GPUS_HERE, GPUS_FOR_TRAINING]
    assert most_specific(everything, "gpu.h200") == GPUS_FOR_TRAINING
    assert most_specific([ANYWHERE, HERE, GPUS_HERE], "local.cpu.1") == HERE
    assert most_specific([GPUS_HERE], "local.cpu.1") is None


def test_without_a_rule_nothing_is_sold() -> None:
    problem = refusal(None, Facts(), SKU)
    assert problem is not None and problem.code == "not_for_sale"


def test_a_card_or_credit_opens_what_asks_for_payment() -> None:
    assert refusal(HERE, Facts(payment_method="card"), SKU) is None
    assert refusal(HERE, Facts(promotional_credit=True), SKU) is None
    problem = refusal(GPUS_HERE, Facts("verified", "none", True), SKU)
    assert problem is not None and problem.code == "payment_method_required"
