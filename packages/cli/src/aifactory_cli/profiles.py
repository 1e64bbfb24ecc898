"""Where the CLI keeps what it knows: profiles in config.json, sign-ins in credentials.json (mode 0600).

Both live in $XDG_CONFIG_HOME/aifactory (default ~/.config/aifactory). AIF_HOST, AIF_TOKEN, AIF_PROFILE, AIF_TENANT
and AIF_PROJECT win over the files. A sign-in is kept per profile *and* host, so a token is never sent to another host.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aifactory_cli.failure import Exit, Failure, usage

DEFAULT_HOST = "http://127.0.0.1:8042"
DEFAULT_PROFILE = "default"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Profile:
    """What one command works with, after flags, environment and files were weighed."""

    name: str
    host: str
    token: str | None
    tenant_id: str | None
    project_id: str | None
    email: str | None = None
    expires_at: str | None = None


def directory() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "aifactory"


def normalized_host(text: str) -> str:
    """`https://name[:port]` without path; refuses what could leak a token or never work."""
    candidate = text.strip().rstrip("/")
    if "://" not in candidate:
        candidate = "http://" + candidate if is_loopback(candidate.rsplit(":", 1)[0]) else "https://" + candidate
    try:
        parts = urlsplit(candidate)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.path and not parts.username
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise usage("host", f"{text!r} is not a host", "Write it like https://factory.example.com.", "invalid_host")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise usage("host", f"{candidate} would send your token unencrypted", "Use https.", "plain_http_refused")
    return candidate


def load(profile_option: str | None, host_option: str | None) -> Profile:
    config = _read("config.json")
    name = profile_option or os.environ.get("AIF_PROFILE") or config.get("current") or DEFAULT_PROFILE
    settings = config.get("profiles", {}).get(name, {})
    host = normalized_host(host_option or os.environ.get("AIF_HOST") or settings.get("host") or DEFAULT_HOST)
    same_host = settings.get("host") in (None, host)
    login = _read("credentials.json").get(name, {}).get(host, {})
    return Profile(
        name=name,
        host=host,
        token=os.environ.get("AIF_TOKEN") or login.get("token"),
        tenant_id=os.environ.get("AIF_TENANT") or (settings.get("tenant_id") if same_host else None),
        project_id=os.environ.get("AIF_PROJECT") or (settings.get("project_id") if same_host else None),
        email=login.get("email"),
        expires_at=login.get("expires_at"),
    )


def names() -> list[str]:
    """All profiles ever used, by settings or sign-in."""
    return sorted({DEFAULT_PROFILE, *_read("config.json").get("profiles", {}), *_read("credentials.json")})


def save_settings(name: str, changes: dict[str, str | None], *, make_current: bool = True) -> None:
    """Sets (or with None removes) host, tenant_id, project_id of profile `name`; the first profile becomes current."""
    config = _read("config.json")
    settings = config.setdefault("profiles", {}).setdefault(name, {})
    settings.update(changes)
    config["profiles"][name] = {key: value for key, value in settings.items() if value is not None}
    if make_current or "current" not in config:
        config["current"] = name
    _write("config.json", config)


def save_login(name: str, host: str, login: dict[str, Any]) -> None:
    credentials = _read("credentials.json")
    kept = {key: login.get(key) for key in ("token", "expires_at", "email", "tenant_id")}
    credentials.setdefault(name, {})[host] = kept
    _write("credentials.json", credentials)


def gateway_key(name: str, host: str) -> dict[str, Any]:
    """`secret` and `expires_at` of the key with which this sign-in calls models; empty when none was made."""
    kept = _read("credentials.json").get(name, {}).get(host, {}).get("gateway_key")
    return kept if isinstance(kept, dict) else {}


def save_gateway_key(name: str, host: str, key: dict[str, Any]) -> None:
    """Ends with the sign-in: it is forgotten when one signs out, or in as somebody else."""
    credentials = _read("credentials.json")
    kept = {member: key.get(member) for member in ("id", "secret", "expires_at")}
    credentials.setdefault(name, {}).setdefault(host, {})["gateway_key"] = kept
    _write("credentials.json", credentials)


def forget_login(name: str, host: str) -> bool:
    credentials = _read("credentials.json")
    known = credentials.get(name, {}).pop(host, None)
    if known is not None:
        _write("credentials.json", credentials)
    return known is not None


def write_private(path: Path, text: str) -> None:
    """Replaces `path` in one step; readable by its owner only, from its first byte on."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        todo = "Make the directory writable or point XDG_CONFIG_HOME elsewhere."
        raise Failure(Exit.UNEXPECTED, "config_unwritable", f"Cannot write {path}", str(error), todo) from None


def _read(file_name: str) -> dict[str, Any]:
    path = directory() / file_name
    try:
        if file_name == "credentials.json" and path.stat().st_mode & 0o077:
            with contextlib.suppress(OSError):
                path.chmod(0o600)
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it does not hold an object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        todo = f"Repair it, or move it away and sign in again: {path}"
        raise Failure(Exit.USAGE, "config_unreadable", f"Cannot read {path}", str(error), todo) from None
    return found


def _write(file_name: str, content: dict[str, Any]) -> None:
    write_private(directory() / file_name, json.dumps(content, indent=2, sort_keys=True) + "\n")


def is_loopback(hostname: str) -> bool:
    return hostname.strip("[]") in LOOPBACK or hostname.endswith(".localhost") or hostname.startswith("127.")
