"""What a domain brings into the house, in one place: `MANIFEST = Manifest("billing", …)`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from aifactory.kernel.consumers import Consumer
from aifactory.kernel.flow import Flow
from aifactory.kernel.routes import Routes
from aifactory.kernel.schedules import Schedule


@dataclass(frozen=True)
class SmokeCheck:
    """A question any operator may ask of a running system through its public API: `path` must answer `status`.

    permission: who asks. `public` is asked without a sign-in, anything else in the name of somebody who holds it
    (`signed_in`: of anybody). member: this member of the answer must be `equals`, or just not empty when that is None.
    runbook: `domain/name` of what to do when it fails.
    """

    name: str
    path: str
    proves: str
    status: int = 200
    permission: str = "public"
    member: str = ""
    equals: bool | int | str | None = None
    runbook: str = ""


SMOKE_CHECKS: dict[str, tuple[SmokeCheck, ...]] = {}  # domain -> its checks, filled by the manifests themselves


@dataclass(frozen=True)
class Manifest:
    """One domain's parts. `permissions`: permission -> what it allows, in words. `ports`: name -> adapter for effects.

    `seed(tx)` writes development data, `demo(tx)` what the simulated region needs (operator role); both bear being run again. `folder` is set from the module that declares it.
    """

    domain: str
    folder: Path
    routers: tuple[Routes, ...] = ()
    agent_routers: tuple[Routes, ...] = ()
    flows: tuple[type[Flow], ...] = ()
    consumers: tuple[Consumer, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    events: ModuleType | None = None
    smoke: tuple[SmokeCheck, ...] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[str, ...] = ()
    ports: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    seed: Callable[..., Awaitable[None]] | None = None
    demo: Callable[..., Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        SMOKE_CHECKS[self.domain] = self.smoke
