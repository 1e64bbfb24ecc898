"""What provisioning tells the other domains. Payloads carry ids and facts, units in the names."""

from dataclasses import dataclass

from aifactory.events import event


@event("provisioning.allocation_requested", 1)
@dataclass(frozen=True)
class AllocationRequested:
    """A launch was accepted: quota reserved, purchase authorized, volumes intended."""

    allocation_id: str
    project_id: str
    sku: str
    region_id: str


@event("provisioning.allocation_refused", 1)
@dataclass(frozen=True)
class AllocationRefused:
    """There was no place for it. Everything it held was given back in the same transaction."""

    allocation_id: str
    project_id: str
    sku: str
    region_id: str
    code: str


@event("provisioning.allocation_activated", 1)
@dataclass(frozen=True)
class AllocationActivated:
    """Its access was verified and its meter runs from `activated_at`."""

    allocation_id: str
    project_id: str
    sku: str
    region_id: str
    node_id: str
    slot_id: str
    activated_at: str


@event("provisioning.allocation_release_requested", 1)
@dataclass(frozen=True)
class AllocationReleaseRequested:
    """From this instant it costs nothing and its access is gone; cleaning up follows."""

    allocation_id: str
    project_id: str
    requested_at: str
    reason: str


@event("provisioning.allocation_released", 1)
@dataclass(frozen=True)
class AllocationReleased:
    """Settled. `billed_amount` is a decimal text, "0" when it never became active."""

    allocation_id: str
    project_id: str
    billed_amount: str
    currency: str


@event("provisioning.allocation_failed", 1)
@dataclass(frozen=True)
class AllocationFailed:
    """It never became active, was undone and costs nothing."""

    allocation_id: str
    project_id: str
    code: str
    detail: str


@event("provisioning.sandbox_lost", 1)
@dataclass(frozen=True)
class SandboxLost:
    """Its sandbox died or vanished while it was active; it is released, and costs nothing from `missing_since` on."""

    allocation_id: str
    project_id: str
    node_id: str
    reason: str
    missing_since: str


@event("provisioning.node_enrolled", 1)
@dataclass(frozen=True)
class NodeEnrolled:
    """A machine proved its token and has a certificate now."""

    node_id: str
    name: str
    region_id: str
    slots: int


@event("provisioning.node_unreachable", 1)
@dataclass(frozen=True)
class NodeUnreachable:
    """Its agent has been silent for too long; nothing new is placed there."""

    node_id: str
    name: str
    region_id: str
    silent_seconds: int


@event("provisioning.node_returned", 1)
@dataclass(frozen=True)
class NodeReturned:
    """An unreachable node polls again."""

    node_id: str
    name: str
    region_id: str


@event("provisioning.slot_cleaned", 1)
@dataclass(frozen=True)
class SlotCleaned:
    """Every step of its sanitising has good, signed evidence; it is on offer again."""

    slot_id: str
    node_id: str
    task_id: str


@event("provisioning.slot_quarantined", 1)
@dataclass(frozen=True)
class SlotQuarantined:
    """A step failed or its evidence is missing; a person has to look before it may be used."""

    slot_id: str
    node_id: str
    task_id: str
    why: str


@event("provisioning.node_draining", 1)
@dataclass(frozen=True)
class NodeDraining:
    """Nothing new is placed there; at `deadline_at` the allocations that are left are released."""

    node_id: str
    name: str
    region_id: str
    deadline_at: str
    reason: str
    allocations: int


@event("provisioning.allocation_release_announced", 1)
@dataclass(frozen=True)
class AllocationReleaseAnnounced:
    """Its node goes into maintenance: it will be released, and its bill will end, at `release_at`."""

    allocation_id: str
    project_id: str
    node_id: str
    release_at: str
    reason: str


@event("provisioning.node_entered_maintenance", 1)
@dataclass(frozen=True)
class NodeEnteredMaintenance:
    """Nobody is on it any more; people may work on it."""

    node_id: str
    name: str
    region_id: str
    reason: str


@event("provisioning.node_resumed", 1)
@dataclass(frozen=True)
class NodeResumed:
    """It is in service again, its slots cleaned if people worked on it."""

    node_id: str
    name: str
    region_id: str
