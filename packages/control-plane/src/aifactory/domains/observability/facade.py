"""The only door of observability: incidents, runbooks, telemetry, evidence. Each function is documented where it lives."""

from aifactory.domains.observability.evidence import EvidenceList, Question
from aifactory.domains.observability.evidence import Kind as EvidenceKind
from aifactory.domains.observability.evidence import search as search_evidence
from aifactory.domains.observability.incidents import (
    IncidentDetail,
    IncidentList,
    IncidentSummary,
    IncidentView,
    incident,
    list_incidents,
    open_for_missed_deadline,
    resolve_moved_on,
    summary,
    watch,
)
from aifactory.domains.observability.measuring import forget_old as forget_old_telemetry
from aifactory.domains.observability.measuring import of_allocation as telemetry_of_allocation
from aifactory.domains.observability.measuring import of_node as telemetry_of_node
from aifactory.domains.observability.measuring import take as take_telemetry
from aifactory.domains.observability.runbooks import RunbookList
from aifactory.domains.observability.runbooks import every as runbooks
from aifactory.domains.observability.runbooks import text_of as runbook

__all__ = [
    "EvidenceKind",
    "EvidenceList",
    "IncidentDetail",
    "IncidentList",
    "IncidentSummary",
    "IncidentView",
    "Question",
    "RunbookList",
    "forget_old_telemetry",
    "incident",
    "list_incidents",
    "open_for_missed_deadline",
    "resolve_moved_on",
    "runbook",
    "runbooks",
    "search_evidence",
    "summary",
    "take_telemetry",
    "telemetry_of_allocation",
    "telemetry_of_node",
    "watch",
]
