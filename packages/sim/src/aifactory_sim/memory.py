"""What a simulated node remembers across a restart of the simulator: one file a node, replaced whole.

It is not synced: after a power cut the file may be of some seconds ago, which a real agent's memory must never be.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct, field

from aifactory_protocol.tasks import SandboxReport, TaskResult
from aifactory_sim.faults import Active

MOST_ACKNOWLEDGED = 128


class Sandbox(Struct):
    """A sandbox that was started here. `host_key` is its private key; `port` its door's, the same after a restart."""

    allocation_id: str
    slot_index: int
    generation: int
    authorized_keys: list[str]
    volumes: list[str]
    host_key: str
    port: int = 0
    running: bool = False
    started_at: str = ""

    def report(self) -> SandboxReport:
        return SandboxReport(self.allocation_id, self.slot_index, self.generation, self.running)


class Memory(Struct):
    """`answers` by task id, oldest first; those in `unanswered` still wait for the control plane's word."""

    boot_id: str = field(default_factory=lambda: uuid4().hex)
    generations: dict[str, int] = field(default_factory=dict)
    answers: dict[str, TaskResult] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    volumes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Active] = field(default_factory=dict)

    def keep(self, result: TaskResult) -> None:
        """The answer to a task that was carried out; it is to be delivered."""
        self.answers[result.task_id] = result
        self.deliver_again(result.task_id)

    def deliver_again(self, task_id: str) -> None:
        if task_id not in self.unanswered:
            self.unanswered.append(task_id)

    def delivered(self, task_id: str) -> None:
        """The control plane has it. Old answers are forgotten."""
        self.unanswered.remove(task_id)
        done = [known for known in self.answers if known not in self.unanswered]
        for old in done[: max(0, len(done) - MOST_ACKNOWLEDGED)]:
            del self.answers[old]


class MemoryFile:
    """Where a node's memory is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Memory:
        return msgspec.json.decode(self._path.read_bytes(), type=Memory) if self._path.exists() else Memory()

    def write(self, memory: Memory) -> None:
        aside = self._path.with_name(f".{self._path.name}.writing")
        aside.write_bytes(msgspec.json.encode(memory))
        aside.chmod(0o600)
        aside.replace(self._path)
