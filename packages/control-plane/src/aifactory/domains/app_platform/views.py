"""What leaves this domain about instances: frozen dataclasses that look like the API's answers."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.app_platform.instance import Instance
from aifactory.domains.app_platform.output import Output
from aifactory.domains.app_platform.parameters import Value
from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class InstanceFailure:
    code: str
    detail: str


@dataclass(frozen=True)
class InstanceView:
    """An instance as the API shows it. `exit_code` is what its sandbox told: 128 + the number when a signal ended it."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
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
    ended_at: datetime | None
    exit_code: int | None
    failure: InstanceFailure | None


@dataclass(frozen=True)
class LogsView:
    """What an instance printed, output and errors in one: bytes `start_offset` to `end_offset` of everything it ever
    printed. Earlier ones are not kept, or were not asked for. Bytes that are no UTF-8 are shown as �."""

    instance_id: str
    text: str
    start_offset: int
    end_offset: int


@dataclass(frozen=True)
class InstanceTransition:
    """A step of its flow. `seconds`: how long the state before lasted."""

    seq: int
    from_state: str | None
    to_state: str
    who: str
    why: str
    at: datetime
    seconds: float
    deadline_seconds: float | None


def instance_view(row: Instance) -> InstanceView:
    known = {name: getattr(row, name) for name in InstanceView.__dataclass_fields__}
    return InstanceView(**known | {"failure": InstanceFailure(**row.failure) if row.failure else None})


def logs_view(instance_id: str, kept: Output, since: int) -> LogsView:
    begin = min(max(since, kept.start), kept.end)
    text = kept.data[begin - kept.start :].decode(errors="replace")
    return LogsView(instance_id, text, begin, kept.end)
