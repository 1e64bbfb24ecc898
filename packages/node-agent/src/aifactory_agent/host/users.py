"""One Linux user id per slot, from a block that no other agent on this machine uses."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.settings import SLOT_UIDS, Settings
from aifactory_outpost import durable

FIRST_UID = 200_000
BLOCKS = 64
REGISTRY = Path("/var/lib/aifactory-uids")
SUBUID = Path("/etc/subuid")


def uid_base(settings: Settings) -> int:
    """The user id of slot 0: as told, else the first block free on this machine, remembered for ever.

    Without root there is only one user: our own, for every slot.
    """
    if os.geteuid() != 0:
        return os.geteuid()
    if settings.uid_base is not None:
        return settings.uid_base
    kept = settings.state_dir / "uid_base"
    known = durable.read(kept)
    if known is not None:
        return int(known)
    base = _claim_block(settings.state_dir)
    durable.write(kept, str(base).encode())
    return base


def uid_of_slot(base: int, slot_index: int) -> int:
    """The slot's user id."""
    return base if os.geteuid() != 0 else base + slot_index


def _claim_block(owner: Path) -> int:
    """Take the first block that is nobody's: without an owner whose state folder exists, without processes, and not
    delegated to some user's containers. What runs as a slot's user is the agent's to end, so it must be the agent's."""
    durable.private_folder(REGISTRY)
    with (REGISTRY / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(BLOCKS):
            entry = REGISTRY / str(number)
            text = durable.read(entry)
            base = FIRST_UID + number * SLOT_UIDS
            known = text.decode() if text is not None else ""
            if known != str(owner) and ((known and Path(known).exists()) or _in_use(base) or _is_delegated(base)):
                continue
            durable.write(entry, str(owner).encode())
            return base
    raise RuntimeError(f"all {BLOCKS} blocks of slot users on this machine are taken, see {REGISTRY}")


def _is_delegated(base: int) -> bool:
    """Whether any user may map user ids of this block into containers of their own (subuid(5))."""
    lines = SUBUID.read_text().splitlines() if SUBUID.exists() else []
    ranges = (fields[1:] for line in lines if len(fields := line.split(":")) == 3)
    return any(
        int(start) < base + SLOT_UIDS and base < int(start) + int(count)
        for start, count in ranges
        if start.isdigit() and count.isdigit()
    )


def _in_use(base: int) -> bool:
    return any(base <= uid < base + SLOT_UIDS for pid in processes.everyone() for uid in processes.users(pid))
