"""Where a tenant may have a volume appear: never over anything the sandbox itself needs."""

from __future__ import annotations

from pathlib import PurePosixPath

ALLOWED_TOPS = frozenset({"volumes", "data", "mnt", "srv", "workspace", "scratch", "models", "home"})


class BadMountPath(ValueError):
    """A volume cannot be mounted there."""


def check(paths: list[str]) -> None:
    """Raises BadMountPath unless all paths are plain, allowed and apart from one another."""
    seen: list[PurePosixPath] = []
    for text in paths:
        path = PurePosixPath(text)
        if str(path) != text or ".." in path.parts or len(path.parts) < 2:
            raise BadMountPath(f"{text} is not a plain absolute path")
        if path.parts[1] not in ALLOWED_TOPS:
            raise BadMountPath(f"{text}: volumes go below {', '.join(f'/{top}' for top in sorted(ALLOWED_TOPS))}")
        if path.parts[1] == "home" and (path.parts[:3] != ("/", "home", "tenant") or len(path.parts) < 4):
            raise BadMountPath(f"{text}: below /home only folders of /home/tenant can be volumes")
        for other in seen:
            if path == other or path in other.parents or other in path.parents:
                raise BadMountPath(f"{text} and {other} lie in one another")
        seen.append(path)
