"""Money from the control plane, ahead of need: one lease at a time for an account, and each given back when it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aifactory_gateway.budget import FEMTOS_PER_NANO, Budgets
from aifactory_gateway.control_plane import ControlPlane, NoLease
from aifactory_gateway.refusal import Refusal
from aifactory_gateway.spool import Spool
from aifactory_gateway.state import Purse, State
from aifactory_outpost.calls import CallFailed
from aifactory_protocol.gateway import Lease, LeaseRequest, LeaseReturn

_log = logging.getLogger(__name__)

REFUSED_SECONDS = 1.0  # an account without credit is not asked for with every request of its tenant
RENEW_AT = 0.8  # of a lease's life


@dataclass
class _Account:
    """`refused_until` and `renew_at` in Unix seconds; `last` nanos that the last lease brought."""

    asking: asyncio.Future[None] | None = None
    refused_until: float = 0.0
    last: int = 0
    renew_at: float = 0.0


class Treasury:
    """`new_id` makes ids of leases; `wall` is Unix time; `record` puts every request that has ended into the spool."""

    def __init__(
        self,
        control_plane: ControlPlane,
        budgets: Budgets,
        state: State,
        spool: Spool,
        new_id: Callable[[], str],
        wall: Callable[[], float],
        record: Callable[[], None],
    ) -> None:
        self._control_plane = control_plane
        self._budgets = budgets
        self._state = state
        self._spool = spool
        self._new_id = new_id
        self._wall = wall
        self._record = record
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._purse: Purse = state.restore(budgets, spool)
        self._turn = 1  # of the purse's changes; what was restored counts as one
        self._kept_turn = 0

    async def more_money(self, account_id: str, currency: str, femtos: int) -> None:
        """Returns when a lease came that covers so much, or when there is none. Those who ask together wait for one call.
        Raises Refusal 503 while the control plane cannot be asked."""
        account = self._accounts.setdefault((account_id, currency), _Account())
        while account.asking is not None:
            await asyncio.shield(account.asking)
            if self._budgets.fits(account_id, currency, femtos, self._wall()):
                return
        if account.refused_until > self._wall():
            return
        account.asking = asyncio.get_running_loop().create_future()
        try:
            await self._ask(account, account_id, currency, femtos)
        finally:
            account.asking.set_result(None)
            account.asking = None

    async def renew(self) -> None:
        """Before an account that is in use runs short, or its lease runs out. Called again and again."""
        now = self._wall()
        for (account_id, currency), account in list(self._accounts.items()):
            if not account.last or account.asking is not None or account.refused_until > now:
                continue
            is_short = self._budgets.free(account_id, currency, now) < account.last * FEMTOS_PER_NANO // 2
            if (is_short or now >= account.renew_at) and self._budgets.is_used(account_id, currency):
                with suppress(Refusal):
                    await self.more_money(account_id, currency, 1)

    async def give_back(self) -> None:
        """Leases that are over and whose every record was delivered. Raises CallFailed, and then they come again."""
        ended = self._budgets.ended(self._wall())
        if not ended:
            return
        self._record()  # what has just ended on them is in the journal alone
        if self._spool.delivered < self._spool.end:
            return
        ids = [lease.id for lease in ended]
        await self._control_plane.give_back(LeaseReturn(ids))
        self._budgets.forget(ids)
        self._purse.forget(ids)
        self._turn += 1

    def spent(self, lease_id: str, femtos: int) -> None:
        """A request on it is in the spool now."""
        self._purse.spend(lease_id, femtos)
        self._turn += 1

    def keep(self) -> None:
        """Writes the purse, if it changed: what was spent, and up to which record. On the disk when this returns."""
        if self._kept_turn < self._turn:
            self._state.keep_purse(self._purse.copied(self._spool.end), self._turn)
            self._kept_turn = self._turn

    async def keep_aside(self) -> None:
        """The same in a thread, for when nothing waits for it. What changes meanwhile is left for the next time."""
        turn = self._turn
        if self._kept_turn < turn:
            await asyncio.to_thread(self._state.keep_purse, self._purse.copied(self._spool.end), turn)
            self._kept_turn = max(self._kept_turn, turn)

    async def _ask(self, account: _Account, account_id: str, currency: str, femtos: int) -> None:
        least = -(-femtos // FEMTOS_PER_NANO)
        try:
            lease = await self._control_plane.lease(LeaseRequest(self._new_id(), account_id, currency, least))
        except NoLease:
            account.refused_until = self._wall() + REFUSED_SECONDS
            return
        except CallFailed as error:
            _log.warning("no lease for %s: %s", account_id, error)
            raise Refusal(
                503, "control_plane_lost", "The account's credit cannot be checked now.", retry_after_seconds=2
            ) from error
        account.last = lease.amount
        account.renew_at = self._wall() + (lease.expires_at.timestamp() - self._wall()) * RENEW_AT
        self._take(lease)

    def _take(self, lease: Lease) -> None:
        """On the disk before it is spent, so that a restart knows it."""
        self._purse.leases.append(lease)
        self._turn += 1
        self.keep()
        self._budgets.add(lease)
