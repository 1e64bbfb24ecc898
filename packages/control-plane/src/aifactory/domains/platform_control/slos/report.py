"""Says of each promise how it is kept: the share that was good, and how fast the error budget is being spent.

A budget is what may go wrong in thirty days (1 - target). A burn of 1 spends exactly that in thirty days; 14.4 for an
hour spends a fiftieth of it. Where a single failure would already be the whole budget, or the alarm of a window, the
counts say nothing yet: then there is no figure at all, because it would be absurd. Pure: the same counts, the same report.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.domains.platform_control.domains import domains
from aifactory.domains.platform_control.store import slos as store
from aifactory.domains.platform_control.store.slos import TotalsRow
from aifactory.domains.platform_control.views import DomainView, SloView
from aifactory.kernel import read_cache
from aifactory.kernel.db import Tx

State = Literal["ok", "burning", "exhausted", "too_few", "no_data", "not_measured"]
# Window -> the burn at which somebody should look (multi-window alerts of the SRE workbook).
ALARMS: Mapping[str, float] = {"1h": 14.4, "6h": 6.0, "3d": 1.0}


@dataclass(frozen=True)
class SloWindowView:
    """`burn` is null while the window holds so few events that a single failure would be its alarm."""

    window: Literal["1h", "6h", "3d"]
    good: int
    total: int
    burn: float | None


@dataclass(frozen=True)
class SloStatusView:
    """One promise. `current`: the share that was good in thirty days; `budget_left`: 1 is untouched, below 0 overspent.

    Both are null before `needed` events were counted (`total` of `needed` are there: `too_few`, unless a window is burning
    already); `needed` is null for what nobody measures. `counted_at` is when anything was last counted for it; null when nothing was.
    """

    domain: str
    name: str
    objective: str
    measure: str | None
    target: float | None
    state: State
    current: float | None
    good: int
    total: int
    needed: int | None
    budget_left: float | None
    windows: list[SloWindowView]
    counted_at: datetime | None


@dataclass(frozen=True)
class ReadCacheView:
    """The cache of page read models as the process that answers has seen it since it started.

    `hit_rate` is of the pages that were looked for, null before the first. `mean_age_seconds` and `oldest_seconds` are of
    the pages that this process kept and served from there (null before the first); none can be older than `keep_seconds`.
    """

    state: Literal["in_use", "left_alone"]
    hit_rate: float | None
    hits: int
    misses: int
    skipped: int
    failures: int
    mean_age_seconds: float | None
    oldest_seconds: float
    keep_seconds: int


@dataclass(frozen=True)
class SloReport:
    """`read_cache` is null in an installation without one."""

    as_of: datetime
    items: list[SloStatusView]
    read_cache: ReadCacheView | None


async def report(tx: Tx) -> SloReport:
    """Every promise of every domain, those that nobody measures included."""
    return SloReport(await tx.now(), judge(domains(), await store.totals(tx)), _read_cache())


def _read_cache() -> ReadCacheView | None:
    cache = read_cache.current()
    if cache is None:
        return None
    counts = cache.counts
    looked = counts.hits + counts.misses + counts.skipped + counts.failures
    rate = round(counts.hits / looked, 4) if looked else None
    state: Literal["in_use", "left_alone"] = "left_alone" if cache.open else "in_use"
    return ReadCacheView(
        state,
        rate,
        counts.hits,
        counts.misses,
        counts.skipped,
        counts.failures,
        mean_age_seconds=round(counts.aged_seconds / counts.aged, 3) if counts.aged else None,
        oldest_seconds=counts.oldest_seconds,
        keep_seconds=read_cache.KEEP_SECONDS,
    )


def judge(views: Iterable[DomainView], rows: Iterable[TotalsRow]) -> list[SloStatusView]:
    counted = {(row.domain, row.slo): row for row in rows}
    return [_status(view.name, slo, counted.get((view.name, slo.name))) for view in views for slo in view.slos]


def _status(domain: str, slo: SloView, row: TotalsRow | None) -> SloStatusView:
    about = (domain, slo.name, slo.objective, slo.measure, slo.target)
    if slo.measure is None or slo.target is None:
        return SloStatusView(*about, "not_measured", None, 0, 0, None, None, [], None)
    allowed = 1 - slo.target
    needed = _needed(allowed)
    if row is None or not row.total_30d:
        return SloStatusView(*about, "no_data", None, 0, 0, needed, None, [], row.counted_at if row else None)
    windows = [
        _window("1h", row.good_1h, row.total_1h, allowed),
        _window("6h", row.good_6h, row.total_6h, allowed),
        _window("3d", row.good_3d, row.total_3d, allowed),
    ]
    counted = (row.good_30d, row.total_30d, needed)
    burning = any(window.burn is not None and window.burn >= ALARMS[window.window] for window in windows)
    if row.total_30d < needed:
        state: State = "burning" if burning else "too_few"
        return SloStatusView(*about, state, None, *counted, None, windows, row.counted_at)
    current = row.good_30d / row.total_30d
    left = round(1 - (1 - current) / allowed, 4)
    state = "exhausted" if left < 0 else "burning" if burning else "ok"
    return SloStatusView(*about, state, round(current, 6), *counted, left, windows, row.counted_at)


def _window(name: Literal["1h", "6h", "3d"], good: int, total: int, allowed: float) -> SloWindowView:
    says_something = total >= _needed(allowed * ALARMS[name])
    return SloWindowView(name, good, total, round((1 - good / total) / allowed, 2) if says_something else None)


def _needed(share: float) -> int:
    """So many events that one of them is at most this share; rounded first, because 1 - 0.999 is not quite 0.001."""
    return math.ceil(round(1 / share, 6))
