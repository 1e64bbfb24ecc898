"""The life of one sandbox: prepared, started, ended. Every step may be repeated, and follows its written intent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aifactory_agent import mount_paths
from aifactory_agent.host import cgroups, mounts, processes
from aifactory_agent.networks.router import namespace_of
from aifactory_agent.node import Node
from aifactory_agent.records import SandboxRecord
from aifactory_agent.sandboxes import choose, rootfs
from aifactory_agent.sandboxes.ports import TENANT_UID, SandboxPlan, marker_of
from aifactory_agent.volumes import make_image
from aifactory_protocol.inventory import Isolation
from aifactory_protocol.tasks import SandboxStart

DOOR_DEADLINE_SECONDS = 20
GRACE_SECONDS = 2
# joins the control groups, makes the door a poor victim when memory runs out, then becomes the command
ENTER = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 97; shift; done; shift; '
    'echo -500 > /proc/self/oom_score_adj 2>/dev/null; exec "$@"'
)


class StartFailed(Exception):
    """The sandbox could not be started; everything was undone. `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class StillThere(Exception):
    """Something of a sandbox could not be removed."""


def intend(node: Node, args: SandboxStart, generation: int) -> SandboxRecord:
    """Write down that this sandbox is being started. Raises BadMountPath before anything is written."""
    mount_paths.check([volume.mount_path for volume in args.volumes])
    record = SandboxRecord(
        allocation_id=args.allocation_id,
        slot_index=args.slot_index,
        uid=node.uid_of_slot(args.slot_index),
        generation=generation,
        state="starting",
        driver=node.driver.name,
        args=args,
        updated_at=node.now(),
        boot_id=node.boot_id,
        cgroups=node.cgroups.folders(args.allocation_id),
    )
    return node.records.save(record)


def start(node: Node, record: SandboxRecord) -> SandboxRecord:
    """Carry the written intent out until the door answers. Raises what went wrong; the caller undoes."""
    folder = node.sandbox_folder(record.allocation_id)
    _prepare_scratch(node, record, folder)
    places = []
    for volume in record.args.volumes:
        point = folder / "volumes" / volume.volume_id
        node.volumes.attach(volume.volume_id, point, record.uid)
        places.append((point.resolve(), Path(volume.mount_path)))
    host_key = _write_door_files(record, folder / "scratch" / "door")
    limits = cgroups.Limits(record.args.vcpus_millis, record.args.memory_bytes, record.args.pids)
    groups = node.cgroups.make(record.allocation_id, limits)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        record = node.records.save(record.changed(port=port, host_key=host_key, cgroups=groups, updated_at=node.now()))
        apps = node.settings.apps_dir if node.settings.apps_dir.is_dir() else None
        plan = SandboxPlan(
            record.allocation_id, record.uid, folder, limits, node.runtime, listener.fileno(), groups, places, apps
        )
        child = _spawn(node, plan)
    record = record.changed(pid=child.pid, pid_started=processes.start_ticks(child.pid) or 0)
    node.records.save(record)
    _wait_for_door(child, port, folder / "scratch" / "door.log")
    now = node.now()
    return node.records.save(record.changed(state="running", started_at=now, updated_at=now))


def end(node: Node, record: SandboxRecord, gently: bool = True) -> None:
    """End every process, unmount, remove scratch and groups. Volumes keep their data. Raises StillThere."""
    if gently and record.state in ("running", "stopping"):
        _ask_to_end(record)
    left = processes.end_all(lambda: members(node, record))
    if left:
        raise StillThere(f"processes {sorted(left)[:8]} of {record.allocation_id} do not end")
    if node.networks is not None:
        node.networks.forget(record.allocation_id)
    folder = node.sandbox_folder(record.allocation_id)
    choose.named(record.driver, node.settings.state_dir).end(folder, record.allocation_id)
    for volume in record.args.volumes:
        node.volumes.detach(volume.volume_id, folder / "volumes" / volume.volume_id)
    remove_scratch(node, record.allocation_id)
    remaining = cgroups.remove(groups_of(node, record))
    if remaining:
        raise StillThere(f"control groups {remaining} are still in use")


def groups_of(node: Node, record: SandboxRecord) -> list[str]:
    """The sandbox's directories in every hierarchy, also in those that a driver's tool made on its own."""
    branches = cgroups.find_branches(node.settings.mark) if record.cgroups else []
    return sorted({*record.cgroups, *(str(branch / record.allocation_id) for branch in branches)})


def members(node: Node, record: SandboxRecord) -> set[int]:
    """Every process of the sandbox, however it is recognized."""
    found = cgroups.members(record.cgroups)
    found |= processes.with_environment(marker_of(node.sandbox_folder(record.allocation_id)))
    if node.capabilities.separate_users:
        found |= processes.of_user(record.uid)
    else:
        found |= processes.with_argument(str(node.sandbox_folder(record.allocation_id) / "scratch" / "door"))
    return found


def is_running(node: Node, record: SandboxRecord) -> bool:
    """Whether the very processes we started still live, with someone in the sandbox's groups."""
    if record.boot_id != node.boot_id or not processes.alive(record.pid, record.pid_started):
        return False
    return not record.cgroups or bool(cgroups.members(record.cgroups))


def process_inside(node: Node, record: SandboxRecord) -> int | None:
    """A process that lives in the sandbox's own network namespace."""
    here = namespace_of(os.getpid())
    return next((pid for pid in sorted(members(node, record)) if namespace_of(pid) not in ("", here)), None)


def label(node: Node) -> Isolation:
    """What the node's sandboxes isolate and limit."""
    return node.driver.isolation(node.capabilities)


def remove_scratch(node: Node, allocation_id: str) -> None:
    """Unmount and remove whatever the sandbox had on the node's disk besides its volumes."""
    folder = node.sandbox_folder(allocation_id)
    for point in mounts.under(folder):
        mounts.unmount(point)
    node.scratch_image(allocation_id).unlink(missing_ok=True)
    node.scratch_image(allocation_id).with_name(f".{allocation_id}.img.making").unlink(missing_ok=True)
    if folder.exists():
        if not node.capabilities.separate_users:
            _open_folders(folder)
        shutil.rmtree(folder)


def _open_folders(folder: Path) -> None:
    """Without root, folders that the tenant closed must be opened before they can be emptied."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            if not (Path(place) / name).is_symlink():
                (Path(place) / name).chmod(0o700)


def _prepare_scratch(node: Node, record: SandboxRecord, folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    if node.capabilities.scratch_limited:
        image = node.scratch_image(record.allocation_id)
        make_image(image, node.settings.scratch_bytes)
        mounts.mount_image(image, scratch)
    scratch.chmod(0o711)
    for name, mode in (("home", 0o700), ("tmp", 0o700), ("door", 0o700)):
        place = scratch / name
        place.mkdir(exist_ok=True)
        place.chmod(mode)
        os.chown(place, record.uid, record.uid if node.capabilities.separate_users else -1)
    for skeleton in (".bashrc", ".profile", ".bash_logout"):
        source = Path("/etc/skel") / skeleton
        if source.is_file():
            shutil.copyfile(source, scratch / "home" / skeleton)
            os.chown(scratch / "home" / skeleton, record.uid, -1)
    inside = TENANT_UID if node.driver.maps_user else record.uid
    rootfs.write_etc(scratch / "etc", record.allocation_id.replace("_", "-")[:63], inside)


def _write_door_files(record: SandboxRecord, folder: Path) -> str:
    """The host key, made here for this allocation alone, and the keys that open; returns the public host key."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    keys = "".join(f"{line.strip()}\n" for line in record.args.authorized_keys if "\n" not in line.strip())
    for name, data in (("host_key", private), ("authorized_keys", keys.encode())):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchown(descriptor, record.uid, -1)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _spawn(node: Node, plan: SandboxPlan) -> subprocess.Popen[bytes]:
    launch = node.driver.launch(plan)
    drop = []
    if node.capabilities.separate_users and not launch.drops_user_itself:
        drop = ["setpriv", f"--reuid={plan.uid}", f"--regid={plan.uid}", "--clear-groups", "--no-new-privs"]
        drop += ["--bounding-set=-all", "--inh-caps=-all", "--"]
    groups = [] if launch.joins_groups_itself else plan.cgroups
    name, _, value = plan.marker.partition("=")
    log = os.open(plan.scratch / "door.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", ENTER, "sh", *groups, "--", *drop, *launch.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", name: value},
            pass_fds=(plan.listen_fd, *launch.pass_fds),
            start_new_session=True,
        )
    finally:
        os.close(log)
        for descriptor in launch.pass_fds:
            os.close(descriptor)


def _wait_for_door(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the door says who it is. The socket listens from the start, so only its banner is proof."""
    deadline = time.monotonic() + DOOR_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            said = log.read_text(errors="replace").strip()[-800:] if log.exists() else ""
            raise StartFailed("sandbox_ended", f"the sandbox ended with {child.returncode}: {said}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as visitor:
                visitor.settimeout(1)
                if visitor.recv(8).startswith(b"SSH-2.0"):
                    return
        except OSError:
            continue
    raise StartFailed("door_silent", f"the door did not answer within {DOOR_DEADLINE_SECONDS} s")


def _ask_to_end(record: SandboxRecord) -> None:
    """SIGTERM to the tenant's programs and a moment to save their work."""
    asked = cgroups.members(record.cgroups) if record.cgroups else set()
    for pid in asked:
        try:
            os.kill(pid, 15)
        except (ProcessLookupError, PermissionError):
            continue
    deadline = time.monotonic() + GRACE_SECONDS
    while cgroups.members(record.cgroups) - _deaf(asked) and time.monotonic() < deadline:
        time.sleep(0.05)


def _deaf(asked: set[int]) -> set[int]:
    """Of those asked, the ones that are PID 1 of a namespace: they do not hear SIGTERM."""
    deaf = set()
    for pid in asked:
        try:
            status = (processes.PROC / str(pid) / "status").read_text()
        except OSError:
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if len(numbers) > 1 and numbers[-1] == "1":
            deaf.add(pid)
    return deaf
