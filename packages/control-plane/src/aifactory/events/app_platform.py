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


@event("app_platform.model_offered", 1)
@dataclass(frozen=True)
class ModelOffered:
    """A model is in the catalogue, from the second on in which its first price counts."""

    model_id: str
    region_id: str
    name: str


@event("app_platform.model_changed", 1)
@dataclass(frozen=True)
class ModelChanged:
    """Its limits, its routes or its `state` (offered, withdrawn) are others now."""

    model_id: str
    region_id: str
    state: str


@event("app_platform.gateway_enrolled", 1)
@dataclass(frozen=True)
class GatewayEnrolled:
    """A gateway has a certificate, its first or, after a new token, another one."""

    gateway_id: str
    name: str
    region_id: str


@event("app_platform.gateway_retired", 1)
@dataclass(frozen=True)
class GatewayRetired:
    """Its certificates are revoked; it serves what it knows for 15 minutes at most."""

    gateway_id: str
    name: str
    region_id: str
    reason: str
