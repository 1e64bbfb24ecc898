"""What app_platform tells the other domains. Payloads carry ids and facts, units in the names."""

from dataclasses import dataclass

from aifactory.events import event


@event("app_platform.instance_requested", 1)
@dataclass(frozen=True)
class InstanceRequested:
    """A tenant launched an app in an allocation; its flow does the rest."""

    instance_id: str
    project_id: str
    allocation_id: str
    app: str
    app_version: str


@event("app_platform.instance_started", 1)
@dataclass(frozen=True)
class InstanceStarted:
    """The app runs; a web app listens too."""

    instance_id: str
    project_id: str
    allocation_id: str


@event("app_platform.instance_ended", 1)
@dataclass(frozen=True)
class InstanceEnded:
    """It is over: `state` is exited, stopped or failed, `reason` says why; `exit_code` is the tenant's own word."""

    instance_id: str
    project_id: str
    allocation_id: str
    state: str
    exit_code: int | None
    reason: str
