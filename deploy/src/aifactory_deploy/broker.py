"""NATS with JetStream from its wheel: a random port on loopback, a password, every message on disk."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from aifactory_deploy.accounts import Account
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.ports import is_free
from aifactory_deploy.processes import Program

USER = "aif"
_CONFIGURATION = """\
# Written at every start; change nothing here.
listen: "127.0.0.1:{port}"
ports_file_dir: {ports}
max_payload: 1MB
max_connections: 1000
authorization {{ user: "{user}", password: "{password}" }}
jetstream {{
  store_dir: {store}
  max_memory_store: 64MB
  max_file_store: 2GB
  sync_interval: always
}}
"""


class Broker:
    """Its port is any free one at the first start and is kept over a crash, so that clients find it again.

    When somebody else took the port meanwhile it gets a new one, and `on_new_port` tells the clients.
    """

    def __init__(
        self,
        layout: Layout,
        account: Account | None,
        env: dict[str, str],
        inherit: tuple[int, ...],
        on_new_port: Callable[[], None],
    ) -> None:
        self._directory = layout.service("nats")
        self._password = layout.password("nats")
        self._account = account
        self._env = env
        self._inherit = inherit
        self._on_new_port = on_new_port
        self._port = -1
        self._move: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"nats://{USER}:{self._password}@127.0.0.1:{self._port}"

    async def program(self) -> Program:
        for stale in self._directory.glob("*.ports"):
            stale.unlink()
        if self._port != -1 and not is_free(self._port):
            self._port = -1
            self._move = asyncio.create_task(self._announce_move())
        configuration = self._directory / "nats.conf"
        write_whole(
            configuration,
            _CONFIGURATION.format(
                port=self._port,
                user=USER,
                password=self._password,
                ports=json.dumps(str(self._directory)),
                store=json.dumps(str(self._directory / "store")),
            ),
            owner=self._account,
        )
        return Program(
            "nats",
            [str(Path(sys.executable).parent / "nats-server"), "-c", str(configuration)],
            self._env,
            self._account,
            inherit=self._inherit,
        )

    async def ready(self) -> None:
        while not (files := list(self._directory.glob("*.ports"))) or not self._read_port(files[0]):
            await asyncio.sleep(0.005)

    async def _announce_move(self) -> None:
        await self.ready()
        self._on_new_port()

    def _read_port(self, file: Path) -> bool:
        try:
            address = json.loads(file.read_text())["nats"][0]
        except (ValueError, KeyError, FileNotFoundError):
            return False
        self._port = int(address.rsplit(":", 1)[1])
        return True
