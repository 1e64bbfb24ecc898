"""What the node must remember about its sandboxes: written before the effect, so that a crash finds it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from aifactory_outpost import durable
from aifactory_protocol.tasks import SandboxReport, SandboxStart

SandboxState = Literal["starting", "running", "exited", "stopping", "stopped"]
_SAFE_NAME = re.compile(r"[a-z][a-z0-9]{0,15}_[A-Za-z0-9-]{1,64}")


class SandboxRecord(Struct, frozen=True):
    """One sandbox. `pid` and `pid_started` (clock ticks since boot) name its outermost process together."""

    allocation_id: str
    slot_index: int
    uid: int
    generation: int
    state: SandboxState
    driver: str
    args: SandboxStart
    updated_at: datetime
    boot_id: str = ""
    pid: int = 0
    pid_started: int = 0
    cgroups: list[str] = []
    port: int = 0
    host_key: str = ""
    started_at: datetime | None = None

    def report(self) -> SandboxReport:
        """What a poll says about this sandbox."""
        return SandboxReport(self.allocation_id, self.slot_index, self.generation, self.state == "running")

    def changed(self, **changes: object) -> SandboxRecord:
        """The same sandbox with these fields changed."""
        return msgspec.structs.replace(self, **changes)


class Records:
    """The folder of sandbox records; one file each, durable before `save` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = durable.private_folder(folder)

    def save(self, record: SandboxRecord) -> SandboxRecord:
        """Remember the record as it is now."""
        durable.write(self._path(record.allocation_id), msgspec.json.encode(record))
        return record

    def find(self, allocation_id: str) -> SandboxRecord | None:
        """The record of this allocation, if the node ever had it and has not forgotten it."""
        data = durable.read(self._path(allocation_id))
        return msgspec.json.decode(data, type=SandboxRecord) if data is not None else None

    def every(self) -> list[SandboxRecord]:
        """All records, oldest change first; a file that cannot be read stops the agent rather than being lost."""
        files = sorted(self._folder.glob("*.json"))
        records = [msgspec.json.decode(file.read_bytes(), type=SandboxRecord) for file in files]
        return sorted(records, key=lambda record: record.updated_at)

    def on_slot(self, slot_index: int) -> list[SandboxRecord]:
        """Records of this slot that are not stopped."""
        return [record for record in self.every() if record.slot_index == slot_index and record.state != "stopped"]

    def forget(self, allocation_id: str) -> None:
        """Remove the record."""
        durable.remove(self._path(allocation_id))

    def forget_stopped_before(self, instant: datetime) -> None:
        """Drop tombstones that are older than any task can live."""
        for record in self.every():
            if record.state == "stopped" and record.updated_at < instant:
                self.forget(record.allocation_id)

    def _path(self, allocation_id: str) -> Path:
        if not _SAFE_NAME.fullmatch(allocation_id):
            raise ValueError(f"{allocation_id!r} is not an allocation id")
        return self._folder / f"{allocation_id}.json"
