"""Where an app's files are: a private folder in the tenant's home, and a socket whose path is short enough to be one."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

SOCKET_PATH_BYTES = 100  # the kernel takes 107
INSTANCE = re.compile(r"[a-z][a-z0-9]{0,15}_[A-Za-z0-9-]{1,64}")


class Place:
    """The folder of one instance."""

    def __init__(self, home: Path, instance_id: str) -> None:
        if not INSTANCE.fullmatch(instance_id):
            raise ValueError(f"{instance_id!r} is not an instance id")
        self.instance_id = instance_id
        self.home = home
        self.folder = home / ".aifactory" / "apps" / instance_id
        self.status_file = self.folder / "status.json"

    @property
    def socket(self) -> Path:
        """In the folder; where that path would be too long for a socket, in a private folder of /tmp."""
        near = self.folder / "web.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_BYTES:
            return near
        return Path("/tmp") / f".aif-{os.getuid()}-{self.instance_id[-26:]}" / "web.sock"

    def make(self) -> None:
        """Raises FileExistsError when this instance was here before, or its place is taken."""
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        if self.socket.parent != self.folder:
            self.socket.parent.mkdir(mode=0o700)

    def save(self, status: dict[str, Any]) -> None:
        making = self.folder / ".status.making"
        making.write_text(json.dumps(status))
        making.rename(self.status_file)

    def status(self) -> dict[str, Any]:
        """As the supervisor last wrote it; state `absent` when there is none."""
        try:
            found = json.loads(self.status_file.read_text())
        except (OSError, ValueError):
            return {"state": "absent"}
        return found if isinstance(found, dict) else {"state": "absent"}
