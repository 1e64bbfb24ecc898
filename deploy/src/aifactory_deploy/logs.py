"""One log file per process, appended to by the process itself, and cut when it grows: the newest two times the limit stay."""

import os
import shutil
from pathlib import Path

SIZE_LIMIT_BYTES = 16 * 1024 * 1024


def open_log(directory: Path, name: str) -> int:
    """A descriptor in append mode, so that cutting the file never leaves a hole."""
    return os.open(directory / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


def cut_long_logs(directory: Path, limit_bytes: int = SIZE_LIMIT_BYTES) -> None:
    for log in directory.glob("*.log"):
        if log.stat().st_size > limit_bytes:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def last_lines(directory: Path, name: str, count: int = 12, since_byte: int = 0) -> str:
    log = directory / f"{name}.log"
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(since_byte if since_byte <= size else 0, size - 64 * 1024))
        return "\n".join(file.read().decode(errors="replace").rstrip().splitlines()[-count:])
