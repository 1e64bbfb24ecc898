"""The API's own counts: each answer is counted in memory, and every few seconds what came together is written.

A process that dies without a word loses at most one interval of counts; the promises are over thirty days.
"""

import asyncio
import logging
from collections.abc import Iterable

from aifactory.domains.platform_control.domains import domains
from aifactory.domains.platform_control.store import slos as store
from aifactory.domains.platform_control.views import DomainView, SloView
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.routes import API_PREFIX

log = logging.getLogger(__name__)
WHO = Principal.service("slo-counts")
FLUSH_SECONDS = 10.0
Key = tuple[str, str]


class RequestCounts:
    """An observer of routes. `observe` costs a dictionary look-up and an addition for each promise about that route."""

    def __init__(self, views: Iterable[DomainView] | None = None) -> None:
        known = domains() if views is None else views
        self._slos = [(d.name, slo) for d in known for slo in d.slos if slo.measure in ("requests", "latency")]
        self._of_loop = [((d.name, slo.name), slo) for d in known for slo in d.slos if slo.measure == "loop_late"]
        self._by_route: dict[tuple[str, str], list[tuple[Key, SloView]]] = {}
        self._counts: dict[Key, list[int]] = {}  # [good, total]

    def observe(self, domain: str, path: str, status: int, seconds: float) -> None:
        for key, slo in self._about(domain, path):
            self._add(key, status < 500 if slo.measure == "requests" else seconds <= (slo.limit_seconds or 0))

    def observe_loop(self, late_seconds: float) -> None:
        """One look at this process' event loop."""
        for key, slo in self._of_loop:
            self._add(key, late_seconds <= (slo.limit_seconds or 0))

    def _add(self, key: Key, good: bool) -> None:
        count = self._counts.setdefault(key, [0, 0])
        count[0] += good
        count[1] += 1

    def _about(self, domain: str, path: str) -> list[tuple[Key, SloView]]:
        found = self._by_route.get((domain, path))
        if found is None:
            found = [((owner, slo.name), slo) for owner, slo in self._slos if _covers(owner, slo, domain, path)]
            self._by_route[domain, path] = found
        return found

    async def flush(self, database: Database) -> None:
        """What cannot be written now is kept and written next time."""
        taken, self._counts = self._counts, {}
        rows = [
            {"domain": domain, "slo": slo, "good": good, "total": total}
            for (domain, slo), (good, total) in sorted(taken.items())
        ]
        if not rows:
            return
        try:
            async with database.tx("worker", WHO) as tx:
                await store.add(tx, rows)
        except BaseException:
            for key, (good, total) in taken.items():
                count = self._counts.setdefault(key, [0, 0])
                count[0], count[1] = count[0] + good, count[1] + total
            raise

    async def flush_forever(self, database: Database) -> None:
        """Until cancelled; then what has come together is written once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self._try(database)
        finally:
            await self._try(database)

    async def _try(self, database: Database) -> None:
        try:
            await self.flush(database)
        except Exception as error:
            log.warning("counts of requests are kept for later: %s", error)


def _covers(owner: str, slo: SloView, domain: str, path: str) -> bool:
    """`only` names a path, whoever serves it; without it a promise is about the domain's public routes."""
    if slo.only is not None:
        return path.startswith(slo.only)
    return owner == domain and path.startswith(API_PREFIX)
