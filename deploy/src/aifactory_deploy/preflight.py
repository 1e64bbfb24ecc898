"""What is checked before anything is started, so that a known trouble is said at once and nothing is left half-made."""

import shutil
from pathlib import Path

from aifactory_deploy.refusal import Exit, Refusal

FIRST_START_BYTES = 400 * 1024 * 1024  # a new database with its first log segments, and room to work
LATER_START_BYTES = 64 * 1024 * 1024


def check_disk(data_dir: Path, *, first: bool) -> None:
    needed = FIRST_START_BYTES if first else LATER_START_BYTES
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise disk_full(data_dir, f" has {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB are needed")


def disk_full(data_dir: Path, how: str = "") -> Refusal:
    return Refusal(
        Exit.DISK_FULL,
        f"The disk is full: {data_dir}{how}.",
        "Free some space, or choose a place on another disk: --data-dir DIR",
    )
