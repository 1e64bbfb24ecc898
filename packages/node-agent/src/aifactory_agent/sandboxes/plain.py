"""Sandboxes that are hardly any: a plain process, for development on loopback, labelled as exactly that."""

from __future__ import annotations

from pathlib import Path

from aifactory_agent.sandboxes.ports import Capabilities, Launch, SandboxPlan, door_command, limit_label
from aifactory_protocol.inventory import Isolation


class PlainProcess:
    """No namespaces: as root the slot's own user keeps private files private, and nothing else is kept apart."""

    name = "process"
    shares_network = "sandboxes are plain processes here and share the host's network"
    maps_user = False

    def why_not(self) -> str | None:
        return None

    def isolation(self, can: Capabilities) -> Isolation:
        limits, not_limited = limit_label(can)
        not_isolated = [
            "development only: never for tenants who do not trust each other",
            "processes: the host's and all tenants' are visible",
            "files: whatever every user of the host may read",
            "network: the host's, with everything that listens on its loopback",
            "ipc, host name, shared /tmp, kernel",
        ]
        isolates = ["user: a Linux user of its own per slot; its home is private"] if can.separate_users else []
        if not can.separate_users:
            not_isolated.append("user: the agent's own, so a tenant can read the agent's key")
        return Isolation(self.name, isolates, not_isolated, limits, not_limited)

    def launch(self, plan: SandboxPlan) -> Launch:
        home = plan.scratch / "home"
        for place, inside in plan.volumes:
            show = home / inside.relative_to("/")
            show.parent.mkdir(parents=True, exist_ok=True)
            if not show.is_symlink():
                show.symlink_to(place)
        environment = [
            "env",
            "-i",
            "PATH=/usr/bin:/bin",
            f"HOME={home}",
            "LOGNAME=tenant",
            f"PYTHONPATH={plan.runtime.modules}",
            plan.marker,
        ]
        door = door_command(str(plan.runtime.python), plan.listen_fd, plan.scratch / "door", home, self.name)
        return Launch([*environment, *door])

    def end(self, plan_folder: Path, allocation_id: str) -> None:
        return None
