"""What `aif up`, `down` and `status` can be told."""

import os
from dataclasses import dataclass, field
from pathlib import Path


def default_data_dir() -> Path:
    """AIF_DATA_DIR, or the system's place for state when root, or the user's."""
    if chosen := os.environ.get("AIF_DATA_DIR"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/aifactory")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base).absolute() / "aifactory"


@dataclass(frozen=True)
class UpOptions:
    """`slots` None lets the agent decide by the machine's size; `demo` adds the simulated region."""

    data_dir: Path = field(default_factory=default_data_dir)
    port: int = 8042
    gateway_port: int = 8043
    agent_port: int = 8044
    app_port: int | None = None
    slots: int | None = None
    demo: bool = False
    detach: bool = False

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}/v1"

    @property
    def apps_port(self) -> int:
        """The one after the agents' when nobody chose another."""
        return self.app_port or self.agent_port + 1

    @property
    def apps_url(self) -> str:
        """Each app instance has an origin of its own, none of them the portal's."""
        return f"http://{{instance}}.apps.localhost:{self.apps_port}"

    @property
    def agent_url(self) -> str:
        return f"https://127.0.0.1:{self.agent_port}"

    def as_arguments(self) -> list[str]:
        """The command line that means the same, in the foreground."""
        arguments = [
            f"--data-dir={self.data_dir}",
            f"--port={self.port}",
            f"--gateway-port={self.gateway_port}",
            f"--agent-port={self.agent_port}",
            f"--app-port={self.apps_port}",
        ]
        if self.slots is not None:
            arguments.append(f"--slots={self.slots}")
        if self.demo:
            arguments.append("--demo")
        return arguments
