"""What an allocation is and what may be asked for: its states, its row, and pure decisions over a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from aifactory.kernel.errors import Problem, invalid

KIND = "provisioning.allocation"
IMAGES = ("default",)
MODES = ("on-demand", "spot", "reserved")
MAX_VOLUMES = 16
_MOUNT_PATH = re.compile(r"/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_MOUNTABLE = ("volumes", "data", "mnt", "srv", "workspace", "scratch", "models")  # the agent refuses others too


class State(StrEnum):
    REQUESTED = "requested"
    PLACING = "placing"
    PREPARING = "preparing"
    STARTING = "starting"
    VERIFYING = "verifying"
    ACTIVE = "active"
    RELEASING = "releasing"
    STOPPING = "stopping"
    SETTLING = "settling"
    RELEASED = "released"
    REFUSED = "refused"
    FAILED = "failed"


ENDED = frozenset({State.RELEASED, State.REFUSED, State.FAILED})


@dataclass(frozen=True)
class Allocation:
    """A row of provisioning.allocations."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    desired_state: str
    conditions: list[dict[str, Any]]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    sku: str
    mode: str
    image: str
    node_id: str | None
    slot_id: str | None
    authorized_keys: list[dict[str, str]]
    volumes: list[dict[str, Any]]
    reported_access: dict[str, Any] | None
    access: dict[str, Any] | None
    isolation: dict[str, Any] | None
    price_amount: Decimal
    price_currency: str
    quote_id: str | None
    activated_at: datetime | None
    release_requested_at: datetime | None
    release_reason: str
    released_at: datetime | None
    refusal: dict[str, Any] | None
    failure: dict[str, Any] | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def volume_ids(self) -> list[str]:
        return [volume["id"] for volume in self.volumes]


@dataclass(frozen=True)
class WantedVolume:
    """A volume that a launch names: an existing one by `id`, or a new one by `name` and `size_gb`."""

    id: str | None = None
    name: str | None = None
    size_gb: int | None = None
    mount_path: str | None = None


@dataclass(frozen=True)
class Launch:
    """What a tenant asks for when creating an allocation. Everything left out has the default of the API."""

    sku: str
    name: str | None = None
    project_id: str | None = None
    region_id: str = "local"
    count: int = 1
    image: str | None = None
    mode: str = "on-demand"
    ssh_key_ids: tuple[str, ...] = ()
    ssh_public_key: str | None = None
    ssh_key_name: str | None = None
    volumes: tuple[WantedVolume, ...] = ()
    labels: dict[str, str] | None = None
    quote_id: str | None = None
    network_id: str | None = None
    security_group_ids: tuple[str, ...] = ()


def check_launch(launch: Launch) -> None:
    """Refuses what cannot be had in this release or makes no sense, before anything is touched."""
    if launch.mode in ("spot", "reserved"):
        raise Problem(
            409,
            "mode_not_available",
            "This pricing mode is not offered yet",
            f"{launch.mode} capacity comes with a later release; today everything is on-demand.",
            field="mode",
            todo="Send mode on-demand, or leave it out.",
        )
    if launch.mode not in MODES:
        raise invalid("mode", f"{launch.mode[:40]!r} is not a pricing mode.", "Send on-demand.", code="unknown_mode")
    if launch.count != 1:
        raise Problem(
            409,
            "count_not_available",
            "One allocation at a time in this release",
            f"A request makes one allocation; this one asks for {launch.count}.",
            field="count",
            todo="Leave count out and send one request for each, each with its own Idempotency-Key.",
        )
    if launch.image is not None and launch.image not in IMAGES:
        raise invalid(
            "image",
            f"There is no image {launch.image[:80]!r}.",
            "Leave image out to get the default one.",
            code="unknown_image",
        )
    if launch.security_group_ids and launch.network_id is None:
        raise invalid(
            "network_id",
            "Security groups say what passes in a network, and the launch names none.",
            "Send network_id too, or leave security_group_ids out.",
            code="network_required",
        )
    _check_volumes(launch.volumes)


def _check_volumes(volumes: Sequence[WantedVolume]) -> None:
    if len(volumes) > MAX_VOLUMES:
        raise invalid(
            "volumes", f"An allocation mounts at most {MAX_VOLUMES} volumes.", "Name fewer.", code="too_many_volumes"
        )
    seen: dict[str, str] = {}
    for index, volume in enumerate(volumes):
        field = f"volumes.{index}"
        _check_volume(volume, field)
        for key in filter(None, (volume.id, volume.name, volume.mount_path)):
            if key in seen:
                raise invalid(
                    field, f"{key} is named twice, first in {seen[key]}.", "Name it once.", code="duplicate_volume"
                )
            seen[key] = field


def _check_volume(volume: WantedVolume, field: str) -> None:
    if (volume.id is None) == (volume.name is None):
        raise invalid(
            field,
            "A volume is either an existing one by id, or a new one by name and size_gb.",
            "Send id, or name and size_gb.",
            code="ambiguous_volume",
        )
    if (volume.name is None) != (volume.size_gb is None):
        raise invalid(
            f"{field}.size_gb",
            "A new volume needs a size, and an existing one keeps the size it has.",
            "Send size_gb together with name only.",
            code="invalid_volume_size",
        )
    if volume.mount_path is not None:
        check_mount_path(volume.mount_path, f"{field}.mount_path")


def check_mount_path(path: str, field: str) -> None:
    """A plain absolute path below the folders that a sandbox keeps free for volumes."""
    parts = path.split("/")[1:]
    plain = _MOUNT_PATH.fullmatch(path) and len(path) <= 256 and not {".", ".."} & set(parts)
    if not plain or not (parts[0] in _MOUNTABLE or (parts[:2] == ["home", "tenant"] and len(parts) > 2)):
        raise invalid(
            field,
            f"{path[:100]!r} is not a place where a volume can be mounted.",
            f"Use a plain absolute path below {', '.join('/' + top for top in _MOUNTABLE)} or in /home/tenant.",
            code="invalid_mount_path",
        )


def mount_path_of(volume: WantedVolume, name: str) -> str:
    return volume.mount_path or f"/volumes/{name}"


def check_distinct_mounts(paths: Sequence[str]) -> None:
    """No mount inside another: the outer one would hide it."""
    for index, path in enumerate(paths):
        for other in paths[:index]:
            if path == other or path.startswith(other + "/") or other.startswith(path + "/"):
                raise invalid(
                    f"volumes.{index}.mount_path",
                    f"{path} and {other} would hide each other.",
                    "Choose separate mount paths.",
                    code="overlapping_mounts",
                )


def access_of(reported: dict[str, Any]) -> dict[str, Any]:
    """What a tenant needs to get in, from what the node reported and we verified."""
    ssh = {name: reported[name] for name in ("host", "port", "user", "host_key")}
    return {"ssh": ssh | {"command": f"ssh -p {ssh['port']} {ssh['user']}@{ssh['host']}"}}


def same_host_key(reported: str, seen: str) -> bool:
    """Compares type and key of two OpenSSH public key lines; comments do not count."""
    return reported.split()[:2] == seen.split()[:2] and len(seen.split()) >= 2
