"""The operating model as data: every domain.toml of this installation, read once."""

import tomllib
from functools import lru_cache
from pathlib import Path

from aifactory.domains import BOTTOM_UP
from aifactory.domains.platform_control.views import DomainView, SloView

DOMAINS = Path(__file__).parent.parent


@lru_cache(maxsize=1)
def domains() -> tuple[DomainView, ...]:
    """The domains present, from the top of the house to its bottom."""
    present = [DOMAINS / name / "domain.toml" for name in reversed(BOTTOM_UP)]
    return tuple(read_domain(path) for path in present if path.is_file())


def read_domain(path: Path) -> DomainView:
    """Raises ValueError when a key is missing or unknown: a domain that nobody answers for must not start."""
    content = tomllib.loads(path.read_text())
    try:
        slos = [_checked(SloView(**slo)) for slo in content.pop("slo")]
        return DomainView(**content, slos=slos)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


NEEDS: dict[str, set[str]] = {
    "requests": set(),
    "latency": {"limit_seconds"},
    "loop_late": {"limit_seconds"},
    "flow_deadlines": set(),
    "flow_reaches": {"only", "states", "limit_seconds"},
    "events_sent": {"limit_seconds"},
    "events_taken": set(),
}


def _checked(slo: SloView) -> SloView:
    """A promise that is counted says all that counting it needs."""
    if slo.measure is None:
        if slo.target is not None:
            raise ValueError(f"{slo.name}: a target without a measure")
        return slo
    if slo.measure not in NEEDS or slo.target is None or not 0 < slo.target < 1:
        raise ValueError(f"{slo.name}: an unknown measure, or no target between 0 and 1")
    missing = {name for name in NEEDS[slo.measure] if not getattr(slo, name)}
    if missing:
        raise ValueError(f"{slo.name}: {slo.measure} needs {', '.join(sorted(missing))}")
    return slo
