"""What provisioning needs from outside of this process."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Seen:
    """What an access probe saw: the host key it was offered, as an OpenSSH public key line, or why it saw none."""

    host_key: str | None
    why: str = ""


class AccessProbe(Protocol):
    async def look(self, host: str, port: int) -> Seen:
        """Knocks at an SSH door without logging in. Never raises for a door that is closed, slow or not SSH."""
        ...


ACCESS_PROBE = "access_probe"
