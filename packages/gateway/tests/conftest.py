"""A gateway of the test's own in this process, a simulated model server behind it, and a double of the control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest_asyncio

from aifactory_gateway.budget import FEMTOS_PER_NANO, cost
from aifactory_gateway.catalogue import hash_of
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.journal import Journal
from aifactory_gateway.spool import Spool
from aifactory_protocol.gateway import (
    GatewayKey,
    GatewayModel,
    KeyLimits,
    Lease,
    LeaseRequest,
    LeaseReturn,
    Route,
    Snapshot,
    SnapshotAnswer,
    SnapshotRequest,
    TokenPrice,
    Upstream,
    UsageAnswer,
    UsageBatch,
    UsageRecord,
)
from aifactory_sim.inference_upstream import FAULTS, InferenceUpstream

PEPPER = b"a pepper of the tests"
SECRET = "a secret of the tests"
PRICE = TokenPrice("price_1", "AED", 3_000_000_000, 7_000_000_000)
SOON = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def key(limits: KeyLimits = KeyLimits(), secret: str = SECRET, id: str = "key_1", **more) -> GatewayKey:
    more = {"expires_at": now() + SOON} | more
    return GatewayKey(id, hash_of(PEPPER, secret), "tnt_1", "prj_1", "acct_1", limits=limits, **more)


def lease(nanos: int = 10**15, id: str = "lease_1") -> Lease:
    return Lease(id, "acct_1", "AED", nanos, now() + SOON)


def snapshot(version: int, upstreams: list[Upstream], keys: list[GatewayKey]) -> Snapshot:
    """Every model of the simulator, at every one of these upstreams."""
    can = ["chat", "completions", "embeddings"]
    routes = {name: [Route(upstream.id, name) for upstream in upstreams] for name in FAULTS}
    models = [GatewayModel(name, can, 131_072, 256, PRICE, routes[name], now()) for name in FAULTS]
    return Snapshot(version, now(), keys, models, upstreams)


@dataclass
class Setup:
    """`gateway` listens at `url`; `upstream` is what it carries to."""

    gateway: Gateway
    upstream: InferenceUpstream
    url: str
    upstream_port: int
    price: TokenPrice = PRICE
    version: int = 0
    records: list[UsageRecord] = field(default_factory=list)

    def knows(self, *keys: GatewayKey, upstreams: list[Upstream] | None = None) -> None:
        """The next snapshot: these keys, every model of the simulator, these upstreams (default: the simulator)."""
        self.version += 1
        upstreams = upstreams or [
            Upstream("ups_1", f"http://127.0.0.1:{self.upstream_port}/v1", "upstream's own secret")
        ]
        self.gateway.take_snapshot(snapshot(self.version, upstreams, list(keys)))

    key = staticmethod(key)
    lease = staticmethod(lease)
    snapshot = staticmethod(snapshot)
    pepper, secret = PEPPER, SECRET

    @staticmethod
    def chat(model: str = "sim", **more) -> dict:
        return {"model": model, "messages": [{"role": "user", "content": "one two three"}]} | more

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """In nanos, rounded up."""
        return -(-cost(PRICE, tokens_in, tokens_out) // FEMTOS_PER_NANO)

    def client(self, secret: str = SECRET, **options) -> httpx.AsyncClient:
        heads = {"Authorization": f"Bearer {secret}"}
        return httpx.AsyncClient(base_url=self.url, headers=heads, trust_env=False, timeout=30, **options)

    def spooled(self) -> list[UsageRecord]:
        """Every record so far."""
        self.gateway.record()
        records, mark = self.gateway.spool.pending()
        self.gateway.spool.acknowledge(mark)
        self.records += records
        return self.records

    def free(self) -> int:
        return self.gateway.budgets.free("acct_1", "AED", self.gateway.wall()) // FEMTOS_PER_NANO

    async def quiet(self) -> None:
        """Until nothing runs any more."""
        async with asyncio.timeout(10):
            while self.gateway.journal.running or self.upstream.open_requests:
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def setup(tmp_path: Path) -> AsyncIterator[Setup]:
    upstream = InferenceUpstream()
    server, upstream_port = await upstream.serve()
    gateway = Gateway(Journal(tmp_path / "journal", slots=256), Spool(tmp_path / "spool"), PEPPER)
    gateway.budgets.add(lease())
    port = await gateway.listen("127.0.0.1", 0)
    made = Setup(gateway, upstream, f"http://127.0.0.1:{port}", upstream_port)
    made.knows(key())
    yield made
    await gateway.stop(0.1)
    server.close()


@dataclass
class ControlPlaneDouble:
    """Speaks the gateways' protocol over HTTP on loopback and keeps accounts as the real one must: a lease takes from the
    account, a record is booked once by its id. `is_away`: nobody answers; `loses_replies`: what was asked is done, and
    the answer never arrives."""

    snapshot: Snapshot | None = None
    nanos: int = 10**15
    lease_nanos: int = 10**9
    lease_seconds: float = 3600
    recheck_seconds: int = 900
    is_away: bool = False
    loses_replies: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    booked: dict[str, UsageRecord] = field(default_factory=dict)
    told: int = 0
    port: int = 0

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = int(head.split("content-length: ")[1].split("\r\n")[0])
                body = await reader.readexactly(size)
                if self.is_away:
                    return
                status, answer = await self._answer(head.split()[1].rpartition("/gateway/")[2], body)
                if self.is_away or (self.loses_replies and "snapshot" not in head.split()[1]):
                    return
                content = msgspec.json.encode(answer)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(content), content))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, what: str, body: bytes) -> tuple[int, object]:
        if what == "snapshot":
            return 200, await self._snapshot(msgspec.json.decode(body, type=SnapshotRequest))
        if what == "leases":
            return self._lease(msgspec.json.decode(body, type=LeaseRequest))
        if what == "leases/return":
            self.returned += msgspec.json.decode(body, type=LeaseReturn).ids
            return 200, {}
        for record in msgspec.json.decode(body, type=UsageBatch).records:
            self.told += 1
            self.booked.setdefault(record.id, record)
        return 200, UsageAnswer()

    async def _snapshot(self, request: SnapshotRequest) -> SnapshotAnswer:
        for _ in range(request.wait_seconds * 50):
            if self.is_away or (self.snapshot and self.snapshot.version > request.known_version):
                break
            await asyncio.sleep(0.02)
        newer = self.snapshot if self.snapshot and self.snapshot.version > request.known_version else None
        return SnapshotAnswer(newer, self.recheck_seconds)

    def _lease(self, request: LeaseRequest) -> tuple[int, object]:
        if request.id not in self.leases:
            amount = min(self.nanos, max(self.lease_nanos, request.least))
            if amount < request.least:
                return 402, {}
            self.nanos -= amount
            ends = now() + timedelta(seconds=self.lease_seconds)
            self.leases[request.id] = Lease(request.id, request.account_id, request.currency, amount, ends)
        return 200, self.leases[request.id]


@pytest_asyncio.fixture
async def control_plane() -> AsyncIterator[ControlPlaneDouble]:
    double = ControlPlaneDouble()
    server = await double.serve()
    yield double
    double.is_away = True
    server.close()
