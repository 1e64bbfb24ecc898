"""Streams to the sockets of web apps: one SSH connection for each instance, shared by its visitors, closed when unused."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from aifactory.domains.app_platform.adapters.app_door import connect
from aifactory.domains.app_platform.ports import DoorAddress

WEB = "web"
OPEN_SECONDS = 10.0
UNUSED_SECONDS = 60.0


class NoStream(Exception):
    """The app could not be reached; the text is for the log."""


@dataclass
class _Line:
    connection: Any = None
    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: asyncio.TimerHandle | None = None


class AppStreams:
    """`async with streams.open(address, instance_id) as (reader, writer)`: bytes to and from the app's socket."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, DoorAddress], _Line] = {}

    @contextlib.asynccontextmanager
    async def open(self, address: DoorAddress, instance_id: str) -> Any:
        """Raises NoStream."""
        key = (instance_id, address)
        line = self._lines.setdefault(key, _Line())
        line.users += 1
        try:
            if line.closing is not None:
                line.closing.cancel()
                line.closing = None
            reader, writer = await self._stream(line, address, instance_id)
            try:
                yield reader, writer
            finally:
                writer.close()
        finally:
            line.users -= 1
            if line.users == 0:
                line.closing = asyncio.get_running_loop().call_later(UNUSED_SECONDS, self._close, key)

    async def _stream(self, line: _Line, address: DoorAddress, instance_id: str) -> tuple[Any, Any]:
        import asyncssh

        try:
            async with asyncio.timeout(OPEN_SECONDS):
                for attempt in (1, 2):
                    async with line.lock:
                        if line.connection is None or line.connection.is_closed():
                            line.connection = await connect(address, instance_id)
                    try:
                        return await line.connection.open_unix_connection(WEB, encoding=None)
                    except asyncssh.ChannelOpenError:
                        if attempt == 2 or not line.connection.is_closed():
                            raise
                raise AssertionError("the second attempt returned or raised")
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise NoStream(f"{instance_id}: {type(error).__name__}: {error}"[:300]) from error

    def _close(self, key: tuple[str, DoorAddress]) -> None:
        line = self._lines.pop(key, None)
        if line is not None and line.connection is not None:
            line.connection.close()

    def close(self) -> None:
        for key in list(self._lines):
            self._close(key)
