"""Sandboxes in networks: wanted, applied, read back. What is wanted is written first, so that a crash is mended by the start."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from aifactory_agent.networks.router import Router
from aifactory_agent.networks.ruleset import Attachment, expected, host_table, router_table
from aifactory_outpost import durable
from aifactory_protocol.tasks import NetworkApply

_COMMENT = re.compile(r'comment "([^"]+)"')


class NotApplied(Exception):
    """The kernel does not hold what was loaded."""


class Networks:
    """The node's networks. One router for all; the whole of the rules is loaded at every change, in one transaction."""

    def __init__(self, folder: Path, router: Router) -> None:
        self._folder = durable.private_folder(folder)
        self._router = router
        self._alone = threading.Lock()

    def apply(self, slot_index: int, generation: int, wish: NetworkApply, pid: int) -> list[str]:
        """Let exactly this pass, for the sandbox of this process; returns the rules as the kernel lists them."""
        one = Attachment(wish.allocation_id, slot_index, generation, wish)
        with self._alone:
            durable.write(self._path(wish.allocation_id), msgspec.json.encode(one))
            self._load()
            self._router.connect(slot_index, pid, wish.address)
            return self._read_back(one)

    def forget(self, allocation_id: str) -> None:
        """The sandbox has ended: its leg and its rules go."""
        with self._alone:
            data = durable.read(self._path(allocation_id))
            if data is None:
                return
            one = msgspec.json.decode(data, type=Attachment)
            durable.remove(self._path(allocation_id))
            if self._router.exists():
                self._router.disconnect(one.slot_index)
                self._load()

    def mend(self, running: Mapping[str, int]) -> None:
        """After a start: what was wanted for sandboxes that run (allocation → a process of it) holds, all else is gone."""
        with self._alone:
            for one in self._wanted():
                if one.allocation_id not in running:
                    durable.remove(self._path(one.allocation_id))
            wanted = self._wanted()
            if not wanted and not self._router.exists():
                return
            self._load()
            for slot_index in self._router.legs() - {one.slot_index for one in wanted}:
                self._router.disconnect(slot_index)
            for one in wanted:
                self._router.connect(one.slot_index, running[one.allocation_id], one.wish.address)

    def remove(self) -> None:
        """Nothing of it stays on the machine."""
        with self._alone:
            for one in self._wanted():
                durable.remove(self._path(one.allocation_id))
            self._router.remove()

    def _load(self) -> None:
        wanted = self._wanted()
        self._router.make()
        for_us_alone = self._router.forward_on_host()
        self._router.load_inside(router_table(wanted))
        ports = [port.host_port for one in wanted for port in one.wish.ports]
        self._router.load_on_host(host_table(self._router.uplink, ports, forwards_for_us_alone=for_us_alone))

    def _read_back(self, one: Attachment) -> list[str]:
        lines = self._router.rules_of(one.slot_index)
        found = sorted(match.group(1) for line in lines if (match := _COMMENT.search(line)))
        if found != expected(one):
            raise NotApplied(f"the kernel lists {found} instead of {expected(one)}"[:1_000])
        return lines

    def _wanted(self) -> list[Attachment]:
        files = sorted(self._folder.glob("*.json"))
        return [msgspec.json.decode(file.read_bytes(), type=Attachment) for file in files]

    def _path(self, allocation_id: str) -> Path:
        return self._folder / f"{allocation_id}.json"
