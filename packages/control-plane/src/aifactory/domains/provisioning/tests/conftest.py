"""A small factory in a box: seeded tenants, prices and credit, the API, flows in-process, and simulated nodes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aifactory.api.app import build
from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.platform_control import secrets
from aifactory.domains.provisioning import facade
from aifactory.domains.provisioning.manifest import MANIFEST
from aifactory.domains.provisioning.ports import ACCESS_PROBE
from aifactory.domains.provisioning.schedules import notice_silent_nodes
from aifactory.domains.provisioning.tests.simulated_node import SimulatedNode, SimulatedProbe, an_inventory
from aifactory.domains.storage_network.manifest import MANIFEST as STORAGE
from aifactory.events import Envelope
from aifactory.kernel.consumers import deliver
from aifactory.kernel.edge import Edge
from aifactory.kernel.flow_runner import FlowRunner
from aifactory.kernel.principal import Grant, Principal
from aifactory.kernel.wakeups import LocalWakeups
from aifactory.testing.power_cut import MovableDatabase

OPERATOR = Principal("usr_operator", "user", "operator", None, (Grant("platform_admin", "platform"),))
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtB4g8F38rRyix1nSubQgvPPhNlHgIXX3ACHW9r4FRu me@here"


def tenant_admin(tenant_id: str) -> Principal:
    grants = (Grant("tenant_admin", f"tenant:{tenant_id}"),)
    return Principal(f"usr_{tenant_id[4:]}", "user", "somebody", tenant_id, grants)


class Factory:
    """Speaks provisioning's language. Requests go over the real routes and edge; who asks is a test's header."""

    def __init__(self, database: MovableDatabase) -> None:
        self.database = database
        self.probe = SimulatedProbe()
        self.nodes: list[SimulatedNode] = []
        self.demo, self.other = iam.SEEDED_TENANTS[:2]
        self.keys = 0
        self.consumers = [*MANIFEST.consumers, *STORAGE.consumers]
        edge = Edge(database, self._who, iam.decide_anywhere, lambda request, who: None)
        routers = [router for m in (MANIFEST, STORAGE) for router in m.routers]
        self.app: FastAPI = build("tenants", routers, edge)
        self.agent_app: FastAPI = build("agents", MANIFEST.agent_routers, edge)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://api")
        self.agent_http = httpx.AsyncClient(transport=httpx.ASGITransport(self.agent_app), base_url="http://agents")

    async def _who(self, request: Any) -> Principal:
        if node := request.headers.get("X-Test-Node"):
            return Principal.agent(node)
        if tenant := request.headers.get("X-Test-Tenant"):
            return OPERATOR if tenant == "operator" else tenant_admin(tenant)
        return Principal.anonymous()

    # -- time and work

    def pass_seconds(self, seconds: float) -> None:
        self.database.offset += timedelta(seconds=seconds)
        for node in self.nodes:
            node.clock_offset = self.database.offset

    def runner(self, who: str = "w1") -> FlowRunner:
        flows = [*MANIFEST.flows, *STORAGE.flows]
        return FlowRunner(self.database, flows, who, {ACCESS_PROBE: self.probe})

    async def work(self, rounds: int = 12) -> None:
        """Flows, events and nodes take turns until nothing moves any more at this instant."""
        for _ in range(rounds):
            moved = await self.runner().run_until_idle()
            moved += await self.deliver_events()
            for node in self.nodes:
                moved += len(await node.poll())
            if not moved:
                return

    async def settle_down(self, seconds: float = 40) -> None:
        """Lets time pass in small steps while everybody works."""
        for _ in range(int(seconds / 2)):
            await self.work()
            self.pass_seconds(2)
        await self.work()

    async def deliver_events(self) -> int:
        """What the relay does: each consumer has each of its events once."""
        delivered = 0
        for consumer in self.consumers:
            async with self.database.tx("worker") as tx:
                rows = await tx.all(
                    "select id, type, version, aggregate, aggregate_version, tenant_id, occurred_at::text as occurred_at, "
                    "traceparent, payload from kernel.outbox o where type = any(%s) and not exists "
                    "(select from kernel.inbox i where i.consumer = %s and i.event_id = o.id)",
                    (list(consumer.events), consumer.name),
                    into=Envelope,
                )
            for envelope in rows:
                assert await deliver(self.database, consumer, envelope)
                delivered += 1
        return delivered

    async def notice_silence(self) -> None:
        await notice_silent_nodes(self.database)

    # -- arranging

    async def token(self, node_name: str = "box", life_seconds: int = 900) -> str:
        async with self.database.tx("operator", OPERATOR) as tx:
            return (await facade.create_bootstrap_token(tx, node_name, life_seconds=life_seconds)).token

    async def a_node(self, slots: int = 2, name: str = "box") -> SimulatedNode:
        """Enrolled through the real bootstrap; its slots are cleaned and on offer."""
        node = SimulatedNode(self.agent_http, name)
        node.clock_offset = self.database.offset
        answer = await node.enrol(await self.token(name), an_inventory(slots))
        assert answer.status_code == 200, answer.text
        self.nodes.append(node)
        self.probe.nodes.append(node)
        await self.work()
        return node

    # -- asking

    def headers(self, tenant: str | None = None) -> dict[str, str]:
        self.keys += 1
        return {"X-Test-Tenant": tenant or self.demo, "Idempotency-Key": f"test-key-{self.keys:06d}"}

    async def post(self, path: str, body: Any, tenant: str | None = None) -> httpx.Response:
        return await self.http.post(f"/api/v3{path}", json=body, headers=self.headers(tenant))

    async def get(self, path: str, tenant: str | None = None) -> httpx.Response:
        return await self.http.get(f"/api/v3{path}", headers=self.headers(tenant))

    async def delete(self, path: str, tenant: str | None = None) -> httpx.Response:
        return await self.http.delete(f"/api/v3{path}", headers=self.headers(tenant))

    async def launches(self, tenant: str | None = None, **wanted: Any) -> dict[str, Any]:
        answer = await self.post("/allocations", {"sku": "local.cpu.1", "ssh_public_key": SSH_KEY} | wanted, tenant)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def releases(self, allocation_id: str, tenant: str | None = None) -> dict[str, Any]:
        answer = await self.post(f"/allocations/{allocation_id}/release", {}, tenant)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def allocation(self, allocation_id: str, tenant: str | None = None) -> dict[str, Any]:
        return (await self.get(f"/allocations/{allocation_id}", tenant)).json()

    async def path_of(self, allocation_id: str) -> list[str]:
        return [step["to_state"] for step in (await self.get(f"/allocations/{allocation_id}/events")).json()["items"]]

    async def slots(self) -> list[dict[str, Any]]:
        return (await self.get("/admin/slots", "operator")).json()["items"]

    # -- looking behind the scenes, as the owner of the truth

    async def holdings(self, tenant: str | None = None) -> dict[str, Any]:
        """What a launch takes from its tenant: quota in use, money held and available."""
        tenant = tenant or self.demo
        async with self.database.tx("worker", Principal.service("test"), tenant) as tx:
            quotas = await iam.quota_usage(tx)
            wallet = await tx.one("select available, held from billing.wallets where currency = 'EUR'")
        return {q.resource: q.used for q in quotas} | {"available": wallet[0], "held": wallet[1]}


@pytest.fixture(scope="session")
def platform_secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    secrets.init_secrets(folder)
    return folder


@pytest.fixture
async def factory(postgres_server, database_name, platform_secrets, monkeypatch) -> AsyncIterator[Factory]:
    monkeypatch.setenv("AIF_SECRETS_DIR", str(platform_secrets))
    url = postgres_server.url(database_name, "aif_api_login")
    database = await MovableDatabase.open(url, "test", max_size=30, wakeups=LocalWakeups())
    for manifest in (IAM, BILLING):
        async with database.tx("worker", Principal.service("admin")) as tx:
            await manifest.seed(tx)
    made = Factory(database)
    yield made
    await made.http.aclose()
    await made.agent_http.aclose()
    await database.close()
