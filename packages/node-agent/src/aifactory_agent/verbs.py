"""The effects of the verbs, each safe to repeat. Plain functions that run in a worker thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aifactory_agent import app_tasks, sandbox, sanitize, slots
from aifactory_agent.host.processes import CommandFailed
from aifactory_agent.mount_paths import BadMountPath
from aifactory_agent.networks.networks import NotApplied
from aifactory_agent.node import Node
from aifactory_agent.records import SandboxRecord
from aifactory_agent.volumes import VolumeBusy, VolumeMissing
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

log = logging.getLogger("aifactory_agent.verbs")


class Failed(Exception):
    """The task could not be done; `code` is stable and `evidence` says how far it came."""

    def __init__(self, code: str, detail: str, evidence: list[Evidence] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.evidence = evidence or []


@dataclass(frozen=True)
class Done:
    """What a task brought."""

    output: dict[str, Any] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)


def carry_out(node: Node, args: TaskArgs, generation: int) -> Done:
    """Do what the task says. Raises Failed with a code; anything else is a bug and reported as `internal`."""
    try:
        return EFFECTS[type(args)](node, args, generation)
    except VolumeMissing as error:
        raise Failed("volume_missing", str(error)) from error
    except VolumeBusy as error:
        raise Failed("volume_busy", str(error)) from error
    except BadMountPath as error:
        raise Failed("bad_mount_path", str(error)) from error
    except sandbox.StartFailed as error:
        raise Failed(error.code, error.detail) from error
    except app_tasks.AppFailed as error:
        raise Failed(error.code, error.detail) from error
    except NotApplied as error:
        raise Failed("rules_not_applied", str(error)) from error
    except sandbox.StillThere as error:
        raise Failed("still_there", str(error)) from error
    except CommandFailed as error:
        raise Failed("command_failed", str(error)) from error
    except OSError as error:
        raise Failed("system_error", str(error)) from error


def create_volume(node: Node, args: VolumeCreate, generation: int) -> Done:
    """An empty volume of this size."""
    node.volumes.create(args.volume_id, args.size_bytes)
    return Done({"enforces_size": node.volumes.capability.enforces_size})


def delete_volume(node: Node, args: VolumeDelete, generation: int) -> Done:
    """Erase, then remove."""
    erased = node.volumes.delete(args.volume_id)
    step = Evidence("erased", True, f"{erased} allocated bytes overwritten with zeros, then removed", node.now())
    return Done({"erased_bytes": erased}, [step])


def start_sandbox(node: Node, args: SandboxStart, generation: int) -> Done:
    """Start, or tell again how to reach what already runs."""
    known = node.records.find(args.allocation_id)
    if known is not None and known.state == "running":
        if sandbox.is_running(node, known):
            return _access(node, known)
        known = note_exit(node, known)
    if known is not None and generation <= known.generation and known.state in ("stopping", "stopped", "exited"):
        raise Failed(
            f"sandbox_{known.state}", f"{args.allocation_id} was here and is {known.state}: it is not restarted"
        )
    _check_slot(node, args)
    if known is not None:
        sandbox.end(node, known)
    record = sandbox.intend(node, args, generation)
    try:
        return _access(node, sandbox.start(node, record))
    except BaseException:
        sandbox.end(node, node.records.find(args.allocation_id) or record, gently=False)
        node.records.forget(args.allocation_id)
        raise


def stop_sandbox(node: Node, args: SandboxStop, generation: int) -> Done:
    """End it and remember that it was; nothing to stop is done already."""
    record = node.records.find(args.allocation_id)
    if record is None or record.state == "stopped":
        return Done({"was_running": False})
    was_running = sandbox.is_running(node, record)
    stop(node, record.changed(generation=max(generation, record.generation)))
    return Done({"was_running": was_running})


def stop(node: Node, record: SandboxRecord) -> SandboxRecord:
    """Intent, effect, record."""
    record = node.records.save(record.changed(state="stopping", updated_at=node.now()))
    sandbox.end(node, record)
    return node.records.save(record.changed(state="stopped", updated_at=node.now()))


def note_exit(node: Node, record: SandboxRecord) -> SandboxRecord:
    """A sandbox ended on its own: clean up behind it, keep its record so that the control plane learns of it."""
    log.warning("%s ended on its own", record.allocation_id)
    record = node.records.save(record.changed(state="exited", updated_at=node.now()))
    sandbox.end(node, record, gently=False)
    return record


def sanitize_slot(node: Node, args: SlotSanitize, generation: int) -> Done:
    """Clean the slot's user, disk and limits; evidence for every step, also for the failed ones."""
    for record in node.records.on_slot(args.slot_index):
        if record.allocation_id != args.allocation_id:
            raise Failed(
                "slot_in_use", f"slot {args.slot_index} holds {record.allocation_id}, not {args.allocation_id}"
            )
        stop(node, record)
    evidence = sanitize.clean(node, args.slot_index, args.allocation_id)
    broken = [step.step for step in evidence if not step.ok]
    if broken:
        raise Failed("sanitize_failed", f"not clean: {', '.join(broken)}", evidence)
    return Done({"slot_index": args.slot_index}, evidence)


def start_app(node: Node, args: AppStart, generation: int) -> Done:
    """Run an app inside a running sandbox."""
    return Done(app_tasks.start(node, args))


def stop_app(node: Node, args: AppStop, generation: int) -> Done:
    """End an app; done already is done."""
    return Done(app_tasks.stop(node, args))


def apply_network(node: Node, args: NetworkApply, generation: int) -> Done:
    """Let just this enter and leave a running sandbox, and tell what the kernel then lists."""
    if node.networks is None:
        raise Failed("no_networks", f"this node has no networks: {node.no_networks}")
    record = node.records.find(args.allocation_id)
    inside = sandbox.process_inside(node, record) if record and sandbox.is_running(node, record) else None
    if record is None or inside is None:
        raise Failed("sandbox_not_running", f"{args.allocation_id} does not run here")
    return Done({"rules": node.networks.apply(record.slot_index, generation, args, inside)})


def _check_slot(node: Node, args: SandboxStart) -> None:
    offered = slots.offered(node.settings)
    if args.slot_index >= len(offered):
        raise Failed("unknown_slot", f"this node offers slots 0 to {len(offered) - 1}")
    slot = offered[args.slot_index]
    if args.memory_bytes > slot.memory_bytes or args.vcpus_millis > slot.vcpus_millis or args.pids > slot.pids:
        raise Failed("over_slot", f"more than slot {slot.index} has")
    others = [record for record in node.records.on_slot(args.slot_index) if record.allocation_id != args.allocation_id]
    if others:
        raise Failed("slot_in_use", f"slot {args.slot_index} holds {others[0].allocation_id}")


def _access(node: Node, record: SandboxRecord) -> Done:
    ssh = SshAccess(node.settings.ssh_host, record.port, "tenant", record.host_key)
    started_at = record.started_at or record.updated_at
    return Done(
        {
            "ssh": msgspec.to_builtins(ssh),
            "isolation": msgspec.to_builtins(sandbox.label(node)),
            "started_at": msgspec.to_builtins(started_at),
        }
    )


EFFECTS: dict[type, Callable[[Node, Any, int], Done]] = {
    VolumeCreate: create_volume,
    VolumeDelete: delete_volume,
    SandboxStart: start_sandbox,
    SandboxStop: stop_sandbox,
    SlotSanitize: sanitize_slot,
    AppStart: start_app,
    AppStop: stop_app,
    NetworkApply: apply_network,
}
