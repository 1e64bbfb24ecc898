"""Reading what people give: volumes, labels, durations, key files, new objects' names. Refuses with the field."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from aifactory_cli.failure import usage

VOLUME = re.compile(r"(?P<name>[^:]+)(:(?P<size>\d+)\s*(gb?|gib?)?)?(:(?P<path>/.*))?", re.IGNORECASE)
VOLUME_ID = re.compile(r"vol_[0-9a-z]{26}")
DURATION = re.compile(r"(\d+)\s*([smhdw])")
DURATION_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
KEY_FILE_LIMIT_BYTES = 64 * 1024
PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)\S+ \S+")


def volume_of(given: str) -> dict[str, Any]:
    """`NAME:SIZE[:PATH]` for a new or existing volume, `NAME` or an id for an existing one. SIZE in GB."""
    match = VOLUME.fullmatch(given.strip())
    if match is None or (match["size"] is not None and int(match["size"]) < 1):
        todo = "Write NAME:SIZE in GB, like data:10, or data:10:/data, or the id of a volume."
        raise usage("volume", f"{given!r} does not say a volume", todo, "invalid_volume")
    volume: dict[str, Any] = {"id": match["name"]} if VOLUME_ID.fullmatch(match["name"]) else {"name": match["name"]}
    if match["size"]:
        volume["size_gb"] = int(match["size"])
    if match["path"]:
        volume["mount_path"] = match["path"]
    return volume


def labels_of(given: tuple[str, ...]) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise usage("label", f"{text!r} is not a label", "Write KEY=VALUE.", "invalid_label")
        labels[key] = value
    return labels or None


def public_key_of(path_text: str) -> tuple[str, Path | None]:
    """The public key in or beside the file, and the private key's path where it is there. Never sends a private key."""
    path = Path(path_text).expanduser()
    try:
        beside = path.with_name(path.name + ".pub")
        source = path if path.suffix == ".pub" or not beside.exists() else beside
        if source.stat().st_size > KEY_FILE_LIMIT_BYTES:
            raise usage("ssh_key", f"{source} is too large for a key", "Name a key file.", "invalid_ssh_key")
        content = source.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        todo = "Make one with `ssh-keygen -t ed25519`, and name its file."
        reason = getattr(error, "strerror", None) or "it is not text"
        raise usage("ssh_key", f"Cannot read the key {path}: {reason}", todo, "ssh_key_unreadable") from None
    if content.startswith("-----BEGIN") and "PRIVATE KEY" in content.splitlines()[0]:
        content = _public_from_private(source)
    first = content.splitlines()[0] if content else ""
    if not PUBLIC_KEY.match(first):
        todo = "Name a file made by ssh-keygen, like ~/.ssh/id_ed25519.pub."
        raise usage("ssh_key", f"{source} holds no SSH public key", todo, "invalid_ssh_key")
    private = source.with_suffix("") if source.suffix == ".pub" else source
    return first, private.absolute() if private.exists() else None


def _public_from_private(path: Path) -> str:
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(path)]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        found = None
    if found is None or found.returncode != 0:
        todo = f"Name the public half: write it with `ssh-keygen -y -f {path} > {path}.pub`."
        raise usage("ssh_key", f"{path} is a private key without {path.name}.pub", todo, "ssh_key_unreadable")
    return found.stdout.strip()


def expiry_of(given: str | None) -> str | None:
    """`30d`, `12h` from now, or an RFC 3339 instant, as RFC 3339 in UTC."""
    if given is None:
        return None
    match = DURATION.fullmatch(given.strip())
    try:
        if match:
            after = timedelta(seconds=int(match[1]) * DURATION_SECONDS[match[2]])
            return (datetime.now(UTC) + after).isoformat(timespec="seconds")
        return datetime.fromisoformat(given).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        todo = "Write a duration like 30d or 12h, or an instant like 2027-01-31T12:00:00Z."
        raise usage("expires", f"{given!r} is not a time", todo, "invalid_time") from None


def instant_ago(given: str, field: str) -> str:
    """`6h`, `30m` before now as RFC 3339 in UTC."""
    match = DURATION.fullmatch(given.strip())
    if match is None:
        raise usage(field, f"{given!r} is not a duration", "Write a duration like 30m or 6h.", "invalid_time")
    try:
        before = timedelta(seconds=int(match[1]) * DURATION_SECONDS[match[2]])
        return (datetime.now(UTC) - before).isoformat(timespec="seconds")
    except OverflowError:
        raise usage(field, f"{given!r} is too long ago", "Write a duration like 6h.", "invalid_time") from None


def one_name(argument: str | None, option: str | None, what: str) -> str:
    """The name of a new object, given as argument or as --name."""
    if argument and option and argument != option:
        raise click.UsageError(f"Name the {what} once: as NAME or with --name.")
    name = argument or option
    if not name:
        raise click.UsageError(f"Missing argument 'NAME': what shall the {what} be called?")
    return name
