"""The apps that may be launched: every version that is kept, is signed by a publisher we trust, and reads as a manifest.

What is unsigned, altered or not understood is not an app: it is neither listed nor launched, and a line in the log says so.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from aifactory.domains.app_platform.app_manifest import AppManifest, BadManifest, read_manifest
from aifactory.domains.app_platform.parameters import Value
from aifactory.domains.app_platform.signing import is_signed
from aifactory.domains.app_platform.store import apps as store
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ParameterView:
    """One launch parameter, in JSON Schema's words; what does not apply is null."""

    type: str
    title: str = ""
    description: str = ""
    default: Value | None = None
    enum: list[str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    minLength: int | None = None
    maxLength: int | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class AppView:
    """One version of an app as anyone may see it. `versions`: all that can be launched, newest first."""

    name: str
    version: str
    versions: list[str]
    title: str
    summary: str
    publisher: str
    kind: str
    parameters: dict[str, ParameterView]
    required: list[str]
    memory_mb: int
    how_to_get: str
    autostop_minutes: int | None


async def every(tx: Tx) -> list[AppView]:
    """The newest version of each app, by name."""
    known = await _by_name(tx)
    return [_view(versions[0], versions) for _, versions in sorted(known.items())]


async def one(tx: Tx, name: str) -> AppView:
    """404 for an app that is not there, or whose every version is refused."""
    versions = (await _by_name(tx)).get(name)
    if not versions:
        raise not_found("app", name)
    return _view(versions[0], versions)


async def manifest(tx: Tx, name: str, version: str | None) -> AppManifest:
    """The manifest of this version, or of the newest; 404 when it cannot be launched."""
    for known in (await _by_name(tx)).get(name, []):
        if version in (None, known.version):
            return known
    raise not_found("app", name if version is None else f"{name} {version}")


async def _by_name(tx: Tx) -> dict[str, list[AppManifest]]:
    trusted = platform_control.app_publisher_keys()
    found: dict[str, list[AppManifest]] = {}
    for row in await store.newest_first(tx):
        read = _believed(row.name, row.version, row.manifest, row.signature, trusted)
        if read is not None:
            found.setdefault(read.name, []).append(read)
    return found


@lru_cache(maxsize=512)
def _believed(name: str, version: str, text: str, signature: str, trusted: tuple[bytes, ...]) -> AppManifest | None:
    if not is_signed(text, signature, trusted):
        log.error("app %s %s is refused: no trusted publisher signed this manifest", name, version)
        return None
    try:
        read = read_manifest(text)
    except BadManifest as error:
        log.error("app %s %s is refused: %s", name, version, error)
        return None
    if (read.name, read.version) != (name, version):
        log.error("app %s %s is refused: its manifest is of %s %s", name, version, read.name, read.version)
        return None
    return read


def _view(shown: AppManifest, versions: list[AppManifest]) -> AppView:
    properties: dict[str, Any] = msgspec.to_builtins(shown.parameters.properties)
    return AppView(
        name=shown.name,
        version=shown.version,
        versions=[each.version for each in versions],
        title=shown.title,
        summary=shown.summary,
        publisher=shown.publisher,
        kind=shown.kind,
        parameters={name: ParameterView(**known) for name, known in properties.items()},
        required=shown.parameters.required,
        memory_mb=shown.needs.memory_mb,
        how_to_get=shown.needs.how_to_get,
        autostop_minutes=shown.autostop_minutes,
    )
