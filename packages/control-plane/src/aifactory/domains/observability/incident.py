"""What is wrong in words, and which runbook to open. Pure."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.observability.runbooks import DOMAINS, IN_REPOSITORY
from aifactory.domains.platform_control.facade import ComponentView
from aifactory.events.kernel import FlowDeadlineMissed

GENERAL_RUNBOOK = "platform_control/runbooks/flow-stuck.md"
COMPONENT = "platform_control.component"
OVER = "it works again"
COMPONENT_SECONDS = 20.0  # after which platform control calls a process silent


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now. `key` names it among all troubles for as long as it lasts."""

    key: str
    kind: str
    state: str
    subject_id: str
    tenant_id: str | None
    cause: str
    runbook: str
    deadline_seconds: float
    since: datetime | str


def of_missed_deadline(missed: FlowDeadlineMissed, tenant_id: str | None) -> Trouble:
    cause, runbook = cause_of(missed), runbook_for(missed.kind)
    return Trouble(
        missed.flow_id, missed.kind, missed.state, missed.subject_id, tenant_id, cause, runbook, missed.deadline_seconds,
        missed.entered_at,
    )  # fmt: skip


def of_component(part: ComponentView, now: datetime) -> Trouble | None:
    """None for what is well, what has incidents of its own (flows), and one silent process of several."""
    one_of_several = part.kind in ("api", "worker") and part.state != "down"
    if part.state == "ok" or part.kind == "flows" or one_of_several:
        return None
    cause = f"{part.name} is {part.state}: {part.message}"
    runbook, key = part.runbook or f"{IN_REPOSITORY}/{GENERAL_RUNBOOK}", f"{COMPONENT}:{part.name}"
    return Trouble(key, COMPONENT, part.state, part.name, None, cause, runbook, COMPONENT_SECONDS, now)


def cause_of(missed: FlowDeadlineMissed) -> str:
    """One sentence: what is stuck, where, for how long, and the flow's own last words."""
    noun = missed.kind.partition(".")[2].replace("_", " ")
    said = missed.why or "the flow gave no reason"
    tries = f" after {missed.attempts} failed tries" if missed.attempts else ""
    return f"The {noun} {missed.subject_id} stayed in {missed.state} for more than {missed.deadline_seconds:.0f} s{tries}: {said}"


def runbook_for(flow_kind: str) -> str:
    """The domain's own `<noun>-stuck.md`, else the general one; as a path in the repository."""
    domain, _, noun = flow_kind.partition(".")
    own = f"{domain}/runbooks/{noun.replace('_', '-')}-stuck.md"
    return f"{IN_REPOSITORY}/{own if (DOMAINS / own).is_file() else GENERAL_RUNBOOK}"
