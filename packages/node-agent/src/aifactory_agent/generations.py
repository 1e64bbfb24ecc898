"""The highest generation seen for every subject: a fence that outlives the agent."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aifactory_outpost import durable

KEEP_SECONDS = 3 * 86_400


class Generations:
    """Subject → (generation, when last seen in seconds since the epoch); on disk before `saw` returns.

    Subjects not heard of for three days are forgotten: no task can live that long.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        data = durable.read(path)
        self._seen: dict[str, tuple[int, int]] = (
            msgspec.json.decode(data, type=dict[str, tuple[int, int]]) if data else {}
        )

    def last(self, subject_id: str) -> int:
        """The highest generation seen for the subject; 0 when none."""
        return self._seen.get(subject_id, (0, 0))[0]

    def saw(self, subject_id: str, generation: int, now_seconds: int) -> None:
        """Raise the fence. Lower generations than seen are an error of the caller."""
        if generation < self.last(subject_id):
            raise ValueError(f"{subject_id} is already at a higher generation than {generation}")
        known = self._seen.get(subject_id)
        if known is not None and known[0] == generation and now_seconds - known[1] < KEEP_SECONDS // 3:
            return
        kept = {name: seen for name, seen in self._seen.items() if now_seconds - seen[1] < KEEP_SECONDS}
        kept[subject_id] = (generation, now_seconds)
        durable.write(self._path, msgspec.json.encode(kept))
        self._seen = kept
