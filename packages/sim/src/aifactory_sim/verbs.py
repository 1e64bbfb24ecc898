"""What tasks do to a simulated node: the same verbs, answers and refusals as a real agent's, over nothing but memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aifactory_protocol.tasks import (
    AppStart,
    AppStop,
    Evidence,
    NetworkApply,
    SandboxStart,
    SandboxStop,
    SlotSanitize,
    SshAccess,
    TaskArgs,
    VolumeCreate,
    VolumeDelete,
)
from aifactory_sim.door import Doors, public_half
from aifactory_sim.faults import Fault
from aifactory_sim.fleet import ISOLATION, SSH_HOST, Machine
from aifactory_sim.memory import Memory, Sandbox

CLEANING = {
    "processes_ended": "simulated: no process was ever started",
    "mounts_gone": "simulated: nothing was mounted",
    "scratch_removed": "simulated: the scratch space was only a note, and is forgotten",
    "leftovers_removed": "simulated: nothing could leave anything",
    "cgroups_removed": "simulated: there were no control groups",
    "ports_closed": "the sandbox's door is closed",
}
ON_DISK = "scratch_removed"
DISK_ERROR = "simulated disk: input/output error"


class Failed(Exception):
    """The task could not be done; `code` is one that a real agent has too."""

    def __init__(self, code: str, detail: str, evidence: list[Evidence] | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.evidence = code, detail, evidence or []


@dataclass(frozen=True)
class Done:
    output: dict[str, Any] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)


class Verbs:
    """One node's hands."""

    def __init__(self, machine: Machine, memory: Memory, doors: Doors) -> None:
        self._machine, self._memory, self._doors = machine, memory, doors
        self._effects: dict[type, Callable[[Any, int], Awaitable[Done]]] = {
            VolumeCreate: self._create_volume,
            VolumeDelete: self._delete_volume,
            SandboxStart: self._start,
            SandboxStop: self._stop,
            SlotSanitize: self._sanitize,
            AppStart: self._start_app,
            AppStop: self._stop_app,
            NetworkApply: self._apply_network,
        }

    async def carry_out(self, args: TaskArgs, generation: int) -> Done:
        """Each may be repeated. Raises Failed."""
        return await self._effects[type(args)](args, generation)

    async def _create_volume(self, args: VolumeCreate, generation: int) -> Done:
        self._need_disk()
        self._memory.volumes.setdefault(args.volume_id, args.size_bytes)
        return Done({"enforces_size": False})

    async def _delete_volume(self, args: VolumeDelete, generation: int) -> Done:
        self._need_disk()
        users = [box for box in self._memory.sandboxes.values() if box.running and args.volume_id in box.volumes]
        if users:
            raise Failed("volume_busy", f"{args.volume_id} is mounted by {users[0].allocation_id}")
        self._memory.volumes.pop(args.volume_id, None)
        step = Evidence("erased", True, "simulated: the volume held no data, and is forgotten", datetime.now(UTC))
        return Done({"erased_bytes": 0}, [step])

    async def _start(self, args: SandboxStart, generation: int) -> Done:
        """Opens the door, or tells again where it is."""
        known = self._memory.sandboxes.get(args.allocation_id)
        if known is not None and known.running:
            return _access(known)
        if known is not None and generation <= known.generation:
            raise Failed("sandbox_exited", f"{args.allocation_id} was here and has ended: it is not restarted")
        self._need_disk()
        self._check(args)
        box = Sandbox(
            args.allocation_id,
            args.slot_index,
            generation,
            args.authorized_keys,
            [volume.volume_id for volume in args.volumes],
            _new_host_key(),
            started_at=datetime.now(UTC).isoformat(),
        )
        box.port = await self._doors.open(box, self._machine)
        box.running = True
        self._memory.sandboxes[args.allocation_id] = box
        return _access(box)

    def _check(self, args: SandboxStart) -> None:
        slots = self._machine.inventory().slots
        if args.slot_index >= len(slots):
            raise Failed("unknown_slot", f"this node offers slots 0 to {len(slots) - 1}")
        slot = slots[args.slot_index]
        if args.memory_bytes > slot.memory_bytes or args.vcpus_millis > slot.vcpus_millis or args.pids > slot.pids:
            raise Failed("over_slot", f"more than slot {slot.index} has")
        for box in self._on_slot(args.slot_index):
            if box.allocation_id != args.allocation_id:
                raise Failed("slot_in_use", f"slot {args.slot_index} holds {box.allocation_id}")
        for volume in args.volumes:
            if volume.volume_id not in self._memory.volumes:
                raise Failed("volume_missing", f"{volume.volume_id} is not on this node")

    async def _stop(self, args: SandboxStop, generation: int) -> Done:
        return Done({"was_running": await self._end(args.allocation_id)})

    async def _sanitize(self, args: SlotSanitize, generation: int) -> Done:
        """Evidence for each step, also for the failed one."""
        for box in self._on_slot(args.slot_index):
            if box.allocation_id != args.allocation_id:
                raise Failed("slot_in_use", f"slot {args.slot_index} holds {box.allocation_id}")
            await self._end(box.allocation_id)
        broken = Fault.DEAD_DISK in self._memory.faults
        evidence = [
            Evidence(
                step,
                not (broken and step == ON_DISK),
                DISK_ERROR if broken and step == ON_DISK else said,
                datetime.now(UTC),
            )
            for step, said in CLEANING.items()
        ]
        if broken:
            raise Failed("sanitize_failed", f"not clean: {ON_DISK}: {DISK_ERROR}", evidence)
        return Done({"slot_index": args.slot_index}, evidence)

    async def _start_app(self, args: AppStart, generation: int) -> Done:
        raise Failed(
            "app_not_installed", "a simulated node runs no programs: launch the app in an allocation on a real one"
        )

    async def _stop_app(self, args: AppStop, generation: int) -> Done:
        """None ever ran here, so it has ended."""
        return Done({"state": "absent"})

    async def _end(self, allocation_id: str) -> bool:
        box = self._memory.sandboxes.pop(allocation_id, None)
        await self._doors.close(allocation_id)
        return box is not None and box.running

    def _on_slot(self, slot_index: int) -> list[Sandbox]:
        return [box for box in self._memory.sandboxes.values() if box.slot_index == slot_index]

    def _need_disk(self) -> None:
        if Fault.DEAD_DISK in self._memory.faults:
            raise Failed("system_error", DISK_ERROR)

    async def _apply_network(self, args: NetworkApply, generation: int) -> Done:
        """Remembers nothing: no packet was ever sent here."""
        box = self._memory.sandboxes.get(args.allocation_id)
        if box is None or not box.running:
            raise Failed("sandbox_not_running", f"{args.allocation_id} does not run here")
        told = [f"simulated: {rule.direction} {rule.protocol} {', '.join(rule.peers)}"[:500] for rule in args.rules]
        return Done({"rules": told + [f"simulated: published {port.host_port}" for port in args.ports]})


def _access(box: Sandbox) -> Done:
    ssh = SshAccess(SSH_HOST, box.port, "tenant", public_half(box.host_key))
    told = {"ssh": msgspec.to_builtins(ssh), "isolation": msgspec.to_builtins(ISOLATION)}
    return Done({**told, "started_at": box.started_at})


def _new_host_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
