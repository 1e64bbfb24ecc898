"""A gateway of the test's own in this process, a simulated model server behind it, and a double of the control plane."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from control_plane_double import PEPPER, ControlPlaneDouble

from aifactory_gateway.budget import FEMTOS_PER_NANO, cost
from aifactory_gateway.carried import Carried, Facts
from aifactory_gateway.catalogue import hash_of
from aifactory_gateway.control_plane import HttpControlPlane
from aifactory_gateway.enrol import enrol
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.identity import Enrolment, GatewayIdentity
from aifactory_gateway.journal import Journal
from aifactory_gateway.renewal import Renewal
from aifactory_gateway.spool import Spool
from aifactory_gateway.state import State
from aifactory_gateway.sync import Sync
from aifactory_protocol.gateway import (
    GatewayKey,
    GatewayModel,
    KeyLimits,
    Lease,
    Route,
    Snapshot,
    TokenPrice,
    Upstream,
    UsageRecord,
)
from aifactory_sim.authority import Authority
from aifactory_sim.inference_upstream import FAULTS, InferenceUpstream

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


@pytest_asyncio.fixture
async def control_plane() -> AsyncIterator[ControlPlaneDouble]:
    double = ControlPlaneDouble()
    server = await double.serve()
    yield double
    double.is_away = True
    server.close()


@pytest_asyncio.fixture
async def trusted_control_plane() -> AsyncIterator[ControlPlaneDouble]:
    """The same over TLS with an authority of its own: gateways enrol there, and show their certificates."""
    double = ControlPlaneDouble(authority=Authority(), most_wait_seconds=0.3)
    server = await double.serve()
    yield double
    double.is_away = True
    server.close()


class World:
    """Gateways one after another in one state folder, each in step with the control plane."""

    def __init__(self, setup: Setup, control_plane: ControlPlaneDouble, folder: Path) -> None:
        self.setup = setup
        self.control_plane = control_plane
        self.folder = folder
        self.identity = GatewayIdentity(folder)
        self.is_enrolled = False
        self._version = 0
        self._upstream = Upstream("ups_1", f"http://127.0.0.1:{setup.upstream_port}/v1")
        self.knows(key())

    def knows(self, *keys: GatewayKey) -> None:
        """The control plane's next snapshot."""
        self._version += 1
        self.control_plane.snapshot = snapshot(self._version, [self._upstream], list(keys))

    async def enrol(self) -> Enrolment:
        self.is_enrolled = True
        return await enrol(self.identity, self.control_plane.url, self.control_plane.token(), "gw-test")

    @asynccontextmanager
    async def running(self, wall: Callable[[], float] = time.time) -> AsyncIterator[Gateway]:
        url, folder, state = self.control_plane.url, self.folder, State(self.folder)
        calls = HttpControlPlane(url, self.identity.trust(url))
        renewal = Renewal(self.identity, calls, wall) if self.is_enrolled else None
        gateway = Gateway(Journal(folder / "journal", 64), Spool(folder / "spool"), PEPPER, wall=wall)
        sync = Sync(gateway, calls, state, renewal)
        sync.start()
        self.setup.url = f"http://127.0.0.1:{await gateway.listen('127.0.0.1', 0)}"
        try:
            yield gateway
        finally:
            await gateway.stop(1)
            await sync.stop()
            await calls.close()
            gateway.journal.close()
            gateway.spool.close()

    async def ask(self, **more) -> tuple[int, str]:
        async with self.setup.client() as client:
            answer = await client.post("/v1/chat/completions", json=self.setup.chat(max_tokens=5, **more))
        return answer.status_code, answer.json().get("error", {}).get("code", "")


@pytest_asyncio.fixture
async def world(setup: Setup, control_plane: ControlPlaneDouble, tmp_path: Path) -> World:
    """Over plain HTTP. `setup` for its model server and clients."""
    return World(setup, control_plane, tmp_path / "state")


@pytest_asyncio.fixture
async def enrolled_world(setup: Setup, trusted_control_plane: ControlPlaneDouble, tmp_path: Path) -> World:
    made = World(setup, trusted_control_plane, tmp_path / "state")
    State(made.folder)
    await made.enrol()
    return made


class Numbered:
    """Records of a spool that are told apart by a number, which is also their tokens in."""

    facts = Facts("b00t", "key_1", "tnt_1", "prj_1", "acct_1", "lease_1", "org/model:1", "ups_1", "price_1", 3, 7)

    def packed(self, number: int) -> bytes:
        return Carried(self.facts, number, 0, number % 2 == 0, 1.0, number, 2 * number, "upstream", "ok", 2.0).packed()

    @property
    def frame(self) -> int:
        """Bytes that one takes in a segment."""
        return len(self.packed(1)) + 8

    def append(self, spool: Spool, *numbers: int) -> None:
        spool.append([self.packed(number) for number in numbers])

    @staticmethod
    def of(records: list[UsageRecord]) -> list[int]:
        return [record.tokens_in for record in records]

    def all_of(self, spool: Spool) -> list[int]:
        return self.of(spool.pending(10_000)[0])

    def deliver(self, spool: Spool, most: int = 1_000) -> list[int]:
        """Page by page until nothing comes, as `Sync` does."""
        return list(self._delivered(spool, most))

    def _delivered(self, spool: Spool, most: int) -> Iterator[int]:
        while True:
            records, mark = spool.pending(most)
            if not records:
                return
            yield from self.of(records)
            spool.acknowledge(mark)

    @staticmethod
    def segments(folder: Path) -> list[Path]:
        return sorted(folder.glob("*.usage"))


@pytest.fixture(scope="session")
def numbered() -> Numbered:
    """For the whole session, because it holds nothing: hypothesis wants no other fixture."""
    return Numbered()


@pytest.fixture
def spool_folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"
