"""What `status` shows: read from the state folder, whether or not the agent runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aifactory_agent.host import processes
from aifactory_agent.identity import NodeIdentity
from aifactory_agent.node import AlreadyRunning, hold_lock
from aifactory_agent.records import Records
from aifactory_agent.settings import Settings
from aifactory_outpost.identity import NotEnrolled


def status(settings: Settings) -> dict[str, Any]:
    """Identity, certificate and sandboxes as plain JSON values."""
    found: dict[str, Any] = {
        "state_dir": str(settings.state_dir),
        "agent_running": _agent_running(settings),
        "node_id": None,
        "url": None,
        "certificate": "absent",
        "certificate_not_after": None,
        "sandboxes": [],
    }
    identity = NodeIdentity(settings.state_dir)
    try:
        enrolment = identity.enrolment()
        found |= {"node_id": enrolment.node_id, "url": enrolment.url}
        end = identity.certificate().not_valid_after_utc
        found |= {"certificate": "expired", "certificate_not_after": end.isoformat()}
        identity.valid_certificate(datetime.now(UTC))
        found["certificate"] = "valid"
    except NotEnrolled:
        pass
    if (settings.state_dir / "sandboxes").is_dir():
        found["sandboxes"] = [
            {
                "allocation_id": record.allocation_id,
                "slot_index": record.slot_index,
                "state": record.state,
                "alive": processes.alive(record.pid, record.pid_started),
                "port": record.port,
            }
            for record in Records(settings.state_dir / "sandboxes").every()
        ]
    return found


def as_text(found: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"node         {found['node_id'] or 'not enrolled'}",
        f"control      {found['url'] or '-'}",
        f"certificate  {found['certificate']} until {found['certificate_not_after'] or '-'}",
        f"agent        {'running' if found['agent_running'] else 'not running'}",
    ]
    for box in found["sandboxes"]:
        alive = "alive" if box["alive"] else "not alive"
        lines.append(f"sandbox      {box['allocation_id']} slot {box['slot_index']} {box['state']} ({alive})")
    return "\n".join(lines)


def _agent_running(settings: Settings) -> bool:
    if not settings.state_dir.is_dir():
        return False
    try:
        hold_lock(settings.state_dir).close()
    except AlreadyRunning:
        return True
    return False
