"""The door's own copy of what it runs on, so that a sandbox sees neither the agent nor its virtual environment.

Doors outlive the agent and upgrades of it: a copy under a name of its content stays as it was when they started.
"""

from __future__ import annotations

import compileall
import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from aifactory_agent.sandboxes.ports import DoorRuntime

MODULES = ("asyncssh", "cryptography", "_cffi_backend", "typing_extensions")
OWN = ("__init__.py", "door")


class NoRuntime(Exception):
    """No Python interpreter that a sandbox could run was found."""


def prepare(folder: Path) -> DoorRuntime:
    """The runtime below `folder`, copied if this content is not there yet. Takes about a second the first time."""
    python, prefix = _interpreter()
    sources = _sources()
    target = folder / f"door-{_content_name(sources)}"
    if not target.exists():
        _copy(sources, target)
    return DoorRuntime(python, prefix, target)


def _interpreter() -> tuple[Path, Path | None]:
    """Our own base interpreter when other users can run it, else the system's of the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix).resolve()
    own = base / "bin" / version
    if base == Path("/usr") or not own.exists() or not _open_to_all(own):
        system = Path("/usr/bin") / version
        if system.exists():
            return system, None
        raise NoRuntime(f"sandboxes need {version} in /usr/bin, or an interpreter that every user may run, not {own}")
    return own, None if base.is_relative_to("/usr") else base


def _open_to_all(path: Path) -> bool:
    return os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _sources() -> list[tuple[Path, str]]:
    """Files and folders to copy, with their place in the copy."""
    here = Path(__file__).parent
    found = [(here / name, f"aifactory_agent/{name}") for name in OWN]
    for name in MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        found.append((source, source.name))
    return found


def _content_name(sources: list[tuple[Path, str]]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for source, place in sources:
        files = sorted(file for file in source.rglob("*") if _wanted(file)) if source.is_dir() else [source]
        for file in files:
            stat = file.stat()
            digest.update(f"{place}/{file.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _wanted(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts and "tests" not in file.parts


def _copy(sources: list[tuple[Path, str]], target: Path) -> None:
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    skip = shutil.ignore_patterns("__pycache__", "tests", "*.pyi")
    for source, place in sources:
        aim = making / place
        aim.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, aim, ignore=skip)
        else:
            shutil.copy2(source, aim)
    compileall.compile_dir(making, quiet=2, invalidation_mode=None)
    for path in [making, *making.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    making.rename(target)
