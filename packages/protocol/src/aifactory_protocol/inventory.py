"""What a node says it is: machine, slots, how it isolates, where it keeps volumes.

These are claims of the node, not proofs: the control plane shows them and never bases money or safety on them alone.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aifactory_protocol.limits import (
    Bytes,
    Count,
    Host,
    Millis,
    Pids,
    SandboxBytes,
    Sentence,
    Sentences,
    SlotIndex,
    Word,
)


class Isolation(Struct, frozen=True, forbid_unknown_fields=True):
    """The label of a sandbox: what its driver keeps apart and limits here, and, just as plainly, what it does not."""

    driver: Word
    isolates: Sentences = []
    not_isolated: Sentences = []
    limits: Sentences = []
    not_limited: Sentences = []


class Gpu(Struct, frozen=True, forbid_unknown_fields=True):
    """One accelerator as its vendor's tool reports it."""

    vendor: Word
    model: Word
    uuid: Word
    memory_bytes: Bytes


class Slot(Struct, frozen=True, forbid_unknown_fields=True):
    """One sellable share of the node; `vcpus_millis` is thousandths of a CPU."""

    index: SlotIndex
    sku: Word
    vcpus_millis: Millis
    memory_bytes: SandboxBytes
    pids: Pids


class VolumeDriver(Struct, frozen=True, forbid_unknown_fields=True):
    """How the node keeps volumes and whether their size is enforced or only recorded."""

    name: Word
    enforces_size: bool
    detail: Sentence = ""


class Inventory(Struct, frozen=True, forbid_unknown_fields=True):
    """The machine as it is now; `ssh_host` is the address clients use for the sandboxes' doors; `simulated`: no hardware."""

    hostname: Word
    os: Word
    kernel: Word
    cpus: Count
    memory_bytes: Bytes
    disk_bytes: Bytes
    gpus: Annotated[list[Gpu], Meta(max_length=64)]
    slots: Annotated[list[Slot], Meta(max_length=1_024)]
    isolation: Isolation
    volume_driver: VolumeDriver
    ssh_host: Host
    simulated: bool = False
