"""How to reach an allocation by SSH with its host key pinned from the API: no question is ever asked."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

from aifactory_cli.failure import Exit, Failure
from aifactory_cli.profiles import directory, write_private

SAFE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
HOST_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+")
KEPT_FILES = 500


def ssh_command(allocation: dict[str, Any], identity: str | None, program: str = "ssh") -> list[str]:
    """The full ssh command line up to the destination. Writes the pinned key where ssh will look for it."""
    target = (allocation.get("access") or {}).get("ssh")
    if not target:
        raise _no_access(allocation)
    alias = str(allocation["id"])
    host, user = str(target.get("host")), str(target.get("user"))
    host_key = " ".join(str(target.get("host_key") or "").split()[:2])
    # What comes from the network must not be able to look like an option or a second line.
    if not (SAFE_WORD.fullmatch(alias) and SAFE_WORD.fullmatch(host) and SAFE_WORD.fullmatch(user)):
        raise _unusable("host, user or id holds characters that no such name has")
    if not HOST_KEY.fullmatch(host_key):
        raise _unusable("it names no host key, and without one the other side could be anyone")
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(_pin(alias, host_key)),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": alias,
        "UpdateHostKeys": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "LogLevel": "ERROR",
    }
    words = [program]
    for name, value in options.items():
        words += ["-o", f'{name}="{value}"' if " " in value else f"{name}={value}"]
    chosen = identity or remembered_identity(alias)
    if chosen:
        words += ["-i", chosen]
    return [*words, "-p", str(int(target.get("port") or 22)), "-l", user, host]


def remember_identity(allocation_id: str, private_key: Path) -> None:
    """Notes which private key opens an allocation, so that `aif ssh` needs no -i."""
    write_private(_known() / f"{allocation_id}.identity", str(private_key) + "\n")
    _prune()


def remembered_identity(allocation_id: str) -> str | None:
    try:
        path = (_known() / f"{allocation_id}.identity").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return path if path and Path(path).exists() else None


def _pin(alias: str, host_key: str) -> Path:
    path = _known() / alias
    line = f"{alias} {host_key}\n"
    try:
        if path.read_text(encoding="utf-8") == line:
            return path
    except OSError:
        pass
    write_private(path, line)
    return path


def _known() -> Path:
    return directory() / "known_hosts"


def _prune() -> None:
    """Keeps the newest files: allocations come and go, the directory must not grow for ever."""
    try:
        with os.scandir(_known()) as entries:
            files = sorted(
                (entry for entry in entries if stat.S_ISREG(entry.stat().st_mode)), key=lambda e: e.stat().st_mtime
            )
        for entry in files[:-KEPT_FILES]:
            Path(entry.path).unlink(missing_ok=True)
    except OSError:
        return


def _no_access(allocation: dict[str, Any]) -> Failure:
    state = allocation.get("state")
    title = f"{allocation.get('name') or allocation.get('id')} cannot be reached: it is {state}"
    waiting = state in ("requested", "placing", "preparing", "starting", "verifying")
    todo = "Wait until it is active: `aif ssh --wait …`." if waiting else "Create another: `aif allocations create`."
    return Failure(Exit.REFUSED, "not_active", title, "", todo)


def _unusable(detail: str) -> Failure:
    todo = "Report it to the operator of the platform."
    return Failure(Exit.UNEXPECTED, "unusable_access", "The access the host gave cannot be used", detail, todo)
