"""Everything at once: nobody waits for ever, nothing is paid twice."""

import asyncio
from decimal import Decimal

from aifactory.kernel.errors import Problem


async def test_bills_rolls_prices_and_outages_at_the_same_time(shop) -> None:
    tenants = [await shop.tenant("5.00") for _ in range(3)]
    running = [(tenant, await shop.buys(tenant)) for tenant in tenants for _ in range(4)]
    for tenant, allocation in running:
        await shop.opens(tenant, allocation)
    opened = shop.second
    shop.pass_seconds(2400)

    async def end(tenant: str, allocation: str) -> Decimal:
        await shop.closes(tenant, allocation)
        return await shop.settles(tenant, allocation)

    work = [end(*pair) for pair in running for _ in range(2)]
    work += [shop.rolls() for _ in range(4)]
    work += [shop.reprices(f"0.{number}") for number in range(20, 24)]
    work += [shop.outage(*pair, opened, opened.replace(minute=1)) for pair in running[:6]]
    work += [shop.buys(tenant) for tenant in tenants for _ in range(3)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    odd = [
        answer
        for answer in answers
        if isinstance(answer, BaseException) and getattr(answer, "code", "") != "price_already_set"
    ]
    assert odd == []
    assert not any(isinstance(answer, Problem) for answer in answers[: 2 * len(running)])
    await shop.assert_books_balance()
    for tenant, allocation in running:
        assert len([event for event in await shop.events("billing.charge_settled", allocation)]) == 1
        assert (await shop.hold(tenant, allocation)).state == "settled"
