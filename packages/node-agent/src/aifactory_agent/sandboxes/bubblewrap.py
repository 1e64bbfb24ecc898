"""Sandboxes by bubblewrap: Linux namespaces around a process that has already dropped to the slot's own user.

The drop comes before bwrap: started by root it would map the sandbox's user to root of the host.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.sandboxes import rootfs, seccomp
from aifactory_agent.sandboxes.ports import (
    APPS,
    DOOR_FOLDER,
    HOME,
    RUNTIME,
    TENANT_UID,
    Capabilities,
    Launch,
    SandboxPlan,
    door_command,
    limit_label,
    network_label,
)
from aifactory_protocol.inventory import Isolation

PROBE_UID = "65534"
NAMESPACES = [
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
]


class Bubblewrap:
    """bwrap of the machine."""

    name = "bubblewrap"
    shares_network = ""
    maps_user = True

    def __init__(self) -> None:
        self._bwrap = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin") or ""

    def why_not(self) -> str | None:
        if not self._bwrap:
            return "bwrap is not installed (apt install bubblewrap)"
        command = [
            self._bwrap,
            *NAMESPACES,
            *self._hardening(),
            *rootfs.system_binds(),
            "--proc",
            "/proc",
            "--dev",
            "/dev",
        ]
        drop = (
            ["setpriv", f"--reuid={PROBE_UID}", f"--regid={PROBE_UID}", "--clear-groups"] if os.geteuid() == 0 else []
        )
        try:
            processes.run([*drop, *command, "--", "/bin/true"], timeout_seconds=10)
        except processes.CommandFailed as error:
            return f"bwrap does not work here: {error}"
        return None

    def isolation(self, can: Capabilities) -> Isolation:
        limits, not_limited = limit_label(can)
        isolates = [
            "processes: own process ids, the host's are invisible",
            "files: only the system's programs, read-only, and its own scratch and volumes",
            network_label(can),
            "ipc and host name",
            "privileges: no root inside, no capabilities, no set-uid",
        ]
        if seccomp.supported():
            isolates.append("system calls: a deny list of kernel administration calls")
        not_isolated = ["kernel: shared with the host and other tenants"]
        if can.separate_users:
            isolates.append("user: a Linux user of its own per slot")
        else:
            not_isolated.append("user: all sandboxes run as the agent's own user (no root)")
        return Isolation(self.name, isolates, not_isolated, limits, not_limited)

    def launch(self, plan: SandboxPlan) -> Launch:
        scratch = plan.scratch
        command = [
            self._bwrap,
            *NAMESPACES,
            *self._hardening(),
            "--hostname",
            plan.allocation_id.replace("_", "-")[:63],
        ]
        command += ["--uid", str(TENANT_UID), "--gid", str(TENANT_UID), "--clearenv", "--new-session"]
        command += [*rootfs.system_binds(), "--proc", "/proc", "--dev", "/dev"]
        # files in memory cannot be taken back: half of it, so that filling them never starves the door
        command += ["--size", str(plan.limits.memory_bytes // 2), "--perms", "1777", "--tmpfs", "/dev/shm"]
        command += ["--remount-ro", "/dev"]
        command += ["--ro-bind", str(scratch / "etc"), "/etc", *rootfs.etc_binds()]
        command += ["--bind", str(scratch / "home"), str(HOME), "--bind", str(scratch / "tmp"), "/tmp"]
        command += ["--dir", "/var", "--symlink", "/tmp", "/var/tmp", "--dir", "/run"]
        command += ["--ro-bind", str(scratch / "door"), str(DOOR_FOLDER)]
        command += ["--ro-bind", str(plan.runtime.modules), str(RUNTIME)]
        if plan.runtime.prefix is not None:
            command += ["--ro-bind", str(plan.runtime.prefix), str(plan.runtime.prefix)]
        if plan.apps is not None:
            command += ["--ro-bind", str(plan.apps), str(APPS)]
        for place, inside in plan.volumes:
            command += ["--bind", str(place), str(inside)]
        filter_fd = seccomp.filter_descriptor()
        if filter_fd is not None:
            command += ["--seccomp", str(filter_fd)]
        command += ["--setenv", "PYTHONPATH", str(RUNTIME), "--remount-ro", "/", "--chdir", "/", "--"]
        command += door_command(str(plan.runtime.python), plan.listen_fd, DOOR_FOLDER, HOME, self.name)
        return Launch(command, pass_fds=() if filter_fd is None else (filter_fd,))

    def end(self, plan_folder: Path, allocation_id: str) -> None:
        return None

    def _hardening(self) -> list[str]:
        return ["--disable-userns", "--assert-userns-disabled"] if _can_disable_userns(self._bwrap) else []


def _can_disable_userns(bwrap: str) -> bool:
    try:
        return "--disable-userns" in processes.run([bwrap, "--help"], timeout_seconds=5)
    except processes.CommandFailed:
        return False
