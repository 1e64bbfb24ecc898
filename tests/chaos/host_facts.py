"""What really is on this machine, read from /proc and the disk: nothing here asks the platform."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

MARKER = b"AIF_SANDBOX="


@dataclass(frozen=True)
class HostFacts:
    """The traces that a node's sandboxes leave on the host, by allocation id."""

    state_dir: Path

    @property
    def roots(self) -> list[Path]:
        """Where sandboxes may have their files: beside the agent's state, or under /var/lib."""
        mark = self._mark()
        return [
            self.state_dir.with_name(f"{self.state_dir.name}-sandboxes"),
            Path(f"/var/lib/aifactory/sandboxes-{mark}"),
        ]

    def processes(self) -> dict[str, set[int]]:
        """Allocation id → processes that carry its mark in their environment."""
        found: dict[str, set[int]] = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                entries = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for entry in entries:
                if entry.startswith(MARKER):
                    folder = Path(os.fsdecode(entry[len(MARKER) :]))
                    if folder.parent in self.roots:
                        found.setdefault(folder.name, set()).add(int(process.name))
        return found

    def mounts(self) -> list[str]:
        """Mount points below the sandboxes' folders, as the agent's own namespace sees them or ours."""
        lines = Path("/proc/self/mounts").read_text().splitlines()
        points = [line.split()[1] for line in lines]
        return sorted(point for point in points if any(Path(point).is_relative_to(root) for root in self.roots))

    def groups(self) -> dict[str, list[Path]]:
        """Allocation id → its control groups."""
        found: dict[str, list[Path]] = {}
        name = f"aifactory-{self._mark()}"
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, mount, kind, *_ = line.split()
            if kind not in ("cgroup", "cgroup2"):
                continue
            for branch in [*Path(mount).glob(name), *Path(mount).glob(f"*/{name}"), *Path(mount).glob(f"*/*/{name}")]:
                for group in branch.iterdir():
                    if group.is_dir() and group.name.startswith("alloc_"):
                        found.setdefault(group.name, []).append(group)
        return found

    def folders(self) -> set[str]:
        """Allocation ids that have files of their own left."""
        entries = [entry.name for root in self.roots if root.is_dir() for entry in root.iterdir()]
        return {name for name in entries if name.startswith("alloc_")}

    def volume_images(self) -> set[str]:
        """Volume ids that take space on the disk."""
        folder = self.state_dir / "volumes"
        return {entry.name.removesuffix(".img") for entry in folder.iterdir()} if folder.is_dir() else set()

    def loop_devices(self) -> list[str]:
        """Files of this node that a loop device keeps open."""
        found = []
        for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                name = backing.read_text().strip()
            except OSError:
                continue
            if name.startswith(str(self.state_dir)):
                found.append(name)
        return sorted(found)

    def leaks(self) -> dict[str, object]:
        """Everything that may not be there when nothing runs; empty when all is clean."""
        found = {
            "processes": self.processes(), "mounts": self.mounts(), "groups": self.groups(), "folders": self.folders(),
            "loop devices": self.loop_devices(),
        }  # fmt: skip
        return {kind: what for kind, what in found.items() if what}

    def _mark(self) -> str:
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:8]


def speaks_ssh(host: str, port: int) -> bool:
    """Whether a door answers there."""
    try:
        with socket.create_connection((host, port), timeout=2) as visitor:
            visitor.settimeout(2)
            return visitor.recv(8).startswith(b"SSH-2.0")
    except OSError:
        return False
