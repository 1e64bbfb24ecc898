"""Makes our code and data reachable for the service users when they lie below a private directory (mode 0700).

Nothing on the machine is changed: in a mount namespace of our own the private directory is covered by an empty one, and
only what the services need is put back at the same paths. Everything that we start inherits this view.
"""

import ctypes
import os
import shutil
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

from aifactory_deploy.refusal import Exit, Refusal

_CLONE_NEWNS = 0x00020000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_SLAVE = 0x80000  # later mounts of the machine reach us, ours never reach the machine
_EVERYONE_MAY_PASS = stat.S_IXOTH
_EVERYONE_MAY_READ = stat.S_IROTH
_MODULES = (
    "aifactory",
    "aifactory_protocol",
    "aifactory_outpost",
    "aifactory_agent",
    "aifactory_gateway",
    "aifactory_deploy",
    "aifactory_sim",
)
_libc = ctypes.CDLL(None, use_errno=True)


def make_reachable(data_dir: Path) -> None:
    """Call once, as root, before anything is started. Without need it does nothing."""
    sources = _source_folders()
    named = [data_dir, Path(sys.prefix), Path(sys.base_prefix), *sources]
    needed = _outermost([*named, *(place.resolve() for place in named)])
    copies = [place for place in needed if place in sources and not _readable(place)]
    covers = _outermost([cover for place in needed if (cover := _private_ancestor(place))])
    covers += [place for place in copies if not any(place.is_relative_to(cover) for cover in covers)]
    if not covers:
        return
    os.chdir("/")  # the place we were called from may disappear from view
    try:
        _own_mount_namespace()
        for cover in covers:
            _cover(cover, [place for place in needed if place.is_relative_to(cover)], copies)
    except OSError as error:
        raise Refusal(
            Exit.PATH_UNUSABLE,
            f"The services run as users of their own and cannot pass {covers[0]}, which is private; "
            f"mounts, which would solve that, are not possible here ({error.strerror}).",
            f"chmod o+x {covers[0]}, or move the checkout and the data directory to a place that others may pass.",
        ) from error


def _source_folders() -> list[Path]:
    """The folders that hold our packages: inside the environment when installed, in the checkout when editable."""
    specs = [find_spec(module) for module in _MODULES]
    return [Path(location).parent for spec in specs if spec for location in spec.submodule_search_locations or ()]


def _outermost(places: list[Path]) -> list[Path]:
    return [p for p in dict.fromkeys(places) if not any(p != other and p.is_relative_to(other) for other in places)]


def _private_ancestor(place: Path) -> Path | None:
    """The outermost directory above `place` that others may not pass."""
    for ancestor in reversed(place.parents):
        if not ancestor.stat().st_mode & _EVERYONE_MAY_PASS:
            return ancestor
    return None


def _readable(place: Path) -> bool:
    """False for a checkout made with a strict umask. A look at the first two levels tells."""
    if not place.stat().st_mode & _EVERYONE_MAY_PASS:
        return False
    return all(entry.stat().st_mode & _EVERYONE_MAY_READ for entry in place.iterdir())


def _own_mount_namespace() -> None:
    _check(_libc.unshare(_CLONE_NEWNS))
    _mount(None, "/", None, _MS_REC | _MS_SLAVE, None)


def _cover(cover: Path, places: list[Path], copies: list[Path]) -> None:
    held = {place: os.open(place, os.O_PATH | os.O_DIRECTORY) for place in places}
    _mount("tmpfs", str(cover), "tmpfs", 0, "mode=0755,size=256m")
    for place, descriptor in held.items():
        source = f"/proc/self/fd/{descriptor}"
        if place in copies:
            shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
            _open_to_everyone(place)
        else:
            place.mkdir(parents=True, exist_ok=True)
            _mount(source, str(place), None, _MS_BIND | _MS_REC, None)
        os.close(descriptor)


def _open_to_everyone(place: Path) -> None:
    for folder, _, files in os.walk(place):
        Path(folder).chmod(0o755)
        for name in files:
            (Path(folder) / name).chmod(0o644)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None) -> None:
    arguments = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), None if data is None else data.encode()))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
