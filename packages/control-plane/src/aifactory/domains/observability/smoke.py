"""What an operator may ask of a running system about itself: incidents, runbooks, evidence."""

from aifactory.kernel.manifest import SmokeCheck

SMOKE = (
    SmokeCheck("incidents are for operators", "/api/v3/admin/incidents", "operators' routes refuse a visitor", 401),
    SmokeCheck(
        "incidents can be read", "/api/v3/admin/incidents", "what needs a person can be seen",
        permission="platform.incident.read", runbook="observability/incidents-missing",
    ),
    SmokeCheck(
        "runbooks are at hand", "/api/v3/runbooks", "what to do can be read", permission="platform.incident.read", member="items"
    ),
    SmokeCheck(
        "evidence can be searched", "/api/v3/evidence", "audit, transitions, tasks, events and postings answer together",
        permission="evidence.read", member="items",
    ),
)  # fmt: skip
