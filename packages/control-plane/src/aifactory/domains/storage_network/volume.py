"""What may happen to a volume: pure decisions over its row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.domains.storage_network.drivers import VolumeDriver
from aifactory.kernel.errors import Problem, conflict, invalid

BYTES_PER_GB = 1_000_000_000
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class VolumeState(StrEnum):
    INTENDED = "intended"
    CREATING = "creating"
    AVAILABLE = "available"
    ATTACHED = "attached"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True)
class Volume:
    """A row of storage_network.volumes."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    size_gb: int
    driver: str
    node_id: str | None
    attached_to: str | None
    created_for: str | None
    answered: int
    erased_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def size_bytes(self) -> int:
        return self.size_gb * BYTES_PER_GB


def check_name(name: str, field: str = "name") -> None:
    """Refuses what cannot be a directory name on the node."""
    if not NAME.fullmatch(name):
        raise invalid(
            field,
            f"{name[:80]!r} cannot be a volume's name.",
            "Use 1 to 63 lowercase letters, digits and inner hyphens.",
            code="invalid_volume_name",
        )


def check_size(size_gb: int, driver: VolumeDriver, field: str = "size_gb") -> None:
    """Refuses sizes the driver cannot make."""
    if not driver.smallest_gb <= size_gb <= driver.largest_gb:
        raise invalid(
            field,
            f"{size_gb} GB is outside of what {driver.name} offers.",
            f"Choose {driver.smallest_gb} to {driver.largest_gb} GB.",
            code="invalid_volume_size",
        )


def check_may_be_claimed(volume: Volume, project_id: str, region_id: str) -> None:
    """A launch may name a volume of its own project and region that nobody holds."""
    if volume.project_id != project_id:
        raise conflict(
            "volume_in_other_project",
            f"Volume {volume.id} belongs to project {volume.project_id}.",
            "Name a volume of the project you launch in.",
        )
    if volume.region_id != region_id:
        raise conflict(
            "volume_in_other_region",
            f"Volume {volume.id} is in region {volume.region_id}.",
            f"Launch in {volume.region_id}, or name another volume.",
        )
    if volume.attached_to is not None:
        raise attached(volume)
    if volume.state != VolumeState.AVAILABLE:
        raise conflict(
            "volume_not_available",
            f"Volume {volume.id} is {volume.state}.",
            "Name a volume that is available.",
        )


def check_may_be_deleted(volume: Volume) -> None:
    if volume.attached_to is not None:
        raise attached(volume)


def attached(volume: Volume) -> Problem:
    return conflict(
        "volume_attached",
        f"Volume {volume.id} ({volume.name}) is held by allocation {volume.attached_to}.",
        f"Release {volume.attached_to} first.",
    )


def the_one_node(volumes: Sequence[Volume]) -> str | None:
    """The node that all these volumes are bound to, None when none of them is bound yet."""
    nodes = {volume.node_id for volume in volumes if volume.node_id is not None}
    if len(nodes) > 1:
        raise conflict(
            "volumes_on_different_nodes",
            "These volumes are bound to different nodes, and one allocation runs on one node.",
            "Name volumes of one node, or launch one allocation for each.",
        )
    return next(iter(nodes), None)


FIRST_ATTACH = {
    "type": "Materialised",
    "status": "False",
    "reason": "FirstAttach",
    "message": "The space is taken on a node when the first allocation attaches this volume.",
}


def materialised(at: datetime, node_id: str) -> dict[str, Any]:
    return {
        "type": "Materialised",
        "status": "True",
        "reason": "TakenOnNode",
        "message": f"The space is on node {node_id}.",
        "since": at.isoformat(),
    }


def refused_by_node(at: datetime, code: str, detail: str) -> dict[str, Any]:
    """The node's last no, kept where the owner and the operator see it."""
    return {
        "type": "NodeAgreed",
        "status": "False",
        "reason": code or "failed",
        "message": detail[:500],
        "since": at.isoformat(),
    }
