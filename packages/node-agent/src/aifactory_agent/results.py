"""Results of tasks: kept until acknowledged, and after that for as long as the same task may come again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from aifactory_outpost import durable
from aifactory_protocol.tasks import TaskResult

KEEP = timedelta(days=2)
MOST_ACKNOWLEDGED = 2_000
_SAFE_NAME = re.compile(r"[a-z][a-z0-9]{0,15}_[A-Za-z0-9-]{1,64}")


class _Kept(Struct, frozen=True):
    result: TaskResult
    finished_at: datetime
    acknowledged: bool = False


class Results:
    """A durable queue and a replay memory in one folder, one file a task."""

    def __init__(self, folder: Path) -> None:
        self._folder = durable.private_folder(folder)
        self._kept: dict[str, _Kept] = {}
        for file in sorted(self._folder.glob("*.json")):
            self._kept[file.stem] = msgspec.json.decode(file.read_bytes(), type=_Kept)

    def keep(self, result: TaskResult, now: datetime) -> None:
        """Remember the result of a task that was carried out; to be posted."""
        self._store(result.task_id, _Kept(result, now))

    def find(self, task_id: str) -> TaskResult | None:
        """The result this task had when it was carried out here."""
        kept = self._kept.get(task_id)
        return kept.result if kept else None

    def post_again(self, task_id: str) -> None:
        """The control plane asks for a result it once acknowledged: put it back into the queue."""
        kept = self._kept[task_id]
        if kept.acknowledged:
            self._store(task_id, msgspec.structs.replace(kept, acknowledged=False))

    def waiting(self) -> list[TaskResult]:
        """Results not yet acknowledged, oldest first."""
        waiting = [kept for kept in self._kept.values() if not kept.acknowledged]
        return [kept.result for kept in sorted(waiting, key=lambda kept: kept.finished_at)]

    def acknowledged(self, task_id: str) -> None:
        """The control plane has the result."""
        kept = self._kept.get(task_id)
        if kept is not None:
            self._store(task_id, msgspec.structs.replace(kept, acknowledged=True))

    def prune(self, now: datetime) -> None:
        """Forget acknowledged results that are old, or too many. What is not acknowledged stays."""
        done = sorted((kept.finished_at, task_id) for task_id, kept in self._kept.items() if kept.acknowledged)
        surplus = max(0, len(done) - MOST_ACKNOWLEDGED)
        for position, (finished_at, task_id) in enumerate(done):
            if position < surplus or now - finished_at > KEEP:
                durable.remove(self._path(task_id))
                del self._kept[task_id]

    def _store(self, task_id: str, kept: _Kept) -> None:
        durable.write(self._path(task_id), msgspec.json.encode(kept))
        self._kept[task_id] = kept

    def _path(self, task_id: str) -> Path:
        if not _SAFE_NAME.fullmatch(task_id):
            raise ValueError(f"{task_id!r} is not a task id")
        return self._folder / f"{task_id}.json"
