"""What a gateway remembers over a restart: the last snapshot, how long it may be trusted, its leases and what was spent
on them. With it a gateway starts while the control plane is away, and spends no lease twice."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from aifactory_gateway.budget import Budgets
from aifactory_gateway.spool import Mark, Spool
from aifactory_outpost import durable
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

    def spend(self, lease_id: str, femtos: int) -> None:
        self.spent[lease_id] = self.spent.get(lease_id, 0) + femtos

    def forget(self, lease_ids: list[str]) -> None:
        """They were given back."""
        gone = set(lease_ids)
        self.leases = [lease for lease in self.leases if lease.id not in gone]
        for id in gone:
            self.spent.pop(id, None)

    def copied(self, at: Mark) -> Purse:
        """As it is now, whatever is spent later."""
        return Purse(list(self.leases), dict(self.spent), at)


class State:
    """Small files in `folder`, each replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        durable.private_folder(folder)
        self._known_file = folder / "snapshot.json"
        self._purse_file = folder / "purse.json"
        self._purse_lock = threading.Lock()
        self._kept_turn = 0

    def known(self) -> Known | None:
        return _read(self._known_file, Known)

    def keep_known(self, known: Known) -> None:
        durable.write(self._known_file, msgspec.json.encode(known))

    def keep_purse(self, purse: Purse, turn: int) -> None:
        """On the disk when this returns, it or a later one. `turn` counts a purse's changes from 1. From any thread: one
        that was overtaken on its way is not written over what came after it."""
        with self._purse_lock:
            if turn > self._kept_turn:
                durable.write(self._purse_file, msgspec.json.encode(purse))
                self._kept_turn = turn

    def restore(self, budgets: Budgets, spool: Spool) -> Purse:
        """The leases of the process before, each less what the spool says was spent on it since the purse was written."""
        purse = _read(self._purse_file, Purse) or Purse([], {}, spool.delivered)
        mark = purse.at
        while True:
            requests, mark = spool.since(mark, _PAGE)
            for one in requests:
                purse.spend(one.lease_id, one.femtos)
            if len(requests) < _PAGE:
                break
        purse.at = mark
        for lease in purse.leases:
            budgets.add(lease, purse.spent.get(lease.id, 0))
        return purse


def _read(path: Path, kind: type[T]) -> T | None:
    data = durable.read(path)
    return None if data is None else msgspec.json.decode(data, type=kind)
