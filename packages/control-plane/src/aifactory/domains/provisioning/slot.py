"""What a slot is, and when its cleaning counts: pure decisions over a node's signed evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

KIND = "provisioning.slot"


class State(StrEnum):
    DIRTY = "dirty"
    SANITIZING = "sanitizing"
    AVAILABLE = "available"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Slot:
    """A row of provisioning.slots."""

    id: str
    node_id: str
    region_id: str
    index: int
    sku: str
    vcpus_millis: int
    memory_bytes: int
    pids: int
    state: str
    clean: bool
    withdrawn: bool
    allocation_id: str | None
    last_allocation_id: str | None
    conditions: list[dict[str, Any]]
    generation: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Verdict:
    """Whether a slot may be offered again; `why` names the step that decided."""

    clean: bool
    why: str


def judge_cleaning(
    status: str, evidence: Sequence[dict[str, Any]], required: Sequence[str], code: str = "", detail: str = ""
) -> Verdict:
    """Clean only when the task is done, every required step is there exactly once, and none failed."""
    if status != "done":
        return Verdict(False, f"the node answered {status} {code}: {detail}".strip()[:300])
    steps = [item["step"] for item in evidence]
    failed = [item for item in evidence if not item["ok"]]
    if failed:
        return Verdict(False, f"step {failed[0]['step']} failed: {failed[0].get('detail', '')}"[:300])
    for step in required:
        if steps.count(step) != 1:
            return Verdict(False, f"step {step} has {'no' if step not in steps else 'contradicting'} evidence")
    return Verdict(True, f"{len(required)} steps with good, signed evidence")
