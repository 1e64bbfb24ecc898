"""The language of inference's tests: gateways that enrol through the real routes, keys, models, and what was carried.

SIMULATED: these gateways carry nothing. They say what a gateway says; a real one is tried in tests/inference.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory.domains.app_platform.inference import usage
from aifactory.domains.app_platform.tests.conftest import Factory
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning.tests.conftest import OPERATOR
from aifactory.domains.provisioning.tests.simulated_node import a_csr
from aifactory.kernel.principal import Grant, Principal
from aifactory_protocol.gateway import (
    GatewayBootstrapRequest,
    GatewayBootstrapResponse,
    Lease,
    LeaseRequest,
    LeaseReturn,
    Snapshot,
    SnapshotAnswer,
    SnapshotRequest,
    UsageAnswer,
    UsageBatch,
    UsageRecord,
)

NANOS = 10**9
PEOPLE = {person.tenant_id: person for person in iam.SEEDED}
A_MODEL = {
    "id": "small-1b",
    "name": "Small",
    "capabilities": ["chat", "completions"],
    "context_tokens": 4096,
    "max_output_tokens": 512,
    "currency": "EUR",
    "input_price": "3",
    "output_price": "7.000000001",
}


def person(tenant_id: str) -> Principal:
    """Who is seeded in that tenant, with the role that the seed gives."""
    grants = (Grant("tenant_admin", f"tenant:{tenant_id}"),)
    return Principal(PEOPLE[tenant_id].user_id, "user", PEOPLE[tenant_id].email, tenant_id, grants)


@dataclass
class SimulatedGateway:
    house: "TokenHouse"
    id: str
    pepper: bytes
    told: int = 0

    async def call(self, path: str, body: Any, status: int = 200) -> bytes:
        answer = await self.post(path, body)
        assert answer.status_code == status, answer.text
        return answer.content

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.house.factory.agent_http.post(
            f"/internal/v3/gateway{path}", content=msgspec.json.encode(body), headers={"X-Test-Gateway": self.id}
        )

    async def snapshot(self, known: int = 0, wait: int = 0) -> Snapshot | None:
        content = await self.call("/snapshot", SnapshotRequest(known, wait))
        return msgspec.json.decode(content, type=SnapshotAnswer).snapshot

    async def lease(
        self, account_id: str, least: Decimal | int = 1, id: str = "lease_1", currency: str = "EUR"
    ) -> Lease:
        wanted = LeaseRequest(id, account_id, currency, int(Decimal(least) * NANOS))
        return msgspec.json.decode(await self.call("/leases", wanted), type=Lease)

    async def gives_back(self, *ids: str) -> None:
        await self.call("/leases/return", LeaseReturn(list(ids)), 204)

    async def tells(self, *records: UsageRecord) -> dict[str, str]:
        """Returns what was refused."""
        return msgspec.json.decode(await self.call("/usage", UsageBatch(list(records))), type=UsageAnswer).refused

    def knows(self, snapshot: Snapshot | None, secret: str) -> Any:
        """The key of this text, as a gateway finds it."""
        digest = hmac.new(self.pepper, secret.encode(), hashlib.sha256).digest()
        text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return next((key for key in (snapshot.keys if snapshot else ()) if key.hash == text), None)

    def carried(self, key: Any, tokens_in: int, tokens_out: int, lease: str = "lease_1", **other: Any) -> UsageRecord:
        self.told += 1
        now = self.house.now()
        record = {
            "id": f"req_{self.id[3:]}-{self.told}", "key_id": key.id, "tenant_id": key.tenant_id, "project_id": key.project_id,
            "account_id": key.account_id, "lease_id": lease, "model": "small-1b", "upstream_id": "ups_1", "price_id": "price_1",
            "tokens_in": tokens_in, "tokens_out": tokens_out, "counted_by": "upstream", "outcome": "ok", "streamed": True,
            "started_at": now, "ended_at": now,
        }  # fmt: skip
        return UsageRecord(**record | other)


@dataclass
class TokenHouse:
    factory: Factory
    key_of_node: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def now(self) -> datetime:
        from datetime import UTC

        return datetime.now(UTC) + self.factory.database.offset

    async def token(self, name: str = "edge-1", **wanted: Any) -> str:
        answer = await self.factory.post("/admin/gateway-tokens", {"gateway_name": name} | wanted, "operator")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    async def enrol(self, token: str, name: str = "edge-1") -> httpx.Response:
        wanted = GatewayBootstrapRequest(token, name, a_csr(self.key_of_node, name))
        return await self.factory.agent_http.post("/internal/v3/gateway/bootstrap", content=msgspec.json.encode(wanted))

    async def a_gateway(self, name: str = "edge-1") -> SimulatedGateway:
        answer = await self.enrol(await self.token(name), name)
        assert answer.status_code == 200, answer.text
        made = msgspec.json.decode(answer.content, type=GatewayBootstrapResponse)
        await self.events()
        return SimulatedGateway(self, made.gateway_id, base64.urlsafe_b64decode(made.pepper + "=="))

    async def an_upstream(self, name: str = "box", **wanted: Any) -> str:
        body = {"name": name, "url": "http://10.0.0.7:8000/v1"} | wanted
        answer = await self.factory.post("/admin/upstreams", body, "operator")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def a_model(self, upstream_id: str | None = None, **wanted: Any) -> dict[str, Any]:
        """Offered and priced: its prices count by now."""
        upstream_id = upstream_id or await self.an_upstream()
        routes = [{"upstream_id": upstream_id, "upstream_model": "served-name"}]
        answer = await self.factory.post("/admin/models", A_MODEL | {"routes": routes} | wanted, "operator")
        assert answer.status_code == 201, answer.text
        self.factory.pass_seconds(2)
        await self.events()
        return answer.json()  # type: ignore[no-any-return]

    async def a_key(self, tenant_id: str | None = None, **wanted: Any) -> tuple[str, str]:
        """(id, text)"""
        tenant_id = tenant_id or self.factory.demo
        async with self.factory.database.tx("tenant", person(tenant_id), tenant_id) as tx:
            made = await iam.create_api_key(tx, wanted.pop("name", "test"), wanted.pop("scopes", None), None, **wanted)
        await self.events()
        return made.id, str(made.secret)

    async def revoke(self, key_id: str, tenant_id: str | None = None) -> None:
        tenant_id = tenant_id or self.factory.demo
        async with self.factory.database.tx("tenant", person(tenant_id), tenant_id) as tx:
            await iam.revoke_api_key(tx, key_id)
        await self.events()

    async def events(self) -> None:
        while await self.factory.deliver_events():
            pass

    async def book(self) -> None:
        """As the worker does it, a second later: a second is the shortest interval that is booked."""
        self.factory.pass_seconds(1.5)
        await usage.book_due(self.factory.database)

    async def reprice(self, sku: str, amount: str, after: timedelta = timedelta(seconds=1)) -> None:
        """From a whole second on, which then has come."""
        from aifactory.domains.billing import facade as billing

        async with self.factory.database.tx("operator", OPERATOR) as tx:
            await billing.change_price(tx, billing.NewPrice(sku, "local", Decimal(amount), "EUR"))
        self.factory.pass_seconds(2)
        await self.events()

    async def wallet(self, tenant_id: str | None = None) -> tuple[Decimal, Decimal]:
        """(available, held)"""
        found = await self.factory.holdings(tenant_id)
        return found["available"], found["held"]
