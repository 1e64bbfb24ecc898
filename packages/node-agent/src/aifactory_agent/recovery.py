"""What a start does first: adopt what still runs, finish or undo what was begun, remove what nobody knows."""

from __future__ import annotations

import functools
import logging
import os
import shutil
from datetime import timedelta
from pathlib import Path

from aifactory_agent import sandbox, verbs
from aifactory_agent.host import cgroups, mounts, processes
from aifactory_agent.node import Node
from aifactory_agent.records import SandboxRecord
from aifactory_agent.sandboxes.ports import marker_of
from aifactory_agent.settings import SLOT_UIDS

TOMBSTONES_KEPT = timedelta(days=3)
log = logging.getLogger("aifactory_agent.recovery")


def mend(node: Node) -> None:
    """Bring the machine and the records into agreement; safe to be killed in, and to run again."""
    processes.wait_for_tools([str(node.settings.state_dir), str(node.settings.sandbox_root)])
    node.records.forget_stopped_before(node.now() - TOMBSTONES_KEPT)
    for record in node.records.every():
        try:
            mend_one(node, record)
        except (sandbox.StillThere, processes.CommandFailed, OSError) as error:
            log.error("could not mend %s: %s", record.allocation_id, error)
    mend_networks(node)
    remove_unknown(node)


def mend_networks(node: Node) -> None:
    """What sandboxes that run may send and receive is as it was last wanted; of all others nothing is left."""
    if node.networks is None:
        return
    running = [record for record in node.records.every() if record.state == "running"]
    inside = {record.allocation_id: sandbox.process_inside(node, record) for record in running}
    try:
        node.networks.mend({name: pid for name, pid in inside.items() if pid is not None})
    except (processes.CommandFailed, OSError) as error:
        log.error("could not mend the networks: %s", error)


def mend_one(node: Node, record: SandboxRecord) -> None:
    """Bring one sandbox and its record into agreement."""
    if record.state == "running" and sandbox.is_running(node, record):
        log.info("adopted %s, pid %s", record.allocation_id, record.pid)
    elif record.state == "running":
        verbs.note_exit(node, record)
    elif record.state == "starting":
        log.info("undoing the half start of %s", record.allocation_id)
        sandbox.end(node, record, gently=False)
        node.records.forget(record.allocation_id)
    elif record.state == "stopping":
        log.info("finishing the stop of %s", record.allocation_id)
        verbs.stop(node, record)
    elif record.state == "exited":
        sandbox.end(node, record, gently=False)


def remove_unknown(node: Node) -> None:
    """Processes, mounts, folders, disks and control groups of sandboxes that no record knows."""
    known = {record.allocation_id for record in node.records.every() if record.state != "stopped"}
    used = {record.uid for record in node.records.every() if record.state in ("running", "starting", "stopping")}
    _end_unknown_users(node, used)
    names = {place.name for place in node.settings.sandbox_root.iterdir() if place.is_dir() and "_" in place.name}
    names |= {image.stem.lstrip(".") for image in (node.settings.state_dir / "scratch").iterdir()}
    branches = cgroups.find_branches(node.settings.mark) if os.geteuid() == 0 else []
    names |= {place.name for branch in branches for place in branch.iterdir() if place.is_dir()}
    for name in sorted(names - known):
        log.info("removing what is left of %s", name)
        groups = [str(branch / name) for branch in branches]
        marker = marker_of(node.sandbox_folder(name))
        processes.end_all(functools.partial(_marked, groups, marker))
        try:
            sandbox.remove_scratch(node, name)
        except (processes.CommandFailed, OSError) as error:
            log.error("could not remove the scratch of %s: %s", name, error)
        cgroups.remove(groups)
    _remove_old_branches(node, branches)
    _remove_old_runtimes(node)
    _release_loop_devices(node)


def _marked(groups: list[str], marker: str) -> set[int]:
    return cgroups.members(groups) | processes.with_environment(marker)


def _end_unknown_users(node: Node, used: set[int]) -> None:
    if not node.capabilities.separate_users:
        return
    block = range(node.uid_base, node.uid_base + SLOT_UIDS)

    def strangers() -> set[int]:
        return {
            pid for pid in processes.everyone() if any(uid in block and uid not in used for uid in processes.users(pid))
        }

    processes.end_all(lambda: {pid for pid in strangers() if processes.start_ticks(pid) is not None})


def _remove_old_branches(node: Node, branches: list[Path]) -> None:
    """Branches that an earlier run made elsewhere go once they are empty."""
    current = {branch.resolve() for branch in node.cgroups.branches.values()}
    for branch in branches:
        if branch.resolve() not in current:
            try:
                branch.rmdir()
            except OSError:
                continue


def _remove_old_runtimes(node: Node) -> None:
    """Copies of earlier doors go when no sandbox can be running one."""
    if any(record.state == "running" for record in node.records.every()):
        return
    for place in node.settings.sandbox_root.iterdir():
        if place.name.lstrip(".").startswith("door-") and place != node.runtime.modules:
            shutil.rmtree(place, ignore_errors=True)


def _release_loop_devices(node: Node) -> None:
    """A killed mount may leave a loop device without a mount; one with a mount refuses to go, which is right."""
    if not node.volumes.capability.enforces_size:
        return
    for image in [*node.settings.volumes_dir.glob("*.img"), *(node.settings.state_dir / "scratch").glob("*.img")]:
        for device in mounts.loop_devices_of(image):
            if not _is_mounted_device(device):
                processes.run(["losetup", "-d", device])


def _is_mounted_device(device: str) -> bool:
    return any(line.split()[0] == device for line in Path("/proc/self/mounts").read_text().splitlines())
