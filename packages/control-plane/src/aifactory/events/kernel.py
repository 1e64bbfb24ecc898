"""Events of the kernel itself."""

from dataclasses import dataclass

from aifactory.events import event


@event("kernel.flow_deadline_missed")
@dataclass(frozen=True)
class FlowDeadlineMissed:
    """A flow stayed in a state past its deadline. `why` is the flow's own last reason or error."""

    flow_id: str
    kind: str
    subject_id: str
    state: str
    entered_at: str
    deadline_seconds: float
    attempts: int
    why: str
