"""The routes through the real edge: who gets in, what comes out, what odd input meets."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from aifactory.domains.billing.manifest import MANIFEST
from aifactory.domains.iam import facade as iam
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Grant, Principal

from .conftest import SKU

OPERATOR = Principal("usr_operator", "user", "operator", None, (Grant("platform_admin", "platform"),))


class Door:
    """The billing routes for one caller at a time."""

    def __init__(self, shop) -> None:
        self.shop, self.who, self.keys = shop, Principal.anonymous(), 0
        app = FastAPI()
        for router in MANIFEST.routers:
            app.include_router(router)
        app.state.edge = Edge(shop, self._authenticate, iam.decide_anywhere, lambda request, principal: None)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")

    async def _authenticate(self, request) -> Principal:
        return self.who

    def as_admin_of(self, tenant: str) -> None:
        self.who = Principal("usr_a", "user", "a", tenant, (Grant("tenant_admin", f"tenant:{tenant}"),))

    async def get(self, path: str, **query) -> httpx.Response:
        return await self.client.get("/api/v3" + path, params=query)

    async def post(self, path: str, **body) -> httpx.Response:
        self.keys += 1
        return await self.client.post("/api/v3" + path, json=body, headers={"Idempotency-Key": f"test-key-{self.keys}"})


@pytest.fixture
async def door(shop) -> AsyncIterator[Door]:
    opened = Door(shop)
    yield opened
    await opened.client.aclose()


async def test_a_visitor_gets_a_quote_and_nothing_else(door) -> None:
    quote = await door.post("/quotes", sku="local.cpu.1", count=2, hours="1.5")
    assert quote.status_code == 200, quote.text
    body = quote.json()
    assert (
        body["total"] == {"amount": "0.36", "currency": "EUR"}
        and body["hold"]["amount"] == "0.24"
        and body["hours"] == "1.5"
    )
    for path in (
        "/usage",
        "/statement",
        "/wallet",
        "/ledger/trial-balance",
        "/ledger/entries",
        "/admin/prices",
        "/admin/ledger/entries",
    ):
        assert (await door.get(path)).status_code == 401, path


@pytest.mark.parametrize(
    "odd",
    [{"count": 0}, {"count": "many"}, {"hours": -1}, {"hours": "NaN"}, {"sku": ""}, {"extra": 1}, {"hours": "1e99"}],
)
async def test_an_odd_quote_is_refused_with_its_field(door, odd: dict) -> None:
    answer = await door.post("/quotes", **({"sku": "local.cpu.1"} | odd))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_tenant_reads_its_money_in_the_published_shape(door, shop) -> None:
    tenant = await shop.tenant("10.00")
    await shop.settles(tenant, await shop.runs(tenant, 3600))
    door.as_admin_of(tenant)
    for router in MANIFEST.routers:
        for route in router.routes:
            path = route.path.removeprefix("/api/v3")
            if "GET" in route.methods and not path.startswith("/admin"):
                answer = await door.get(path)
                assert answer.status_code == 200, answer.text
                route.response_model.model_validate_json(answer.content)
    assert (await door.get("/wallet")).json()["available"] == {"amount": "9.88", "currency": "EUR"}
    statement = (await door.get("/statement", month="2027-03")).json()
    assert statement["lines"][0]["exact_amount"] == {"amount": "0.12", "currency": "EUR"}


async def test_a_tenant_is_no_operator(door, shop) -> None:
    door.as_admin_of(await shop.tenant())
    assert (await door.get("/admin/prices")).status_code == 403
    assert (await door.post("/admin/prices", sku=SKU, amount="0.01", currency="EUR")).status_code == 403
    assert (
        await door.post("/admin/credits", tenant_id="tnt_x", amount="1", currency="EUR", reason="please")
    ).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "WyJhIiwiYiJd"},
        {"limit": 0},
        {"limit": 10**9},
        {"since": "yesterday"},
        {"month": "2027-99"},
    ],
)
@pytest.mark.parametrize("path", ["/usage", "/statement", "/ledger/entries"])
async def test_odd_queries_are_never_our_error(door, shop, path: str, query: dict) -> None:
    door.as_admin_of(await shop.tenant())
    assert (await door.get(path, **query)).status_code in (200, 422)


async def test_an_operator_changes_a_price_grants_credit_and_reverses_it(door, shop) -> None:
    tenant = await shop.tenant("0")
    door.who = OPERATOR
    shop.pass_seconds(1)
    changed = await door.post(
        "/admin/prices",
        sku=SKU,
        amount="0.24",
        currency="EUR",
        effective_at="2028-01-01T00:00:00.7Z",
        reason="new year",
    )
    assert changed.status_code == 201, changed.text
    assert changed.json()["effective_at"] == "2028-01-01T00:00:00Z"
    newest = (await door.get("/admin/prices", sku=SKU)).json()["items"][0]
    assert newest["scheduled"] and newest["price"] == {"amount": "0.24", "currency": "EUR"}
    granted = await door.post("/admin/credits", tenant_id=tenant, amount="12.50", currency="EUR", reason="a gift")
    assert granted.status_code == 201, granted.text
    assert await shop.wallet(tenant) == (12.5, 0)
    reversed_ = await door.post(f"/admin/ledger/entries/{granted.json()['id']}/reverse", reason="too generous")
    assert reversed_.json()["amount"] == {"amount": "-12.50", "currency": "EUR"}
    assert (await door.get("/admin/ledger/trial-balance")).json()["balanced"]
    facts = await door.post(
        "/admin/payer-facts", tenant_id=tenant, kyc_status="verified", payment_method="card", reason="seen"
    )
    assert facts.status_code == 201
    door.as_admin_of(tenant)
    assert (await door.get("/wallet")).json()["kyc_status"] == "verified"


async def test_an_operator_credits_an_outage(door, shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    door.who = OPERATOR
    early = {"from_at": "2027-03-01T11:00:00Z", "to_at": "2027-03-01T11:30:00Z", "reason": "power"}
    half = {"from_at": "2027-03-01T11:30:00Z", "to_at": "2027-03-01T12:30:00Z", "reason": "power"}
    for outage, credited in ((early, "0.00"), (half, "0.06"), (half, "0.00")):
        answer = await door.post("/admin/outages", allocation_id=allocation, **outage)
        assert answer.status_code == 201 and answer.json()["credited"]["amount"] == credited, answer.text
    to_come = await door.post("/admin/outages", allocation_id=allocation, **(half | {"to_at": "2027-03-01T14:00:00Z"}))
    assert to_come.status_code == 422
    unknown = await door.post(
        "/admin/outages",
        allocation_id="alloc_none",
        from_at="2026-01-01T00:00:00Z",
        to_at="2026-01-01T01:00:00Z",
        reason="power",
    )
    assert unknown.status_code == 404
