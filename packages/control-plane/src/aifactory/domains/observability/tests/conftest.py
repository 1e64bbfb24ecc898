"""Provisioning's factory in a box, with observability's routes and consumers in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.observability.manifest import MANIFEST
from aifactory.domains.provisioning.tests.conftest import Factory, MovableDatabase, platform_secrets
from aifactory.domains.provisioning.tests.simulated_node import SimulatedNode
from aifactory.kernel.principal import Principal
from aifactory.kernel.wakeups import LocalWakeups
from aifactory_protocol import Metric, Point, ResourceAttributes, ResourceMetrics, TelemetryAnswer, TelemetryBatch

__all__ = ["platform_secrets"]


class Watched(Factory):
    """A factory that is looked at."""

    def __init__(self, database: MovableDatabase) -> None:
        super().__init__(database)
        for router in MANIFEST.routers:
            self.app.router.routes.extend(router.routes)
        for router in MANIFEST.agent_routers:
            self.agent_app.router.routes.extend(router.routes)
        self.sequence = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.database.offset

    async def an_allocation(self, node: SimulatedNode, tenant: str | None = None) -> dict[str, Any]:
        """Active, on a slot of this node."""
        made = await self.launches(tenant)
        await self.work()
        found = await self.allocation(made["id"], tenant)
        assert found["state"] == "active" and found["node_id"] == node.node_id
        return found

    async def roll_holds(self) -> None:
        """What billing's schedule does each minute."""
        for schedule in BILLING.schedules:
            await schedule.run(self.database)

    async def slot_index(self, allocation: dict[str, Any]) -> int:
        return next(slot["index"] for slot in await self.slots() if slot["id"] == allocation["slot_id"])

    def batch(self, *resources: ResourceMetrics, ahead: float = 0, **changes: Any) -> TelemetryBatch:
        """The next one of a node whose clock is so many seconds ahead of ours."""
        self.sequence += 1
        sent_at = self.now() + timedelta(seconds=ahead)
        return msgspec.structs.replace(TelemetryBatch("stream-1", self.sequence, sent_at, list(resources)), **changes)

    async def tells(self, node: SimulatedNode, batch: TelemetryBatch) -> httpx.Response:
        body = msgspec.json.encode(batch)
        return await self.agent_http.post("/internal/v3/telemetry", content=body, headers=node.headers())

    async def told(self, node: SimulatedNode, batch: TelemetryBatch) -> tuple[int, int]:
        answer = await self.tells(node, batch)
        assert answer.status_code == 200, answer.text
        read = msgspec.json.decode(answer.content, type=TelemetryAnswer)
        return read.accepted, read.dropped

    async def cpu_shown(self, tenant: str | None = None, **query: Any) -> list[dict[str, Any]]:
        answer = await self.asked(tenant, names="cpu.usage", **query)
        assert answer.status_code == 200, answer.text
        series = answer.json()["series"]
        return series[0]["points"] if series else []

    async def asked(self, tenant: str | None = None, **query: Any) -> httpx.Response:
        return await self.http.get("/api/v3/telemetry", params=query, headers=self.headers(tenant))


def cpu(at: datetime, *values: float, slot: int | None = None, allocation: str | None = None) -> ResourceMetrics:
    """One series that ends at `at`, a second apart."""
    first = at - timedelta(seconds=len(values) - 1)
    points = [Point(first + timedelta(seconds=number), value) for number, value in enumerate(values)]
    return ResourceMetrics(ResourceAttributes(slot, allocation), [Metric("cpu.usage", "{cpu}", points)])


@pytest.fixture
async def factory(postgres_server, database_name, platform_secrets, monkeypatch) -> AsyncIterator[Watched]:
    monkeypatch.setenv("AIF_SECRETS_DIR", str(platform_secrets))
    url = postgres_server.url(database_name, "aif_api_login")
    database = await MovableDatabase.open(url, "test", max_size=30, wakeups=LocalWakeups())
    for manifest in (IAM, BILLING):
        async with database.tx("worker", Principal.service("admin")) as tx:
            await manifest.seed(tx)
    made = Watched(database)
    yield made
    await made.http.aclose()
    await made.agent_http.aclose()
    await database.close()
