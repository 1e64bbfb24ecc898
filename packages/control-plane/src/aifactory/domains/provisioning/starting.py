"""The order that starts a sandbox, and the node's answer to it. Pure."""

from dataclasses import dataclass
from typing import Any

import msgspec

from aifactory.domains.provisioning.allocation import Allocation
from aifactory.domains.provisioning.slot import Slot
from aifactory.domains.provisioning.store.tasks import TaskRow
from aifactory_protocol import Isolation, SshAccess


@dataclass(frozen=True)
class Started:
    ssh: dict[str, Any]
    isolation: dict[str, Any] | None


@dataclass(frozen=True)
class NotStarted:
    code: str
    detail: str


def start_arguments(allocation: Allocation, slot: Slot) -> dict[str, Any]:
    return {
        "allocation_id": allocation.id,
        "slot_index": slot.index,
        "vcpus_millis": slot.vcpus_millis,
        "memory_bytes": slot.memory_bytes,
        "pids": slot.pids,
        "authorized_keys": [key["public_key"] for key in allocation.authorized_keys],
        "volumes": [{"volume_id": v["id"], "mount_path": v["mount_path"]} for v in allocation.volumes],
    }


def read_start(task: TaskRow, ssh_host: str) -> Started | NotStarted:
    """What the node says about the door. Its host must be the one the node has always named: we connect to it."""
    if task.state != "done":
        return NotStarted(task.code or f"start_{task.state}", task.detail or "The node gave no reason.")
    try:
        ssh = msgspec.convert(task.output.get("ssh"), SshAccess)
        label = task.output.get("isolation")
        isolation = msgspec.to_builtins(msgspec.convert(label, Isolation)) if label is not None else None
    except msgspec.ValidationError as error:
        return NotStarted("bad_start_output", f"The node's answer is not what the protocol says: {error}")
    if ssh.host != ssh_host:
        return NotStarted("foreign_ssh_host", f"The node named the host {ssh.host}, its inventory says {ssh_host}.")
    return Started(msgspec.to_builtins(ssh), isolation)
