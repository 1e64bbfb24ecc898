"""One gateway process: what it knows, whom it serves, and where each request goes first."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aifactory_gateway import plain_routes
from aifactory_gateway.budget import Budgets
from aifactory_gateway.caller import Caller, Exchange
from aifactory_gateway.carried import Carried, Facts, encode_facts
from aifactory_gateway.catalogue import Catalogue
from aifactory_gateway.endpoints import endpoint_at
from aifactory_gateway.exchange import Exchange as Inference
from aifactory_gateway.http_head import RequestHead
from aifactory_gateway.journal import Journal
from aifactory_gateway.pool import LOOK_SECONDS, Pool
from aifactory_gateway.rate_limits import Rates
from aifactory_gateway.refusal import Refusal
from aifactory_gateway.spool import Spool
from aifactory_protocol.gateway import GatewayKey, GatewayModel, Snapshot

_log = logging.getLogger(__name__)

MAX_BUFFERED_BYTES = 256 * 1024**2
RECORD_SECONDS = 0.05
BACKLOG = 4_096
MAX_FACTS = 50_000
NOTHING = Snapshot(0, datetime.fromtimestamp(0, UTC), [], [], [])
MoreMoney = Callable[[str, str, int], Awaitable[None]]
"""(account, currency, femtos): adds a lease that covers it, or does not. Raises nothing but Refusal."""


async def no_more_money(account_id: str, currency: str, femtos: int) -> None:
    """Without a control plane there is what there is."""


class Gateway:
    """`trusted_until`: Unix time after which what it knows is too old, since a key may have been revoked meanwhile.
    `pepper` is the key of the keys' hashes; `wall` gives Unix time, `now` the loop's."""

    def __init__(
        self,
        journal: Journal,
        spool: Spool,
        pepper: bytes,
        more_money: MoreMoney = no_more_money,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.journal = journal
        self.spool = spool
        self.recorded = asyncio.Event()
        self.more_money = more_money
        self.spent: Callable[[str, int], None] = lambda lease_id, femtos: None
        self.wall = wall
        self.now: Callable[[], float] = asyncio.get_running_loop().time
        self.catalogue = Catalogue(NOTHING, pepper)
        self.rates = Rates()
        self.budgets = Budgets()
        self.pools: dict[str, Pool] = {}
        self.callers: set[Caller] = set()
        self.buffered_bytes = 0
        self.max_buffered_bytes = MAX_BUFFERED_BYTES
        self.is_stopping = False
        self.trusted_until = float("inf")
        self._pepper = pepper
        self._left_pools: list[Pool] = []
        self._facts: dict[tuple[str, str, str, str], bytes] = {}
        self.boot = f"{int(wall() * 1000):012x}{os.urandom(6).hex()}"
        self._count = 0
        self._will_record = False
        if self.spool.delivered < self.spool.end:
            self.recorded.set()
        self._server: asyncio.Server | None = None
        self._looker: asyncio.Task[None] | None = None
        self.interrupted = self._recover()

    async def listen(self, host: str, port: int) -> int:
        """Accepts from now on. The port, also when 0 was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Caller(self), host, port, backlog=BACKLOG, reuse_port=True)
        self._looker = loop.create_task(self._look_always())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, seconds: float = 30.0) -> None:
        """Accepts no more, lets requests end for that long, keeps every record."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for caller in list(self.callers):
            caller.close_after_answer()
        until = self.now() + seconds
        while (self.callers or self.journal.running) and self.now() < until:
            await asyncio.sleep(0.02)
        for caller in list(self.callers):
            caller.abort()
        if self._looker is not None:
            self._looker.cancel()
        for pool in [*self.pools.values(), *self._left_pools]:
            pool.close()
        self.record()
        self.spool.sync()

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """In the place of the one before, unless that is newer. Requests that run keep what they began with."""
        if snapshot.version <= self.catalogue.snapshot.version:
            return
        before = self.pools
        self._facts.clear()
        self.catalogue = Catalogue(snapshot, self._pepper)
        self.rates.forget_all_but({key.id for key in snapshot.keys})
        self.pools = {}
        for upstream in snapshot.upstreams:
            pool = before.pop(upstream.id, None)
            if pool is not None and pool.upstream != upstream:
                self._left_pools.append(pool)
                pool = None
            self.pools[upstream.id] = pool or Pool(upstream)
        self._left_pools += before.values()

    def begin(self, caller: Caller, head: RequestHead, body: bytes) -> Exchange | None:
        """An inference request becomes an exchange; the rest is answered here. Raises Refusal."""
        path = head.target.partition(b"?")[0]
        endpoint = endpoint_at(path)
        if endpoint is None:
            plain_routes.answer(self, caller, head, path)
            return None
        if head.method != b"POST":
            raise Refusal(405, "method_not_allowed", f"{path.decode()} takes POST.")
        if self.wall() > self.trusted_until:
            lost = Refusal(
                503, "control_plane_lost", "This gateway knows nothing new for too long.", retry_after_seconds=5
            )
            caller.refuse(lost, b"", endpoint.dialect.error(lost))
            return None
        try:
            exchange = Inference(self, caller, endpoint, head, body)
            exchange.start()
        except Refusal as refusal:
            caller.refuse(refusal, b"", endpoint.dialect.error(refusal))
            return None
        return exchange

    def new_number(self) -> int:
        """With `boot` it makes an id."""
        self._count += 1
        return self._count

    def facts(self, key: GatewayKey, model: GatewayModel, upstream_id: str, lease_id: str) -> bytes:
        """What the record of such a request begins with."""
        combination = (key.id, model.id, upstream_id, lease_id)
        known = self._facts.get(combination)
        if known is None:
            if len(self._facts) >= MAX_FACTS:
                self._facts.clear()
            price = model.price
            facts = Facts(
                self.boot, key.id, key.tenant_id, key.project_id, key.account_id, lease_id, model.id, upstream_id,
                price.id, price.input_per_million, price.output_per_million,
            )  # fmt: skip
            known = self._facts[combination] = encode_facts(facts)
        return known

    def record_soon(self) -> None:
        """A request has ended: its record goes into the spool within RECORD_SECONDS; until then the journal has it."""
        if not self._will_record:
            self._will_record = True
            asyncio.get_running_loop().call_later(RECORD_SECONDS, self.record)

    def record(self) -> None:
        """Into the spool, then out of the journal."""
        self._will_record = False
        ended = self.journal.take_ended()
        if ended:
            self.spool.append([data for _, data, _, _ in ended])
            for slot, _, lease_id, femtos in ended:
                self.spent(lease_id, femtos)
                self.journal.free(slot)
            self.recorded.set()

    def _recover(self) -> list[tuple[int, Carried]]:
        """What the process before us carried when it was killed: what had ended is recorded, the rest is for `Interrupted`.
        A record that the spool has already is told twice, which its id makes harmless."""
        left = list(self.journal.left_behind())
        ended = [(slot, one) for slot, one in left if one.outcome != "interrupted"]
        self.record_left(ended)
        return [(slot, one) for slot, one in left if one.outcome == "interrupted"]

    def record_left(self, left: list[tuple[int, Carried]]) -> None:
        """Requests of the process before us, as much as will ever be known of them."""
        if left:
            self.spool.append([one.packed() for _, one in left])
            for slot, _ in left:
                self.journal.free(slot)
            self.recorded.set()

    def look(self) -> None:
        """Every LOOK_SECONDS: ends what is late."""
        for caller in list(self.callers):
            caller.look()
        for pool in [*self.pools.values(), *self._left_pools]:
            pool.look()
        for pool in self._left_pools:
            pool.close()
        self._left_pools = [pool for pool in self._left_pools if pool.busy]

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
                await asyncio.to_thread(self.spool.sync)
            except Exception:
                _log.exception("look")
