"""The real routers, authorization and database of the house, with two tenants in it; only the credential is a name.

`ask("member", "GET", "/api/v3/volumes")` asks as that role in tenant A. How a credential becomes a principal is tested with
identity; what a principal may then do is tested here, over every route.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from fastapi import Request
from psycopg import sql

from aifactory.api.app import build, limited
from aifactory.domains.app_platform.flow_run_instance import RunInstance
from aifactory.domains.app_platform.store import instances
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.domains.storage_network import facade as storage_network
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Database
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Grant, Principal
from aifactory.kernel.settings import Settings
from aifactory.kernel.wakeups import LocalWakeups
from aifactory.manifests import MANIFESTS

TENANT_ROLES = ("viewer", "billing_viewer", "member", "project_admin", "tenant_admin")
MACHINES = ("agent", "gateway")
EVERYBODY = ("anonymous", *TENANT_ROLES, "platform_admin", *MACHINES)
A, B = iam.DEMO.tenant_id, iam.OTHER.tenant_id
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJv0c3dW3ZQdY4m5pQ0y2o1n8q9r7s6t5u4v3w2x1y0z"
_TABLES = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema|public)' order by 1
"""


def principals() -> dict[str, Principal]:
    made = {"anonymous": Principal.anonymous(), "agent": Principal.agent("node_of_nobody")}
    made["gateway"] = Principal.gateway("gw_of_nobody")
    for role in TENANT_ROLES:
        made[role] = Principal(iam.DEMO.user_id, "user", role, A, (Grant(role, f"tenant:{A}"),))
    made["other"] = Principal(iam.OTHER.user_id, "user", "other", B, (Grant("tenant_admin", f"tenant:{B}"),))
    operator = iam.ADMIN
    made["platform_admin"] = Principal(
        operator.user_id, "user", "operator", None, (Grant("platform_admin", "platform"),)
    )
    return made


@dataclass
class House:
    public: httpx.AsyncClient
    agents: httpx.AsyncClient
    owner_url: str
    objects: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        self.asked += 1
        client = self.agents if path.startswith("/internal/") else self.public
        headers = {"X-Test-As": who, "Idempotency-Key": f"idempotency-{self.asked}"}
        return await client.request(method, path, json=body, headers=headers)

    def fingerprints(self) -> dict[str, str]:
        """table -> hash of everything in it."""
        with psycopg.connect(self.owner_url) as connection:
            names = [row[0] for row in connection.execute(_TABLES)]
            return {name: _fingerprint(connection, name) for name in names}

    def audit_since(self, count: int) -> list[tuple[str, str]]:
        """(decision, action) of the audit records after the first `count`."""
        with psycopg.connect(self.owner_url) as connection:
            rows = connection.execute(
                "select decision, action from kernel.audit order by occurred_at, id offset %s", (count,)
            )
            return rows.fetchall()

    def audit_count(self) -> int:
        with psycopg.connect(self.owner_url) as connection:
            return int(connection.execute("select count(*) from kernel.audit").fetchone()[0])


def _fingerprint(connection: psycopg.Connection, table: str) -> str:
    statement = sql.SQL("select coalesce(string_agg(t::text, '|' order by t::text), '') from {} t").format(
        sql.SQL(table)
    )
    return hashlib.sha256(connection.execute(statement).fetchone()[0].encode()).hexdigest()


@asynccontextmanager
async def open_house(url: str, owner_url: str, folder: Path) -> AsyncIterator[House]:
    """Migrated and seeded; tenant A has one of each object."""
    init_secrets(folder)
    os.environ["AIF_SECRETS_DIR"] = str(folder)
    settings = Settings(database_url=url, nats_url="", secrets_dir=folder, data_dir=folder, dev_issuer=True)
    iam.use_installation(iam.Installation.of(settings))
    database = await Database.open(url, "authz", max_size=8, wakeups=LocalWakeups())
    for manifest in reversed(MANIFESTS):
        if manifest.seed:
            async with database.tx("worker", Principal.service("seed")) as tx:
                await manifest.seed(tx)
    known = principals()

    async def authenticate(request: Request) -> Principal:
        return known[request.headers.get("X-Test-As", "anonymous")]

    edge = Edge(database, authenticate, iam.decide_anywhere, lambda request, who: None)
    public = build("public", [router for m in MANIFESTS for router in m.routers], edge)
    agents = build("agents", [router for m in MANIFESTS for router in m.agent_routers], edge)
    public.state.settings = agents.state.settings = settings
    async with _client(limited(public, ())) as one, _client(limited(agents, ())) as two:
        house = House(one, two, owner_url)
        _have_an_object_store(owner_url)
        await _furnish(house, database)
        house.objects["instance"] = await _an_instance(database, house.objects["allocation"], house.objects["project"])
        yield house
    await database.close()


