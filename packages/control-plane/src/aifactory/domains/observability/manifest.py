"""What observability brings into the house."""

from pathlib import Path

from aifactory.domains.observability.consumers import open_incident_on_missed_deadline
from aifactory.domains.observability.routes import evidence, incidents, runbooks, smoke, telemetry
from aifactory.domains.observability.schedules import FORGET_POINTS, RESOLVE_INCIDENTS, WATCH_HEARTBEATS
from aifactory.domains.observability.smoke import SMOKE
from aifactory.events import observability as events
from aifactory.kernel.manifest import Manifest

MANIFEST = Manifest(
    "observability",
    Path(__file__).parent,
    routers=(evidence.router, incidents.router, runbooks.router, smoke.router, telemetry.router),
    agent_routers=(telemetry.agent_router,),
    consumers=(open_incident_on_missed_deadline,),
    schedules=(RESOLVE_INCIDENTS, WATCH_HEARTBEATS, FORGET_POINTS),
    events=events,
    smoke=SMOKE,
    permissions={
        "telemetry.read": "see what the allocations of a project use",
        "platform.telemetry.read": "operators: see what nodes and any allocation use",
        "evidence.read": "read everything recorded about anything of the tenant as one story",
        "platform.evidence.read": "operators: read what was recorded, across tenants",
        "platform.incident.read": "see what is stuck and why, across tenants",
    },
)
