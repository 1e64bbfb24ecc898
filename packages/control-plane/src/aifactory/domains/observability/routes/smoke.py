"""/api/v3/smoke: what may be asked of this very system to see that each domain works."""

from dataclasses import dataclass

from aifactory.kernel.manifest import SMOKE_CHECKS
from aifactory.kernel.routes import PUBLIC, Routes

router = Routes("observability", "/smoke")


@dataclass(frozen=True)
class SmokeCheckView:
    """Ask `path` in the name of somebody with `permission` (`public`: of nobody); `status` is the right answer.

    Where `member` is not empty, that member of the answer must be `equals`, or not empty when that is null. `runbook`
    is `domain/name` of what to do otherwise.
    """

    domain: str
    name: str
    path: str
    proves: str
    status: int
    permission: str
    member: str
    equals: bool | int | str | None
    runbook: str


@dataclass(frozen=True)
class SmokeCheckList:
    items: list[SmokeCheckView]
    next_cursor: str | None


@router.get("", permission=PUBLIC, tx=False)
async def list_smoke_checks() -> SmokeCheckList:
    """Every domain's checks. Nothing is run here: whoever asks is who must be answered."""
    checks = [SmokeCheckView(domain, **vars(check)) for domain, own in sorted(SMOKE_CHECKS.items()) for check in own]
    return SmokeCheckList(checks, None)
