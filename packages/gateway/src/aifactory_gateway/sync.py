"""Keeps a gateway in step with its control plane: what it knows, what it may spend, what it has carried.

Loops, each of which goes on when a call fails and tries again a little later; none of them is in a request's way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aifactory_gateway.control_plane import ControlPlane
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.interrupted import Interrupted
from aifactory_gateway.renewal import Renewal
from aifactory_gateway.state import Known, State
from aifactory_gateway.treasury import Treasury
from aifactory_outpost.calls import CallFailed
from aifactory_outpost.identity import NotTrusted
from aifactory_protocol.gateway import SnapshotRequest, UsageBatch

_log = logging.getLogger(__name__)

WAIT_SECONDS = 25
FIRST_PAUSE_SECONDS = 0.1
MOST_PAUSE_SECONDS = 5.0
RENEW_SECONDS = 0.2
KEEP_SECONDS = 1.0
KEEP_KNOWN_SECONDS = 30.0


class Sync:
    """Start it after the gateway has recovered, and before it listens. Without `renewal` there is no certificate."""

    def __init__(
        self, gateway: Gateway, control_plane: ControlPlane, state: State, renewal: Renewal | None = None
    ) -> None:
        self._gateway = gateway
        self._control_plane = control_plane
        self._state = state
        self._renewal = renewal
        self._kept_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.treasury = Treasury(
            control_plane, gateway.budgets, state, gateway.spool, self._new_lease_id, gateway.wall, gateway.record
        )
        gateway.more_money = self.treasury.more_money
        gateway.spent = self.treasury.spent
        self._begin_with_what_is_known()
        self._interrupted = Interrupted(gateway)

    def start(self) -> None:
        steps: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self._learn, 0.0), (self._deliver, 0.0), (self._renew_leases, RENEW_SECONDS),
            (self.treasury.keep_aside, KEEP_SECONDS),
            (self._settle_interrupted, KEEP_SECONDS),
        ]  # fmt: skip
        if self._renewal is not None:
            steps.append((self._renewal.look, 0.0))
        self._tasks = [asyncio.create_task(_again_and_again(step, pause)) for step, pause in steps]

    async def stop(self) -> None:
        """One more attempt to deliver what was carried; the rest is in the spool for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            while await self._deliver_some():
                pass
        except CallFailed as error:
            _log.warning("usage is kept for the next start: %s", error)
        self.treasury.keep()

    def _begin_with_what_is_known(self) -> None:
        """Until the control plane has spoken nothing is trusted but what it said before, for as long as it said."""
        known = self._state.known()
        self._gateway.trusted_until = known.trusted_until if known else 0.0
        if known is not None:
            self._gateway.take_snapshot(known.snapshot)

    async def _learn(self) -> None:
        gateway = self._gateway
        before = gateway.catalogue.snapshot.version
        asked = gateway.wall()
        wait = WAIT_SECONDS if before and asked < gateway.trusted_until else 0
        answer = await self._control_plane.snapshot(SnapshotRequest(before, wait))
        gateway.trusted_until = asked + answer.recheck_seconds
        if answer.snapshot is not None:
            gateway.take_snapshot(answer.snapshot)
        if answer.snapshot is not None or gateway.trusted_until - self._kept_until > KEEP_KNOWN_SECONDS:
            self._kept_until = gateway.trusted_until
            known = Known(gateway.catalogue.snapshot, gateway.trusted_until)
            await asyncio.to_thread(self._state.keep_known, known)

    async def _deliver(self) -> None:
        await self._gateway.recorded.wait()
        self._gateway.recorded.clear()
        try:
            while await self._deliver_some():
                pass
        except CallFailed:
            self._gateway.recorded.set()
            raise

    async def _deliver_some(self) -> bool:
        records, mark = self._gateway.spool.pending()
        if not records:
            return False
        answer = await self._control_plane.usage(UsageBatch(records))
        for id, code in answer.refused.items():
            _log.error("the usage of request %s was refused: %s", id, code)
        if mark.segment > self._gateway.spool.delivered.segment:
            self.treasury.keep()  # a segment that goes away must not hold what the purse has not counted
        self._gateway.spool.acknowledge(mark)
        return True

    async def _renew_leases(self) -> None:
        await self.treasury.renew()
        await self.treasury.give_back()

    async def _settle_interrupted(self) -> None:
        if self._gateway.catalogue.snapshot.version and not self._interrupted.is_done:
            await self._interrupted.settle()

    def _new_lease_id(self) -> str:
        return f"lease_{self._gateway.boot}{self._gateway.new_number():08x}"


async def _again_and_again(step: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    wait = FIRST_PAUSE_SECONDS
    while True:
        try:
            await step()
            wait = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause_seconds)
        except (CallFailed, NotTrusted) as error:
            _log.warning("%s; again in %.1f s", error, wait)
            await asyncio.sleep(wait)
            wait = min(MOST_PAUSE_SECONDS, wait * 2)
        except Exception:
            _log.exception("sync")
            await asyncio.sleep(MOST_PAUSE_SECONDS)
