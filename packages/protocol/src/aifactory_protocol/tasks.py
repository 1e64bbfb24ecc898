"""The fixed list of verbs, their arguments, and the envelopes in which tasks and results travel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aifactory_protocol.limits import (
    MAX_POLL_WAIT_SECONDS,
    MAX_TASKS_PER_POLL,
    Argument,
    Base64Url,
    Cidr,
    Code,
    Detail,
    Digest,
    Generation,
    Host,
    HostKey,
    Id,
    Instant,
    Ipv4,
    Key,
    Millis,
    Path,
    Pids,
    Port,
    SandboxBytes,
    SlotIndex,
    User,
    VariableName,
    Verb,
    Word,
)


class VolumeCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """Make an empty volume of this size; done already is done."""

    volume_id: Id
    size_bytes: Annotated[int, Meta(ge=1_048_576, le=2**50)]


class VolumeDelete(Struct, frozen=True, forbid_unknown_fields=True):
    """Erase and remove a volume; refused while a sandbox has it mounted."""

    volume_id: Id


class VolumeMount(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a volume of this node appears inside a sandbox."""

    volume_id: Id
    mount_path: Path


class SandboxStart(Struct, frozen=True, forbid_unknown_fields=True):
    """Start a sandbox on a slot and open its door to these keys."""

    allocation_id: Id
    slot_index: SlotIndex
    vcpus_millis: Millis
    memory_bytes: SandboxBytes
    pids: Pids
    authorized_keys: Annotated[list[Key], Meta(min_length=1, max_length=64)]
    volumes: Annotated[list[VolumeMount], Meta(max_length=16)] = []


class SandboxStop(Struct, frozen=True, forbid_unknown_fields=True):
    """Close the door, end every process, unmount cleanly. Volumes keep their data."""

    allocation_id: Id


class SlotSanitize(Struct, frozen=True, forbid_unknown_fields=True):
    """Clean what the allocation left on the slot and give evidence for every step."""

    slot_index: SlotIndex
    allocation_id: Id


class AppStart(Struct, frozen=True, forbid_unknown_fields=True):
    """Run an app inside a running sandbox, as its tenant, and let this key watch it and reach its socket."""

    instance_id: Id
    allocation_id: Id
    command: Annotated[list[Argument], Meta(min_length=1, max_length=64)]
    access_key: Key
    environment: Annotated[dict[VariableName, Argument], Meta(max_length=32)] = {}
    programs: Annotated[list[Path], Meta(max_length=16)] = []
    how_to_get: Detail = ""
    web: bool = False


class AppStop(Struct, frozen=True, forbid_unknown_fields=True):
    """End the app with everything it started, tell how it ended and its last output, and forget its key."""

    instance_id: Id
    allocation_id: Id


class NetworkRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Lets packets pass that begin a connection. `peers` are sources of `in` and destinations of `out`; none match none.

    Ports are destination ports, of tcp and udp only; both absent: all.
    """

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "any"]
    peers: Annotated[list[Cidr], Meta(max_length=256)]
    first_port: Port | None = None
    last_port: Port | None = None


class PublishedPort(Struct, frozen=True, forbid_unknown_fields=True):
    """A TCP port of the node's own addresses that leads to a port of the sandbox, from anywhere."""

    host_port: Port
    port: Port


class NetworkApply(Struct, frozen=True, forbid_unknown_fields=True):
    """What may enter and leave a running sandbox, whole: it replaces what was so before. What no rule allows is dropped."""

    allocation_id: Id
    address: Ipv4
    rules: Annotated[list[NetworkRule], Meta(max_length=512)] = []
    ports: Annotated[list[PublishedPort], Meta(max_length=32)] = []


TaskArgs = VolumeCreate | VolumeDelete | SandboxStart | SandboxStop | SlotSanitize | AppStart | AppStop | NetworkApply

VERBS: dict[str, type[TaskArgs]] = {
    "volume.create": VolumeCreate,
    "volume.delete": VolumeDelete,
    "sandbox.start": SandboxStart,
    "sandbox.stop": SandboxStop,
    "slot.sanitize": SlotSanitize,
    "app.start": AppStart,
    "app.stop": AppStop,
    "network.apply": NetworkApply,
}


class Task(Struct, frozen=True, forbid_unknown_fields=True):
    """One order for one node. `generation` fences the subject: an agent never acts on one lower than it has seen."""

    id: Id
    node_id: Id
    verb: Verb
    subject_id: Id
    generation: Generation
    args: dict[str, Any]
    issued_at: Instant
    expires_at: Instant


class SignedTask(Struct, frozen=True, forbid_unknown_fields=True):
    """A task as it travels: `payload` is the base64url canonical JSON, which alone is signed and believed."""

    payload: Base64Url
    digest: Digest
    signature: Base64Url


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a task, what was seen, and when."""

    step: Word
    ok: bool
    detail: Detail
    at: Instant


class TaskResult(Struct, frozen=True, forbid_unknown_fields=True):
    """What came of a task, signed by the node's own key. `refused` means that nothing was touched."""

    task_id: Id
    generation: Generation
    status: Literal["done", "failed", "refused"]
    code: Code = ""
    detail: Detail = ""
    output: dict[str, Any] = {}
    evidence: Annotated[list[Evidence], Meta(max_length=64)] = []
    signature: Base64Url = ""


class SandboxReport(Struct, frozen=True, forbid_unknown_fields=True):
    """A sandbox that the node knows of, running or not."""

    allocation_id: Id
    slot_index: SlotIndex
    generation: Generation
    running: bool


class PollRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A long poll; `boot_id` changes when the machine restarts."""

    boot_id: Word
    agent_version: Word
    sandboxes: Annotated[list[SandboxReport], Meta(max_length=4_096)]
    wait_seconds: Annotated[int, Meta(ge=0, le=MAX_POLL_WAIT_SECONDS)]


class PollResponse(Struct, frozen=True, forbid_unknown_fields=True):
    """The tasks waiting for this node; each stays offered until its result is acknowledged."""

    tasks: Annotated[list[SignedTask], Meta(max_length=MAX_TASKS_PER_POLL)]


class SshAccess(Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a sandbox's door; `host_key` is one OpenSSH public key line, to be pinned.

    A tenant's ssh is called with these: none can look like an option, a second word or a second line.
    """

    host: Host
    port: Annotated[int, Meta(ge=1, le=65_535)]
    user: User
    host_key: HostKey


def arguments_of(task: Task) -> TaskArgs:
    """The task's arguments as its verb's type.

    Raises KeyError for an unknown verb and msgspec.ValidationError for arguments its schema does not allow.
    """
    return msgspec.convert(task.args, VERBS[task.verb])
