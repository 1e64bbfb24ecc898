"""The mount table, and mounting with limits: nothing of a tenant's is ever mounted with set-uid files or devices."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from aifactory_agent.host import processes

_ESCAPE = re.compile(r"\\([0-7]{3})")


def mount_points() -> list[Path]:
    """Every mount point this process sees, in the order of mounting."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        points.append(_plain(line.split()[4]))
    return points


def under(folder: Path) -> list[Path]:
    """Mount points at or below the folder, innermost and newest first: the order in which they can be unmounted."""
    return [point for point in reversed(mount_points()) if point == folder or folder in point.parents]


def device_numbers(folder: Path) -> set[str]:
    """The disks, like `7:0`, of the file systems mounted at or below the folder."""
    lines = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    points = under(folder)
    return {fields[2] for fields in lines if _plain(fields[4]) in points}


def _plain(field: str) -> Path:
    return Path(_ESCAPE.sub(lambda found: chr(int(found.group(1), 8)), field))


def is_mounted(point: Path) -> bool:
    """Whether something is mounted exactly there."""
    return point in mount_points()


def mount_image(image: Path, point: Path) -> None:
    """Mount a file system image through a loop device that disappears with the mount."""
    processes.run(["mount", "-t", "ext4", "-o", "loop,nosuid,nodev,noatime", str(image), str(point)])


def bind(source: Path, point: Path) -> None:
    """Show a folder at a second place, without set-uid files and devices."""
    processes.run(["mount", "--bind", str(source), str(point)])
    processes.run(["mount", "-o", "remount,bind,nosuid,nodev", str(point)])


def unmount(point: Path, timeout_seconds: float = 10) -> None:
    """Unmount cleanly, waiting for the last user to let go; never lazily. Raises CommandFailed."""
    deadline = time.monotonic() + timeout_seconds
    while is_mounted(point):
        try:
            processes.run(["umount", str(point)])
        except processes.CommandFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def loop_devices_of(image: Path) -> list[str]:
    """Loop devices that still hold this image."""
    said = processes.run(["losetup", "-n", "-O", "NAME", "-j", str(image)])
    return said.split()


def sync_file(path: Path) -> None:
    """Wait until the file's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
