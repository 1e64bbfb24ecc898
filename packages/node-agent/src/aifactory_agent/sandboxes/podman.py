"""Sandboxes by podman and runc: an OCI container whose root is a skeleton with the host's programs bound read-only.

Limits come from the agent's own control group, below which podman makes its own. The listening socket arrives as
descriptor 3, the only place where podman passes descriptors on.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.sandboxes import rootfs, seccomp
from aifactory_agent.sandboxes.ports import (
    APPS,
    DOOR_FOLDER,
    HOME,
    RUNTIME,
    Capabilities,
    Launch,
    SandboxPlan,
    door_command,
    limit_label,
    network_label,
)
from aifactory_protocol.inventory import Isolation

FIRST_PASSED_FD = 3
PROFILES = (Path("/etc/containers/seccomp.json"), Path("/usr/share/containers/seccomp.json"))
PROBE_USER = "65534:65534"
LISTENER_TO_3 = 'exec 3<&"$0" "$@"'
ROOT_FOLDERS = (
    "dev",
    "etc",
    "home/tenant",
    "opt/aifactory/apps",
    "opt/aifactory/door",
    "proc",
    "run/aifactory-door",
    "sys",
    "tmp",
    "usr",
    "var",
)
CONF = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]
seccomp_profile = "{profile}"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
"""


class Podman:
    """podman of the machine, with a store of its own in `folder` so that nobody else's containers are touched."""

    name = "podman"
    shares_network = ""
    maps_user = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def why_not(self) -> str | None:
        if os.geteuid() != 0:
            return "podman is used as root only: without root it does not limit anything"
        missing = [name for name in ("podman", "runc", "bash") if shutil.which(name) is None]
        if missing:
            return f"not installed: {', '.join(missing)}"
        if _default_profile() is None:
            return f"podman's seccomp profile is not at {PROFILES[-1]}"
        self._environment()
        with tempfile.TemporaryDirectory(prefix="aif-podman-") as folder:
            trial = Podman(Path(folder))
            root = Path(folder) / "skeleton"
            make_skeleton(root)
            command = [*trial._podman(), "run", "--rm", *_isolation("trial"), "--user", PROBE_USER]
            command += ["--volume", "/usr:/usr:ro", "--rootfs", str(root), "/bin/true"]
            try:
                processes.run(["env", *trial._environment(), *command], timeout_seconds=20)
            except processes.CommandFailed as error:
                return f"podman does not work here: {error}"
        return None

    def isolation(self, can: Capabilities) -> Isolation:
        limits, not_limited = limit_label(can)
        isolates = [
            "processes: own process ids, the host's are invisible",
            "files: only the system's programs, read-only, and its own scratch and volumes",
            network_label(can),
            "ipc and host name",
            "privileges: no root inside, no capabilities, no set-uid",
            "system calls: podman's allow list, without namespaces and kernel administration",
            "user: a Linux user of its own per slot",
        ]
        not_isolated = ["kernel: shared with the host and other tenants", "user ids: the host's, not mapped"]
        return Isolation(self.name, isolates, not_isolated, limits, not_limited)

    def launch(self, plan: SandboxPlan) -> Launch:
        root = plan.scratch / "root"
        make_skeleton(root)
        for _, inside in plan.volumes:
            (root / inside.relative_to("/")).mkdir(parents=True, exist_ok=True)
        binds = [(place, inside, "rw") for place, inside in plan.volumes]
        binds += [(plan.scratch / "home", HOME, "rw"), (plan.scratch / "tmp", Path("/tmp"), "rw")]
        binds += [(plan.scratch / "door", DOOR_FOLDER, "ro"), (plan.runtime.modules, RUNTIME, "ro")]
        binds += [(plan.scratch / "etc", Path("/etc"), "ro"), (Path("/usr"), Path("/usr"), "ro")]
        binds += [(Path("/etc") / name, Path("/etc") / name, "ro") for name in rootfs.shared_etc()]
        if plan.runtime.prefix is not None:
            binds.append((plan.runtime.prefix, plan.runtime.prefix, "ro"))
        if plan.apps is not None:
            binds.append((plan.apps, APPS, "ro"))
        command = [*self._podman(), "run", "--rm", "--name", plan.allocation_id, *_isolation(plan.allocation_id)]
        command += ["--preserve-fds", "1", "--user", f"{plan.uid}:{plan.uid}", "--log-driver", "none"]
        command += ["--shm-size", str(plan.limits.memory_bytes // 2), "--env", f"PYTHONPATH={RUNTIME}"]
        command += ["--env", f"HOME={HOME}", "--cgroup-parent", cgroup_parent(plan.cgroups)]
        for place, inside, mode in sorted(binds, key=lambda bind: len(bind[1].parts)):
            command += ["--volume", f"{place}:{inside}:{mode}"]
        command += ["--rootfs", str(root)]
        command += door_command(str(plan.runtime.python), FIRST_PASSED_FD, DOOR_FOLDER, HOME, self.name)
        environment = ["env", *self._environment(), plan.marker]
        shuffle = ["bash", "-c", LISTENER_TO_3, str(plan.listen_fd)]
        return Launch([*environment, *shuffle, *command], drops_user_itself=True, joins_groups_itself=True)

    def end(self, plan_folder: Path, allocation_id: str) -> None:
        if self._folder.exists():
            command = [*self._podman(), "rm", "--force", "--ignore", "--time", "0", allocation_id]
            processes.run(["env", *self._environment(), *command], timeout_seconds=60)

    def _seccomp_profile(self) -> Path:
        default, made = _default_profile(), self._folder / "seccomp.json"
        assert default is not None
        _write_if_other(made, json.dumps(seccomp.stricter(json.loads(default.read_text()))))
        return made

    def _podman(self) -> list[str]:
        return ["podman", "--root", str(self._folder / "store"), "--runroot", str(self._folder / "run")]

    def _environment(self) -> list[str]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        conf = self._folder / "containers.conf"
        _write_if_other(conf, CONF.format(profile=self._seccomp_profile()))
        return [f"CONTAINERS_CONF={conf}", f"HOME={self._folder}", f"TMPDIR={self._folder}"]


def _write_if_other(file: Path, text: str) -> None:
    """Written while trying podman out, and left alone by the tasks that run side by side later."""
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _default_profile() -> Path | None:
    return next((place for place in PROFILES if place.exists()), None)


def make_skeleton(root: Path) -> None:
    """Empty mount points, and the links of the host's /bin, /lib and the like into /usr."""
    for name in ROOT_FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in rootfs.SYSTEM:
        place = Path("/") / name
        if place.is_symlink() and not (root / name).is_symlink():
            (root / name).symlink_to(place.readlink())
    if not (root / "var/tmp").is_symlink():
        (root / "var/tmp").symlink_to("/tmp")


def cgroup_parent(cgroups: list[str]) -> str:
    """Our group's path as podman wants it: the same in every hierarchy, from its top."""
    parts = Path(cgroups[0]).parts if cgroups else ("aifactory-unlimited", "all")
    return "/" + "/".join(parts[-2:])


def _isolation(hostname: str) -> list[str]:
    return [
        *("--network", "none", "--no-hosts", "--hostname", hostname.replace("_", "-")[:63], "--passwd=false"),
        *(
            "--cap-drop",
            "all",
            "--security-opt",
            "no-new-privileges",
            "--security-opt",
            "mask=/sys",
            "--read-only",
            "--read-only-tmpfs=false",
        ),
    ]
