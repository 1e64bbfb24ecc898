"""Tokens become money: leased before they are spent, told once, booked at the price of their second, exact to the last place."""

import asyncio
import random
from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from aifactory.domains.app_platform.inference import usage
from aifactory.domains.billing import facade as billing
from aifactory.domains.provisioning.tests.conftest import OPERATOR
from aifactory.kernel.principal import Principal
from aifactory_protocol.gateway import LeaseRequest

MILLION = Decimal(1_000_000)


@pytest.fixture
async def story(tokens):
    """A gateway that knows a model and demo's key, with a lease."""
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    _, secret = await tokens.a_key()
    key = gateway.knows(await gateway.snapshot(), secret)
    return tokens, gateway, key


async def booked(tokens, tenant=None):
    """sku -> (tokens, exact amount) in the books."""
    tenant = tenant or tokens.factory.demo
    async with tokens.factory.database.tx("worker", Principal.service("test"), tenant) as tx:
        rows = await tx.all(
            "select u.sku, sum(u.quantity), sum(u.exact_amount) from billing.usage_periods p "
            "cross join lateral billing.usage_priced(array[p.subject_id], '-infinity', 'infinity') u "
            "where u.sku like 'small%' group by u.sku"
        )
    return {sku: (int(quantity), amount) for sku, quantity, amount in rows}


async def test_what_was_told_is_booked_once_at_its_price(story):
    tokens, gateway, key = story
    await gateway.lease(key.account_id)
    records = [
        gateway.carried(key, 1_000, 20),
        gateway.carried(key, 333, 77, streamed=False),
        gateway.carried(key, 5, 0),
    ]
    assert await gateway.tells(*records) == {}
    assert await gateway.tells(*records) == {}  # the answer was lost, so it tells again
    await tokens.book()
    assert await gateway.tells(*records[:2]) == {}
    await tokens.book()
    found = await booked(tokens)
    assert found["small-1b.input"] == (1_338, Decimal("0.004014000"))
    assert found["small-1b.output"] == (97, (97 * Decimal("7.000000001") / MILLION).quantize(Decimal("1e-9")))


async def test_money_moves_from_the_lease_to_the_months_bill_and_the_rest_comes_back(story):
    tokens, gateway, key = story
    available, held = await tokens.wallet()
    leased = await gateway.lease(key.account_id, least=2)
    amount = Decimal(leased.amount) / 10**9
    assert amount >= 2
    assert await tokens.wallet() == (available - amount, held + amount)
    await gateway.tells(gateway.carried(key, 500_000, 0))  # 1.50
    await tokens.book()
    assert await tokens.wallet() == (available - amount, held + amount)  # what is on the bill was the lease's
    await gateway.gives_back("lease_1")
    await gateway.gives_back("lease_1")
    assert await tokens.wallet() == (available - Decimal("1.50"), held + Decimal("1.50"))


async def test_without_credit_there_is_no_lease(story):
    tokens, gateway, key = story
    available, _ = await tokens.wallet()
    wanted = LeaseRequest("lease_9", key.account_id, "EUR", int((available + 1) * 10**9))
    answer = await gateway.post("/leases", wanted)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credit")
    assert (await tokens.wallet())[0] == available
    nobody = await gateway.post("/leases", LeaseRequest("lease_9", "bacc_nobody", "EUR", 1))
    assert nobody.status_code == 404


async def test_many_gateways_together_lease_no_more_than_there_is(tokens):
    gateways = [await tokens.a_gateway(f"edge-{n}") for n in range(3)]
    await tokens.a_model()
    _, secret = await tokens.a_key()
    account = gateways[0].knows(await gateways[0].snapshot(), secret).account_id
    available, held = await tokens.wallet()
    wish = int(available / 10 * 10**9)
    answers = await asyncio.gather(
        *(
            gateway.post("/leases", LeaseRequest(f"lease_{n}-{m}", account, "EUR", wish))
            for n, gateway in enumerate(gateways)
            for m in range(10)
        )
    )
    leased = sum(answer.json()["amount"] for answer in answers if answer.status_code == 200)
    assert {answer.status_code for answer in answers} == {200, 402}
    left, now_held = await tokens.wallet()
    assert left >= 0
    assert available - left == now_held - held == Decimal(leased) / 10**9


async def test_a_lease_is_its_gateways_own(tokens):
    one, two = await tokens.a_gateway("edge-1"), await tokens.a_gateway("edge-2")
    await tokens.a_model()
    _, secret = await tokens.a_key()
    account = one.knows(await one.snapshot(), secret).account_id
    first = await one.lease(account)
    assert await one.lease(account) == first
    assert (await two.post("/leases", LeaseRequest("lease_1", account, "EUR", 1))).status_code == 409
    held = (await tokens.wallet())[1]
    await two.gives_back("lease_1", "lease_never")
    assert (await tokens.wallet())[1] == held
    await one.gives_back("lease_1")
    assert (await tokens.wallet())[1] < held


