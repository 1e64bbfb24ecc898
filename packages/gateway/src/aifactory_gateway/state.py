"""What a gateway remembers over a restart: the last snapshot, how long it may be trusted, its leases and what was spent
on them. With it a gateway starts while the control plane is away, and spends no lease twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from aifactory_gateway.budget import Budgets
from aifactory_gateway.spool import Mark, Spool
from aifactory_protocol.gateway import Lease, Snapshot

_PAGE = 1_000
T = TypeVar("T")


class Known(Struct):
    """`trusted_until` in Unix seconds."""

    snapshot: Snapshot
    trusted_until: float


class Purse(Struct):
    """`spent` femtos by lease, of everything in the spool before `at`."""

    leases: list[Lease]
    spent: dict[str, int]
    at: Mark


class State:
    """Small files in `folder`, each replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known_file = folder / "snapshot.json"
        self._purse_file = folder / "purse.json"

    def known(self) -> Known | None:
        return _read(self._known_file, Known)

    def keep_known(self, known: Known) -> None:
        _write(self._known_file, known)

    def keep_purse(self, purse: Purse) -> None:
        _write(self._purse_file, purse)

    def restore(self, budgets: Budgets, spool: Spool) -> Purse:
        """The leases of the process before, each less what the spool says was spent on it since the purse was written."""
        purse = _read(self._purse_file, Purse) or Purse([], {}, spool.delivered)
        mark = purse.at
        while True:
            requests, mark = spool.since(mark, _PAGE)
            for one in requests:
                purse.spent[one.lease_id] = purse.spent.get(one.lease_id, 0) + one.femtos
            if len(requests) < _PAGE:
                break
        purse.at = mark
        for lease in purse.leases:
            budgets.add(lease, purse.spent.get(lease.id, 0))
        return purse


def _read(path: Path, kind: type[T]) -> T | None:
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=kind)


def _write(path: Path, content: object) -> None:
    aside = path.with_suffix(".writing")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(msgspec.json.encode(content))
        while view:
            view = view[os.write(descriptor, view) :]
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(path)
