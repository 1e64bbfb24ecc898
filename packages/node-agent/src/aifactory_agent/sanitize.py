"""Cleaning a slot: every step looks for itself whether it succeeded, and says what it saw."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from aifactory_agent import sandbox
from aifactory_agent.host import cgroups, mounts, processes
from aifactory_agent.node import Node
from aifactory_agent.sandboxes.ports import marker_of
from aifactory_protocol.tasks import Evidence

SHARED_PLACES = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
IPC_KINDS = {"shm": "-m", "sem": "-s", "msg": "-q"}


class NotClean(Exception):
    """A step found that something is left."""


def clean(node: Node, slot_index: int, allocation_id: str) -> list[Evidence]:
    """All steps, also after one has failed: the more is gone the better, and the evidence is complete."""
    uid = node.uid_of_slot(slot_index)
    steps: list[tuple[str, Callable[[], str]]] = [
        ("processes_ended", lambda: end_processes(node, uid, allocation_id)),
        ("mounts_gone", lambda: unmount_all(node, allocation_id)),
        ("scratch_removed", lambda: remove_scratch(node, allocation_id)),
        ("leftovers_removed", lambda: remove_leftovers(node, uid)),
        ("cgroups_removed", lambda: remove_cgroups(node, allocation_id)),
        ("ports_closed", lambda: check_port(node, allocation_id)),
    ]
    return [_attempt(node, name, step) for name, step in steps]


def _attempt(node: Node, name: str, step: Callable[[], str]) -> Evidence:
    try:
        ok, detail = True, step()
    except (NotClean, OSError, processes.CommandFailed) as error:
        ok, detail = False, str(error)
    return Evidence(name, ok, detail[:4_000], node.now())


def end_processes(node: Node, uid: int, allocation_id: str) -> str:
    """None of the slot's user, none of the sandbox."""
    marker = marker_of(node.sandbox_folder(allocation_id))
    groups = _groups(node, allocation_id)

    def find() -> set[int]:
        found = processes.with_environment(marker) | cgroups.members(groups)
        if node.capabilities.separate_users:
            return found | processes.of_user(uid)
        return found | processes.with_argument(str(node.sandbox_folder(allocation_id) / "scratch" / "door"))

    before = len(find())
    left = processes.end_all(find)
    if left:
        raise NotClean(f"processes {sorted(left)[:16]} do not end")
    who = f"user {uid}" if node.capabilities.separate_users else "the sandbox"
    return f"{before} processes of {who} killed, none left"


def unmount_all(node: Node, allocation_id: str) -> str:
    """Nothing mounted below the sandbox's folder, no loop device on its disk."""
    folder = node.sandbox_folder(allocation_id)
    points = mounts.under(folder)
    for point in points:
        mounts.unmount(point)
    left = mounts.under(folder)
    image = node.scratch_image(allocation_id)
    devices = mounts.loop_devices_of(image) if image.exists() else []
    if left or devices:
        raise NotClean(f"still mounted: {[str(point) for point in left]}, loop devices {devices}")
    return f"{len(points)} unmounted, none left"


def remove_scratch(node: Node, allocation_id: str) -> str:
    """Home, tmp and the door's host key are gone."""
    sandbox.remove_scratch(node, allocation_id)
    places = [node.sandbox_folder(allocation_id), node.scratch_image(allocation_id)]
    left = [str(place) for place in places if place.exists()]
    if left:
        raise NotClean(f"still there: {left}")
    return f"{', '.join(str(place) for place in places)}: not there"


def remove_leftovers(node: Node, uid: int) -> str:
    """What the slot's user may have put into the machine's shared places: files and System V objects."""
    if not node.capabilities.separate_users:
        return "not applicable: the slot has no user of its own"
    files = _files_of(uid)
    for path in files:
        _remove(path)
    objects = _ipc_objects_of(uid)
    for kind, number in objects:
        processes.run(["ipcrm", IPC_KINDS[kind], number])
    if _files_of(uid) or _ipc_objects_of(uid):
        raise NotClean(f"files or ipc objects of user {uid} are left")
    return f"{len(files)} files and {len(objects)} ipc objects of user {uid} removed, none left"


def remove_cgroups(node: Node, allocation_id: str) -> str:
    """The sandbox's limits are gone with everything they counted."""
    groups = _groups(node, allocation_id)
    left = cgroups.remove(groups)
    if left:
        raise NotClean(f"control groups still in use: {left}")
    return f"{len(groups)} control group directories: not there"


def check_port(node: Node, allocation_id: str) -> str:
    """Nobody of the slot listens where the sandbox's door was."""
    record = node.records.find(allocation_id)
    if record is None or record.port == 0:
        return "no port was opened"
    holders = [other for other in node.records.every() if other.port == record.port and other.state == "running"]
    if holders:
        return f"port {record.port} belongs to another sandbox now"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", record.port))
        except OSError as error:
            raise NotClean(f"port {record.port}: {error}") from error
    return f"port {record.port} is free"


def _groups(node: Node, allocation_id: str) -> list[str]:
    record = node.records.find(allocation_id)
    return sorted(set(node.cgroups.folders(allocation_id)) | set(record.cgroups if record else []))


def _files_of(uid: int) -> list[Path]:
    found = []
    for place in SHARED_PLACES:
        if place.is_dir():
            for entry in os.scandir(place):
                # Others use these places too: what is gone by now is nobody's.
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_uid == uid:
                        found.append(Path(entry.path))
    return found


def _remove(path: Path) -> None:
    """What vanishes meanwhile is removed as well; the step looks again afterwards."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


def _ipc_objects_of(uid: int) -> list[tuple[str, str]]:
    found = []
    for kind in IPC_KINDS:
        lines = (Path("/proc/sysvipc") / kind).read_text().splitlines()
        heads = lines[0].split()
        for line in lines[1:]:
            fields = dict(zip(heads, line.split(), strict=False))
            if uid in (int(fields["uid"]), int(fields["cuid"])):
                found.append((kind, fields[f"{kind}id" if kind != "msg" else "msqid"]))
    return found
