"""What an instance is and what may happen to it: its states, its row, and pure decisions."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.domains.app_platform.parameters import Value
from aifactory.kernel.errors import invalid

KIND = "app_platform.instance"
MAX_LIVE_PER_ALLOCATION = 16
MAX_LOG_BYTES = 1024 * 1024
LONGEST_AUTOSTOP_MINUTES = 10_080
BUSY_CPU_SHARE = 0.05  # of one CPU between two looks; a notebook server that nobody uses stays well below
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class State(StrEnum):
    STARTING = "starting"
    VERIFYING = "verifying"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"
    STOPPED = "stopped"
    FAILED = "failed"


ENDED = frozenset({State.EXITED, State.STOPPED, State.FAILED})


@dataclass(frozen=True)
class Instance:
    """A row of app_platform.instances."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    allocation_id: str
    app: str
    app_version: str
    kind: str
    parameters: dict[str, Value]
    autostop_minutes: int | None
    stop_requested_at: datetime | None
    stop_reason: str
    started_at: datetime | None
    last_active_at: datetime | None
    cpu_milliseconds: int
    ended_at: datetime | None
    exit_code: int | None
    failure: dict[str, str] | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Wanted:
    """What a tenant asks for when launching an app. `version` None: the newest; `autostop_minutes` None: the app's own."""

    app: str
    allocation_id: str
    version: str | None = None
    name: str | None = None
    parameters: dict[str, Value] | None = None
    autostop_minutes: int | None = None
    labels: dict[str, str] | None = None


def name_of(wanted: Wanted, instance_id: str) -> str:
    """The name asked for, or one made of the app and the id's end. 422 for one that cannot be a host's label."""
    name = wanted.name or f"{wanted.app}-{instance_id[-6:]}"
    if not _NAME.fullmatch(name):
        raise invalid(
            "name",
            f"{name[:80]!r} cannot be an instance's name.",
            "Use 1 to 63 lowercase letters, digits and inner hyphens.",
        )
    return name


def was_busy(before_milliseconds: int, now_milliseconds: int, seconds: float) -> bool:
    """Whether it computed more than an idle server does, since it was last looked at."""
    return now_milliseconds - before_milliseconds > BUSY_CPU_SHARE * max(seconds, 1.0) * 1000
