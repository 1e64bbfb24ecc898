"""What an app is: its manifest, as its publisher wrote and signed it. Pure: text in, a typed manifest out."""

from typing import Literal

import msgspec

from aifactory.domains.app_platform.parameters import ParameterSchema

MAX_MANIFEST_BYTES = 32_768


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a web app is met: it listens on the unix socket that `{socket}` in its command names."""

    listen: Literal["unix"]
    health_path: str = "/"


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be there: memory of the allocation, and programs on the node, at these paths inside the sandbox."""

    memory_mb: int = 0
    programs: list[str] = []
    how_to_get: str = ""


class AppManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of an app. `command` and `environment` may name parameters in braces, and `{socket}`, `{home}`.

    `autostop_minutes`: how long a web app may be idle before it is stopped when its launch does not say; None: for ever.
    """

    schema: Literal[1]
    name: str
    version: str
    title: str
    summary: str
    publisher: str
    kind: Literal["web", "batch"]
    command: list[str]
    parameters: ParameterSchema
    environment: dict[str, str] = {}
    web: Web | None = None
    needs: Needs = Needs()
    autostop_minutes: int | None = None


class BadManifest(ValueError):
    """The text is not a manifest that this release understands."""


def read_manifest(text: str) -> AppManifest:
    """Raises BadManifest with the reason."""
    if len(text.encode()) > MAX_MANIFEST_BYTES:
        raise BadManifest(f"a manifest has at most {MAX_MANIFEST_BYTES} bytes")
    try:
        manifest = msgspec.json.decode(text, type=AppManifest)
    except msgspec.MsgspecError as error:
        raise BadManifest(str(error)) from error
    if (manifest.kind == "web") != (manifest.web is not None):
        raise BadManifest("a web app, and only a web app, says how it is met")
    if not manifest.command:
        raise BadManifest("there is no command")
    return manifest
