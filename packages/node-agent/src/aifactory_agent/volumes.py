"""Volumes of this node: kept over any number of sandboxes, one mounted user at a time, never deleted by a stop.

As root each volume is an ext4 image, so its size is enforced by the kernel and `df` tells the truth. Without root it
is a plain folder whose size nobody enforces, and the capability says so.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from aifactory_agent.host import mounts, processes
from aifactory_outpost import durable
from aifactory_protocol.inventory import VolumeDriver

ZEROS = bytes(1024 * 1024)


class VolumeBusy(Exception):
    """A sandbox has the volume mounted."""


class VolumeMissing(Exception):
    """There is no such volume on this node."""


class Volumes(Protocol):
    """What a sandbox and a task need of volumes, whatever keeps them."""

    capability: VolumeDriver

    def create(self, volume_id: str, size_bytes: int) -> None:
        """Make an empty volume; the same call again changes nothing."""

    def delete(self, volume_id: str) -> int:
        """Overwrite what it holds and remove it; returns the bytes overwritten. Raises VolumeBusy."""

    def attach(self, volume_id: str, point: Path, uid: int) -> None:
        """Make the volume's root appear at `point`, owned by `uid`. Raises VolumeMissing, VolumeBusy."""

    def detach(self, volume_id: str, point: Path) -> None:
        """Undo `attach`, with everything written to the disk; nothing to do is no error."""


class ImageVolumes:
    """One sparse ext4 image per volume, mounted through a loop device with nosuid and nodev."""

    capability = VolumeDriver(
        name="ext4-image",
        enforces_size=True,
        detail="an ext4 image per volume, loop-mounted nosuid,nodev on this node's disk",
    )

    def __init__(self, folder: Path) -> None:
        self._folder = durable.private_folder(folder)

    def create(self, volume_id: str, size_bytes: int) -> None:
        if not self._image(volume_id).exists():
            make_image(self._image(volume_id), size_bytes)

    def delete(self, volume_id: str) -> int:
        image = self._image(volume_id)
        leftover = image.with_name(f".{image.name}.making")
        leftover.unlink(missing_ok=True)
        if not image.exists():
            return 0
        if mounts.loop_devices_of(image):
            raise VolumeBusy(f"{volume_id} is mounted")
        erased = overwrite(image)
        durable.remove(image)
        return erased

    def attach(self, volume_id: str, point: Path, uid: int) -> None:
        image = self._image(volume_id)
        if not image.exists():
            raise VolumeMissing(f"{volume_id} is not on this node")
        if mounts.loop_devices_of(image):
            raise VolumeBusy(f"{volume_id} is mounted by another sandbox")
        point.mkdir(parents=True, exist_ok=True)
        mounts.mount_image(image, point)
        give_to(point, uid)

    def detach(self, volume_id: str, point: Path) -> None:
        if mounts.is_mounted(point):
            mounts.unmount(point)
            mounts.sync_file(self._image(volume_id))

    def _image(self, volume_id: str) -> Path:
        return self._folder / f"{volume_id}.img"


class FolderVolumes:
    """A plain folder per volume: for development without root."""

    capability = VolumeDriver(
        name="folder", enforces_size=False, detail="a plain folder: the size is recorded but not enforced (needs root)"
    )

    def __init__(self, folder: Path) -> None:
        self._folder = durable.private_folder(folder)

    def create(self, volume_id: str, size_bytes: int) -> None:
        (self._folder / volume_id).mkdir(mode=0o700, exist_ok=True)
        durable.sync_folder(self._folder)

    def delete(self, volume_id: str) -> int:
        if self._user(volume_id).exists():
            raise VolumeBusy(f"{volume_id} is mounted")
        erased = overwrite_tree(self._folder / volume_id)
        shutil.rmtree(self._folder / volume_id, ignore_errors=True)
        durable.sync_folder(self._folder)
        return erased

    def attach(self, volume_id: str, point: Path, uid: int) -> None:
        if not (self._folder / volume_id).is_dir():
            raise VolumeMissing(f"{volume_id} is not on this node")
        user = durable.read(self._user(volume_id))
        if user is not None and user.decode() != str(point):
            raise VolumeBusy(f"{volume_id} is mounted by another sandbox")
        durable.write(self._user(volume_id), str(point).encode())
        point.parent.mkdir(parents=True, exist_ok=True)
        if not point.is_symlink():
            point.symlink_to(self._folder / volume_id)

    def detach(self, volume_id: str, point: Path) -> None:
        point.unlink(missing_ok=True)
        os.sync()
        if durable.read(self._user(volume_id)) == str(point).encode():
            durable.remove(self._user(volume_id))

    def _user(self, volume_id: str) -> Path:
        return self._folder / f".{volume_id}.user"


def volumes_in(folder: Path) -> Volumes:
    """Images where this machine lets us mount them, else folders."""
    can_mount = os.geteuid() == 0 and Path("/dev/loop-control").exists() and shutil.which("mkfs.ext4")
    return ImageVolumes(folder) if can_mount else FolderVolumes(folder)


def make_image(image: Path, size_bytes: int) -> None:
    """A sparse ext4 image of this size, complete under its name or not there at all."""
    making = image.with_name(f".{image.name}.making")
    with making.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate(size_bytes)
    options = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1"]
    processes.run(["mkfs.ext4", *options, str(making)], timeout_seconds=300)
    mounts.sync_file(making)
    making.replace(image)
    durable.sync_folder(image.parent)


def give_to(root: Path, uid: int) -> None:
    """Make everything below belong to `uid`. The root comes last: it tells that the walk once came to its end."""
    if root.stat().st_uid == uid:
        return
    for _, folders, files, place in os.fwalk(root, follow_symlinks=False):
        for name in folders + files:
            os.chown(name, uid, uid, dir_fd=place, follow_symlinks=False)
    os.chown(root, uid, uid)
    root.chmod(0o700)


def overwrite(file: Path) -> int:
    """Write zeros over every allocated byte and wait for the disk; returns how many bytes."""
    done = 0
    descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    try:
        for start, end in _extents(descriptor):
            length = end - start
            os.lseek(descriptor, start, os.SEEK_SET)
            while start < end:
                start += os.write(descriptor, ZEROS[: min(len(ZEROS), end - start)])
            done += length
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return done


def overwrite_tree(root: Path) -> int:
    """Overwrite every plain file below that has no other name elsewhere."""
    done = 0
    for place, _, files in os.walk(root):
        for name in files:
            path = Path(place) / name
            if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
                done += overwrite(path)
    return done


def _extents(descriptor: int) -> list[tuple[int, int]]:
    size, position, found = os.fstat(descriptor).st_size, 0, []
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            break
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        found.append((start, position))
    return found
