"""What every sandbox driver answers, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aifactory_agent.host.cgroups import Limits
from aifactory_protocol.inventory import Isolation

HOME = Path("/home/tenant")
RUNTIME = Path("/opt/aifactory/door")
APPS = Path("/opt/aifactory/apps")
DOOR_FOLDER = Path("/run/aifactory-door")
USER = "tenant"
TENANT_UID = 1_000


@dataclass(frozen=True)
class DoorRuntime:
    """A copy of just what the door needs: an interpreter, its prefix when it is not in /usr, and the modules."""

    python: Path
    prefix: Path | None
    modules: Path


@dataclass(frozen=True)
class SandboxPlan:
    """One sandbox to be started. Paths are on the host; `volumes` are (place on the host, path inside); `apps` holds what
    the node's operator installed for apps, and appears read-only as APPS."""

    allocation_id: str
    uid: int
    folder: Path
    limits: Limits
    runtime: DoorRuntime
    listen_fd: int
    cgroups: list[str]
    volumes: list[tuple[Path, Path]] = field(default_factory=list)
    apps: Path | None = None

    @property
    def scratch(self) -> Path:
        """The sandbox's own disk: home, tmp, etc and the door's folder."""
        return self.folder / "scratch"

    @property
    def marker(self) -> str:
        """The environment entry by which the sandbox's outer processes are found again."""
        return marker_of(self.folder)


@dataclass(frozen=True)
class Launch:
    """A command to run for the sandbox's life, the descriptors it inherits besides the listening socket, and what
    of the usual entry (joining the control groups, becoming the slot's user) it does by itself."""

    command: list[str]
    pass_fds: tuple[int, ...] = ()
    drops_user_itself: bool = False
    joins_groups_itself: bool = False


@dataclass(frozen=True)
class Capabilities:
    """What this machine lets the agent do: control group limits that hold, whether scratch has a size, users, networks."""

    limits: frozenset[str]
    scratch_limited: bool
    separate_users: bool
    networks: bool = False


class SandboxDriver(Protocol):
    """One way to isolate. Drivers build commands; the lifecycle around them is the same for all.

    maps_user: whether the slot's user appears inside as an ordinary user id of its own.
    shares_network: why a sandbox cannot be in a network of its own; empty when it can.
    """

    name: str
    maps_user: bool
    shares_network: str

    def why_not(self) -> str | None:
        """Try it out: None when it works on this machine, else the reason."""

    def isolation(self, can: Capabilities) -> Isolation:
        """The honest label of a sandbox of this driver on this machine."""

    def launch(self, plan: SandboxPlan) -> Launch:
        """The command that is the sandbox."""

    def end(self, plan_folder: Path, allocation_id: str) -> None:
        """Drop what the driver itself keeps about a sandbox whose processes have ended; idempotent."""


def marker_of(folder: Path) -> str:
    """The environment entry of the sandbox in this folder."""
    return f"AIF_SANDBOX={folder}"


def network_label(can: Capabilities) -> str:
    """What the network of a sandbox with a namespace of its own is."""
    if can.networks:
        return "network: its own; nothing enters or leaves but what the rules of its network allow, and ssh by an inherited socket"
    return "network: none but its own loopback; ssh comes in through an inherited socket"


def limit_label(can: Capabilities) -> tuple[list[str], list[str]]:
    """The `limits` and `not_limited` parts, the same for every driver."""
    kinds = {
        "cpu": "cpu: share of CPU time, hard",
        "memory": "memory: bytes without swap, the eater is killed",
        "pids": "pids: number of processes and threads",
    }
    held = [text for kind, text in kinds.items() if kind in can.limits]
    missing = [f"{kind}: no control group for it here" for kind in kinds if kind not in can.limits]
    if can.scratch_limited:
        held.append("disk: scratch has a fixed size")
    else:
        missing.append("disk: scratch shares the node's disk")
    return held, [*missing, "disk and network bandwidth"]


def door_command(python: str, listen_fd: int, folder: Path, home: Path, kind: str) -> list[str]:
    """The door, started without the site's packages and without looking at the tenant's files."""
    options = ["--listen-fd", str(listen_fd), "--folder", str(folder), "--home", str(home), "--sandbox", kind]
    return [python, "-S", "-s", "-P", "-B", "-m", "aifactory_agent.door", *options]
