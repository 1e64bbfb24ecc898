"""Each service has a system user of its own, so that none reads another's files. Without root everything is the caller's."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

GROUP = "aif"
SERVICES = ("postgres", "nats", "api", "worker", "sim", "objects", "valkey", "proxy", "gateway", "models")
# Used where no users can be added (a read-only /etc, no useradd): free numbers by Debian's policy.
FALLBACK_ID = 59100
_TOOLS = "/usr/sbin:/sbin:/usr/bin:/bin"


@dataclass(frozen=True)
class Account:
    """`name` is None when the number has no entry in the password file."""

    name: str | None
    uid: int
    gid: int


def service_accounts() -> dict[str, Account | None]:
    """Service name -> its account, made when missing; None for each when we are not root."""
    if os.geteuid() != 0:
        return dict.fromkeys(SERVICES)
    return {service: _known(service) or _add(service) or _numeric(service) for service in SERVICES}


def _known(service: str) -> Account | None:
    try:
        entry = pwd.getpwnam(f"aif-{service}")
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _add(service: str) -> Account | None:
    if not shutil.which("useradd", path=_TOOLS):
        return None
    _run("groupadd", "--system", "--force", GROUP)
    place = ("--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
    _run("useradd", "--system", "--gid", GROUP, *place, f"aif-{service}")
    return _known(service)


def _run(*command: str) -> None:
    subprocess.run(command, env={"PATH": _TOOLS}, capture_output=True, check=False)


def _numeric(service: str) -> Account:
    return Account(None, FALLBACK_ID + 1 + SERVICES.index(service), FALLBACK_ID)
