"""What the agent is told from outside: the environment, and the options of its command line."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DRIVERS = ("auto", "bubblewrap", "podman", "process")
SLOT_UIDS = 4_096


class BadSetting(Exception):
    """A setting has a value the agent cannot work with."""


@dataclass(frozen=True)
class Settings:
    """Every knob of the agent.

    state_dir: private (0700): key, certificate, records, volume images.
    sandbox_root: scratch and mount points; every folder above it must be traversable by the slots' users.
    slots: how many slots to offer; None: one per CPU.
    uid_base: user id of slot 0; None: the machine's first free block.
    telemetry_seconds: time between two measurements; every third is followed by a batch.
    apps_dir: what is installed for apps, read-only in every sandbox; need not exist.
    """

    state_dir: Path
    sandbox_root: Path
    node_name: str
    ssh_host: str = "127.0.0.1"
    driver: str = "auto"
    slots: int | None = None
    uid_base: int | None = None
    scratch_bytes: int = 4 * 1024**3
    parallel_tasks: int = 4
    telemetry_seconds: int = 5
    apps_dir: Path = Path("/opt/aifactory/apps")

    @property
    def mark(self) -> str:
        """Eight hex characters that name this agent's control groups among others on the machine."""
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:8]

    @property
    def volumes_dir(self) -> Path:
        """Where volumes live: beside the key, out of every sandbox's sight."""
        return self.state_dir / "volumes"


def from_environment(environ: Mapping[str, str] = os.environ, state_dir: str | None = None) -> Settings:
    """Settings from AIF_* variables; raises BadSetting."""
    folder = state_dir or environ.get("AIF_AGENT_STATE_DIR") or _default_state_dir(environ)
    state = Path(folder).expanduser().resolve()
    driver = environ.get("AIF_SANDBOX_DRIVER", "auto")
    if driver not in DRIVERS:
        raise BadSetting(f"AIF_SANDBOX_DRIVER={driver}: choose one of {', '.join(DRIVERS)}")
    root = environ.get("AIF_SANDBOX_ROOT")
    return Settings(
        state_dir=state,
        sandbox_root=Path(root).resolve() if root else _default_sandbox_root(state),
        node_name=environ.get("AIF_NODE_NAME") or socket.gethostname(),
        ssh_host=environ.get("AIF_SSH_HOST", "127.0.0.1"),
        driver=driver,
        slots=_number(environ, "AIF_SLOTS", 1, SLOT_UIDS),
        uid_base=_number(environ, "AIF_SLOT_UID_BASE", 1_000, 2**31 - SLOT_UIDS),
        apps_dir=Path(environ.get("AIF_APPS_DIR") or "/opt/aifactory/apps").resolve(),
        scratch_bytes=(_number(environ, "AIF_SCRATCH_MB", 32, 1_000_000) or 4_096) * 1024**2,
        telemetry_seconds=_number(environ, "AIF_TELEMETRY_SECONDS", 1, 300) or 5,
    )


def _default_state_dir(environ: Mapping[str, str]) -> str:
    data = environ.get("AIF_DATA_DIR")
    if data:
        return f"{data}/agent"
    if os.geteuid() == 0:
        return "/var/lib/aifactory/agent"
    return str(Path(environ.get("XDG_STATE_HOME", "~/.local/state")) / "aifactory/agent")


def _default_sandbox_root(state: Path) -> Path:
    """Beside the state when the slots' users can walk there, else under /var/lib."""
    if os.geteuid() != 0:
        return state / "sandbox-root"
    beside = state.with_name(f"{state.name}-sandboxes")
    above = [folder for folder in beside.parents if folder.exists()]
    if all(folder.stat().st_mode & 0o001 for folder in above):
        return beside
    return Path("/var/lib/aifactory") / f"sandboxes-{hashlib.sha256(str(state).encode()).hexdigest()[:8]}"


def _number(environ: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = environ.get(name)
    if not text:
        return None
    if not text.isdigit() or not least <= int(text) <= most:
        raise BadSetting(f"{name}={text}: a whole number from {least} to {most} is needed")
    return int(text)
