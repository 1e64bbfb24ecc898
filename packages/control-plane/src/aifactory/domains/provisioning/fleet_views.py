"""What operators see of the fleet: the shapes of the JSON that the store builds in SQL."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.provisioning.offers import IsolationView
from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class GpuView:
    vendor: str
    model: str
    uuid: str
    memory_bytes: int


@dataclass(frozen=True)
class InventorySlotView:
    index: int
    sku: str
    vcpus_millis: int
    memory_bytes: int
    pids: int


@dataclass(frozen=True)
class VolumeDriverView:
    name: str
    enforces_size: bool
    detail: str


@dataclass(frozen=True)
class InventoryView:
    """The machine as its agent last described it: claims, not proofs."""

    hostname: str
    os: str
    kernel: str
    cpus: int
    memory_bytes: int
    disk_bytes: int
    gpus: list[GpuView]
    slots: list[InventorySlotView]
    isolation: IsolationView
    volume_driver: VolumeDriverView
    ssh_host: str
    simulated: bool = False


@dataclass(frozen=True)
class SlotCounts:
    total: int
    occupied: int
    available: int
    quarantined: int


@dataclass(frozen=True)
class DrainView:
    """Why a node leaves service; what is left on it at `deadline_at` is released."""

    deadline_at: datetime
    reason: str
    requested_at: datetime
    requested_by: str


@dataclass(frozen=True)
class NodeView:
    """A machine that enrolled. `last_seen_at` is its agent's last poll; `simulated`: there is no machine behind it.

    `state` is `unreachable` or `retired` first, then what `service` says, and `ready` when that is `in_service`.
    """

    id: str
    region_id: str
    name: str
    simulated: bool
    labels: dict[str, str]
    state: str
    state_since: datetime
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    last_seen_at: datetime | None
    agent_version: str | None
    boot_id: str | None
    ssh_host: str | None
    inventory: InventoryView
    slots: SlotCounts
    service: str
    desired_service: str
    drain: DrainView | None


@dataclass(frozen=True)
class NodeTaskView:
    """One order to the node and what came of it."""

    id: str
    verb: str
    subject_id: str
    generation: int
    state: str
    code: str
    detail: str
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class NodeDetail(NodeView):
    tasks: list[NodeTaskView]


@dataclass(frozen=True)
class NodeTransition:
    """One step of a node's life. `about` is `health` or `service`; `seconds` is how long the state before lasted."""

    about: str
    seq: int
    from_state: str | None
    to_state: str
    who: str
    why: str
    at: datetime
    seconds: float


@dataclass(frozen=True)
class NodeList:
    items: list[NodeView]
    next_cursor: str | None


@dataclass(frozen=True)
class SlotView:
    """A share of a node that holds one allocation at a time."""

    id: str
    node_id: str
    region_id: str
    index: int
    sku: str
    state: str
    allocation_id: str | None
    withdrawn: bool
    last_allocation_id: str | None
    vcpus_millis: int
    memory_bytes: int
    pids: int
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class SlotEvidenceView:
    """One step of a cleaning, signed by the node."""

    task_id: str
    step: str
    ok: bool
    detail: str
    observed_at: datetime
    recorded_at: datetime
    allocation_id: str | None


@dataclass(frozen=True)
class SlotDetail(SlotView):
    evidence: list[SlotEvidenceView]


@dataclass(frozen=True)
class SlotList:
    items: list[SlotView]
    next_cursor: str | None
