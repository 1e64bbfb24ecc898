"""What observability tells the other domains."""

from dataclasses import dataclass

from aifactory.events import event


@event("observability.incident_opened", 1)
@dataclass(frozen=True)
class IncidentOpened:
    """Something needs a person. `cause` says why in one sentence, `runbook` where to begin."""

    incident_id: str
    subject_id: str
    cause: str
    runbook: str


@event("observability.incident_resolved", 1)
@dataclass(frozen=True)
class IncidentResolved:
    """The trouble is over; `resolution` says how that is known."""

    incident_id: str
    subject_id: str
    resolution: str
