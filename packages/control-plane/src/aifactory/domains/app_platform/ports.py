"""What flows and the proxy ask of an app inside its sandbox, and what they are told."""

from dataclasses import dataclass, field
from typing import Protocol

from aifactory.domains.app_platform.output import Output

APP_DOOR = "app_platform.app_door"


@dataclass(frozen=True)
class DoorAddress:
    """Where a sandbox's door is, and the host key that it must show."""

    host: str
    port: int
    host_key: str


@dataclass(frozen=True)
class Look:
    """An app as its sandbox tells it: the tenant's own word. `state` None: nobody answered, `why` says so.

    state: running, exited or absent. cpu_milliseconds: used by everything of it, since it began.
    """

    state: str | None
    why: str = ""
    exit_code: int | None = None
    stopped: bool = False
    listens: bool = False
    cpu_milliseconds: int = 0
    output: Output = field(default_factory=Output)


class AppDoor(Protocol):
    """The way to one app, with the key that opens this app and nothing else."""

    async def look(self, address: DoorAddress, instance_id: str, offset: int) -> Look:
        """How it is, and what it printed since `offset`. Never raises for what a sandbox does or says."""
