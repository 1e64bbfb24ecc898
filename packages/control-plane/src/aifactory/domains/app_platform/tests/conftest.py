"""A small factory with apps in it: provisioning's own, whose simulated nodes run apps too, seen through a simulated door."""

from typing import Any

import pytest

from aifactory.domains.app_platform.manifest import MANIFEST
from aifactory.domains.app_platform.ports import APP_DOOR, DoorAddress, Look
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning.manifest import MANIFEST as PROVISIONING
from aifactory.domains.provisioning.ports import ACCESS_PROBE
from aifactory.domains.provisioning.tests import conftest as provisioning
from aifactory.domains.provisioning.tests.simulated_node import SimulatedNode
from aifactory.domains.storage_network.manifest import MANIFEST as STORAGE
from aifactory.kernel.flow_runner import FlowRunner
from aifactory.kernel.principal import Principal

platform_secrets = provisioning.platform_secrets


class AppDoors:
    """SIMULATED doors: `apps` maps an instance to how it is; nodes put it there, tests change it."""

    def __init__(self) -> None:
        self.apps: dict[str, Look] = {}
        self.printed: dict[str, bytes] = {}
        self.asked: list[DoorAddress] = []

    async def look(self, address: DoorAddress, instance_id: str, offset: int) -> Look:
        from dataclasses import replace

        from aifactory.domains.app_platform.output import Output

        self.asked.append(address)
        known = self.apps.get(instance_id, Look("absent"))
        if known.state is None:
            return known
        return replace(known, output=Output(self.printed.get(instance_id, b"")[offset:], offset))


class Factory(provisioning.Factory):
    """Speaks of apps too."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.doors = AppDoors()
        self.consumers += MANIFEST.consumers
        for router in MANIFEST.routers:
            self.app.include_router(router)
        for router in MANIFEST.agent_routers:
            self.agent_app.include_router(router)

    async def _who(self, request: Any) -> Principal:
        gateway = request.headers.get("X-Test-Gateway")
        return Principal.gateway(gateway) if gateway else await super()._who(request)

    def runner(self, who: str = "w1") -> FlowRunner:
        flows = [*PROVISIONING.flows, *STORAGE.flows, *MANIFEST.flows]
        return FlowRunner(self.database, flows, who, {ACCESS_PROBE: self.probe, APP_DOOR: self.doors})

    async def a_node(self, slots: int = 2, name: str = "box") -> SimulatedNode:
        node = await super().a_node(slots, name)
        doors = self.doors

        def start(task: Any, now: Any) -> Any:
            doors.apps.setdefault(task.subject_id, Look("running", listens=task.args["web"]))
            node.app_orders.append(task.args)
            return {"state": "running"}, []

        def stop(task: Any, now: Any) -> Any:
            known = doors.apps.pop(task.subject_id, Look("absent"))
            printed = doors.printed.get(task.subject_id, b"")
            tail = {"tail": printed.decode(), "output_start": 0, "output_end": len(printed)}
            code = 143 if known.state == "running" else known.exit_code
            return {"state": "exited", "exit_code": code, "stopped": known.state == "running", **tail}, []

        node.app_orders, node._app_start, node._app_stop = [], start, stop
        return node

    async def an_active_allocation(self, tenant: str | None = None) -> str:
        made = await self.launches(tenant)
        await self.work()
        assert (await self.allocation(made["id"], tenant))["state"] == "active"
        return made["id"]

    async def runs(self, allocation_id: str, app: str = "command", **wanted: Any) -> dict[str, Any]:
        parameters = {"command": "true"} if app == "command" else {}
        body = {"app": app, "allocation_id": allocation_id, "parameters": parameters} | wanted
        answer = await self.post("/instances", body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def instance(self, instance_id: str) -> dict[str, Any]:
        return (await self.get(f"/instances/{instance_id}")).json()

    async def states(self, instance_id: str) -> list[str]:
        return [step["to_state"] for step in (await self.get(f"/instances/{instance_id}/events")).json()["items"]]

    async def publishes(self, name: str, version: str, manifest: str, signature: str) -> None:
        async with self.database.tx("worker", Principal.service("test")) as tx:
            await tx.run(
                "insert into app_platform.apps (name, version, manifest, signature) values (%s, %s, %s, %s)",
                (name, version, manifest, signature),
            )


@pytest.fixture
async def factory(postgres_server, database_name, platform_secrets, monkeypatch):
    monkeypatch.setattr(provisioning, "Factory", Factory)
    async for made in provisioning.factory.__wrapped__(postgres_server, database_name, platform_secrets, monkeypatch):
        async with made.database.tx("worker", Principal.service("admin")) as tx:
            await MANIFEST.seed(tx)
        yield made


@pytest.fixture
def tokens(factory, platform_secrets, tmp_path):
    from aifactory.domains.app_platform.tests.inference_stories import TokenHouse

    iam.use_installation(iam.Installation("http://127.0.0.1:8042", platform_secrets, tmp_path))
    return TokenHouse(factory)
