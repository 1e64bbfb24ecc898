"""Keys that open one app and no shell: the agent's, which starts and stops it, and the platform's, which watches it and
reaches its socket. They come as user `app`; `app_keys` beside the tenant's authorized keys says which opens what."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from aifactory_agent.door import children, streams
from aifactory_agent.door.apps.place import INSTANCE, Place
from aifactory_agent.door.session import Household, Session

USER = "app"
KEYS_FILE = "app_keys"
KEYS_BYTES = 65_536
MANAGE, WATCH = "manage", "watch"
WEB = "web"
MOST_STREAMS = 128
Handler = Callable[[Any, Any], Awaitable[None]]
_PYTHON = ("-S", "-s", "-P", "-B", "-m")


@dataclass(frozen=True)
class AppKey:
    """One key's right on one instance."""

    right: str
    instance_id: str

    @property
    def watches(self) -> bool:
        return self.right == WATCH

    def arguments(self, command: str) -> list[str] | None:
        """The tool's arguments for what the client asks; None when this key may not."""
        words = command.split()
        if self.right == MANAGE and words in (["start"], ["stop"]):
            return [words[0], self.instance_id]
        if self.watches and len(words) == 2 and words[0] == "look" and words[1].isdigit() and len(words[1]) < 19:
            return ["look", self.instance_id, words[1]]
        return None


def read_keys(file: Path) -> dict[bytes, AppKey]:
    """Lines of `RIGHT INSTANCE TYPE BASE64`; what does not read opens nothing."""
    found: dict[bytes, AppKey] = {}
    try:
        with file.open("rb") as opened:
            text = opened.read(KEYS_BYTES).decode(errors="replace")
    except OSError:
        return found
    for line in text.splitlines():
        right, _, rest = line.partition(" ")
        instance, _, public = rest.partition(" ")
        if right not in (MANAGE, WATCH) or not INSTANCE.fullmatch(instance):
            continue
        try:
            found[asyncssh.import_public_key(public).public_data] = AppKey(right, instance)
        except asyncssh.KeyImportError:
            continue
    return found


class AppSession(Session):
    """One call of the apps' tool. No terminal, no shell, no files, no other command."""

    def __init__(self, household: Household, app: AppKey) -> None:
        super().__init__(household, files=False)
        self._app = app

    def subsystem_requested(self, subsystem: str) -> bool:
        """None."""
        return False

    def pty_requested(self, *_: Any) -> bool:
        """None."""
        return False

    def shell_requested(self) -> bool:
        """None."""
        return False

    def exec_requested(self, command: str) -> bool:
        """The calls that this key may make."""
        return self._app.arguments(command) is not None and super().exec_requested(command)

    def _spawn(self, slave: int | None) -> tuple[subprocess.Popen[bytes], asyncio.Future[int]]:
        house = self._household
        arguments = self._app.arguments(self.command or "")
        assert arguments is not None, "refused before"
        variables = children.environment(house.home, house.kind, {}, None)
        variables["PYTHONPATH"] = os.environ["PYTHONPATH"]
        words = [sys.executable, *_PYTHON, "aifactory_agent.door.apps.tool", *arguments]
        child = children.start(sys.executable, words, house.home, variables, None)
        self._child, self._ended = child, house.reaper.expect(child.pid)
        return child, self._ended


class Streams:
    """Connections of one visitor to its app's socket, counted."""

    def __init__(self) -> None:
        self._open = 0

    def to(self, home: Path, instance_id: str) -> Handler | bool:
        """What serves the next one; False when there are too many."""
        if self._open >= MOST_STREAMS:
            return False
        path = Place(home, instance_id).socket

        async def bridge(reader: Any, writer: Any) -> None:
            self._open += 1
            try:
                await _bridge(reader, writer, path)
            finally:
                self._open -= 1

        return bridge


async def _bridge(reader: Any, writer: Any, path: Path) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        writer.close()
        return
    ways = [
        asyncio.create_task(_copy(reader, inner_writer)),
        asyncio.create_task(_copy(inner_reader, writer)),
    ]
    try:
        await ways[1]  # when the app has said everything, nobody reads what would still come
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        inner_writer.close()
        writer.close()


async def _copy(source: Any, sink: Any) -> None:
    try:
        while data := await source.read(streams.CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except (OSError, asyncssh.Error):
        return