def _client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8042", timeout=60)


def _have_an_object_store(owner_url: str) -> None:
    """As the worker would have seen it: none runs here, and no request asks it."""
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "insert into storage_network.object_stores (region_id, driver, endpoint, reachable, seen_at, changed_at) "
            "values ('local', 'seaweedfs', 'http://127.0.0.1:9', true, kernel.now() + interval '1 day', kernel.now())"
        )


async def _furnish(house: House, database: Database) -> None:
    """One of each kind in tenant A, made through the API by its administrator."""
    for kind, path, body in (
        ("project", "/projects", {"name": "walls"}),
        ("ssh_key", "/ssh-keys", {"name": "walls", "public_key": SSH_KEY}),
        ("key", "/keys", {"name": "walls", "scopes": ["viewer"]}),
        ("volume", "/volumes", {"name": "walls", "size_gb": 1}),
        ("bucket", "/buckets", {"name": "walls"}),
        ("bucket_key", "/buckets/{bucket}/keys", {"name": "walls"}),
        ("webhook", "/webhooks", {"name": "walls", "url": "https://hooks.example.com/walls"}),
        ("launch_draft", "/launch-drafts", {"form": {"name": "walls"}}),
        ("security_group", "/security-groups", {"name": "walls"}),
        ("network", "/networks", {"name": "walls"}),
    ):
        answer = await house.ask("tenant_admin", "POST", "/api/v3" + path.format(**house.objects), body)
        assert answer.status_code < 300, f"{kind}: {answer.text}"
        house.objects[kind] = answer.json()["id"]
    await _launch_into_the_network(house, database)
    members = await house.ask("tenant_admin", "GET", "/api/v3/members")
    house.objects["member"] = members.json()["items"][0]["id"]
    house.objects["tenant"] = A


async def _launch_into_the_network(house: House, database: Database) -> None:
    """As if a node had started it: none runs here, and ports are published only of what runs."""
    launch = {"sku": "local.cpu.1", "name": "walls", "ssh_public_key": SSH_KEY, "ssh_key_name": "walls"}
    launch["network_id"] = house.objects["network"]
    made = await house.ask("tenant_admin", "POST", "/api/v3/allocations", launch)
    assert made.status_code == 202, made.text
    house.objects["allocation"] = made.json()["id"]
    async with database.tx("worker", Principal.service("furnish"), A) as tx:
        await storage_network.connect(tx, house.objects["allocation"], "node_walls", "127.0.0.1")
    listed = await house.ask("tenant_admin", "GET", "/api/v3/network-attachments")
    house.objects["attachment"] = listed.json()["items"][0]["id"]
    publish = {"allocation_id": house.objects["allocation"], "port": 8000}
    made = await house.ask("tenant_admin", "POST", "/api/v3/published-ports", publish)
    assert made.status_code == 201, made.text
    house.objects["published_port"] = made.json()["id"]


async def _an_instance(database: Database, allocation_id: str, project_id: str) -> str:
    """Without a node no allocation is active, so the API would refuse: its row and its flow, as a launch writes them."""
    async with database.tx("worker", Principal.service("furnish"), A) as tx:
        instance_id = tx.ids.new("inst")
        row = {"region_id": "local", "name": "walls", "labels": {}, "parameters": {"command": "true"}}
        row |= {"app": "command", "app_version": "1.0.0", "kind": "batch", "autostop_minutes": None}
        await instances.insert(tx, id=instance_id, project_id=project_id, allocation_id=allocation_id, **row)
        await flows.start(tx, RunInstance, instance_id, A)
    return instance_id