async def test_a_price_that_changes_counts_for_what_begins_from_then_on(story):
    tokens, gateway, key = story
    await gateway.lease(key.account_id)
    before = gateway.carried(key, 1_000_000, 0)
    tokens.factory.pass_seconds(2)
    await tokens.reprice("small-1b.input", "10")
    await gateway.tells(gateway.carried(key, 1_000_000, 1_000_000), before)
    await tokens.book()
    found = await booked(tokens)
    assert found["small-1b.input"] == (2_000_000, Decimal("13.000000000"))
    assert found["small-1b.output"] == (1_000_000, Decimal("7.000000001"))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"account_id": "bacc_other"}, "unknown_account"),
        ({"tenant_id": "tnt_other"}, "unknown_account"),
        ({"model": "nobody-7b"}, "unknown_model"),
        ({"early": timedelta(days=-40)}, "impossible_time"),
        ({"early": timedelta(hours=1)}, "impossible_time"),
    ],
)
async def test_a_record_that_can_be_nobodys_is_refused_by_itself(story, wrong, code):
    tokens, gateway, key = story
    shift = wrong.pop("early", timedelta())
    at = tokens.now() + shift
    bad = gateway.carried(key, 1, 1, **wrong, started_at=at, ended_at=at)
    good = gateway.carried(key, 10, 1)
    assert await gateway.tells(bad, good) == {bad.id: code}
    await tokens.book()
    assert (await booked(tokens))["small-1b.input"][0] == 10


async def test_usage_is_summed_for_who_may_see_it(story):
    tokens, gateway, key = story
    await gateway.tells(gateway.carried(key, 100, 10), gateway.carried(key, 50, 5, outcome="interrupted"))
    [row] = (await tokens.factory.get("/token-usage")).json()["items"]
    assert row == {
        "key_id": key.id, "project_id": None, "model_id": "small-1b", "requests": 2, "failed": 1, "tokens_in": 150, "tokens_out": 15,
    }  # fmt: skip
    [row] = (await tokens.factory.get("/token-usage?by=project")).json()["items"]
    assert (row["project_id"], row["key_id"], row["requests"]) == (key.project_id, None, 2)
    assert (await tokens.factory.get("/token-usage", tokens.factory.other)).json()["items"] == []
    assert (await tokens.factory.get("/token-usage?project_id=prj_other")).json()["items"] == []
    longer = await tokens.factory.get("/token-usage?since=2020-01-01T00:00:00Z")
    assert (longer.status_code, longer.json()["field"]) == (422, "since")


async def test_booking_and_telling_at_once_lose_and_double_nothing(story):
    tokens, gateway, key = story
    await gateway.lease(key.account_id, least=20)
    records = [gateway.carried(key, n, n % 7) for n in range(1, 301)]

    async def tell(part):
        for start in range(0, len(part), 10):
            await gateway.tells(*part[start : start + 10])
            await gateway.tells(*part[start : start + 10])

    async def book():
        for _ in range(12):
            await usage.book_due(tokens.factory.database)
            tokens.factory.pass_seconds(1)

    await asyncio.gather(*(tell(records[n::4]) for n in range(4)), book(), book())
    await tokens.book()
    found = await booked(tokens)
    assert found["small-1b.input"][0] == sum(record.tokens_in for record in records)
    assert found["small-1b.output"][0] == sum(record.tokens_out for record in records)


@pytest.mark.parametrize("seed", range(3))
async def test_the_settled_bill_is_tokens_times_price_by_an_oracle_of_its_own(tokens, seed):
    """Two gateways, two keys, leases that come and go, one change of price: every line to the minor unit."""
    chance = random.Random(seed)
    gateways = [await tokens.a_gateway(f"edge-{n}") for n in range(2)]
    await tokens.a_model()
    secrets = [(await tokens.a_key(name=f"k{n}"))[1] for n in range(2)]
    known = await gateways[0].snapshot()
    keys = [gateways[0].knows(known, secret) for secret in secrets]
    available, held = await tokens.wallet()
    prices = {"in": Decimal(3), "out": Decimal("7.000000001")}
    counted: dict[tuple[str, str, Decimal], int] = defaultdict(int)
    for turn in range(6):
        if turn == 3:
            await tokens.reprice("small-1b.output", "11.5")
            prices["out"] = Decimal("11.5")
        gateway = chance.choice(gateways)
        lease = f"lease_{turn}"
        await gateway.lease(keys[0].account_id, least=chance.randint(1, 3), id=lease)
        records = []
        for _ in range(chance.randint(1, 8)):
            key = chance.choice(keys)
            record = gateway.carried(key, chance.randint(0, 60_000), chance.randint(0, 9_000), lease=lease)
            counted[key.id, "in", prices["in"]] += record.tokens_in
            counted[key.id, "out", prices["out"]] += record.tokens_out
            records.append(record)
        await gateway.tells(*records)
        if chance.random() < 0.5:
            await tokens.book()
        if chance.random() < 0.5:
            await gateway.gives_back(lease)
    await tokens.book()
    for gateway in gateways:
        await gateway.gives_back(*(f"lease_{turn}" for turn in range(6)))
    async with tokens.factory.database.tx("worker", Principal.service("test"), tokens.factory.demo) as tx:
        for key in keys:
            await billing.settle_usage(tx, key.id)
    exact = [tokens_ * price / MILLION for (_, _, price), tokens_ in counted.items()]
    owed = sum(
        (
            amount.quantize(Decimal("1e-9"), ROUND_HALF_EVEN).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
            for amount in exact
        ),
        Decimal(0),
    )
    assert owed > 0
    assert await tokens.wallet() == (available - owed, held)
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        assert await tx.value("select coalesce(sum(amount), 0) from billing.ledger_lines") == 0
