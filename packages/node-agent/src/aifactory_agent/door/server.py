"""The SSH server itself: public keys only, one user, no forwarding, and a bound on everything. Keys of apps: `visits`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from pathlib import Path

import asyncssh

from aifactory_agent.door import children, visits
from aifactory_agent.door.session import Household, Session

USER = "tenant"
MOST_CONNECTIONS = 32
MOST_UNAUTHENTICATED = 8
MOST_SESSIONS_PER_CONNECTION = 16
MOST_KEYS_TRIED = 12
LOGIN_TIMEOUT_SECONDS = 20
KEEPALIVE_SECONDS = 60
KEEPALIVES_MISSED = 3
AUTHORIZED_KEYS_BYTES = 524_288
log = logging.getLogger("door")


class Door:
    """Counts who is in, and knows whose keys open."""

    def __init__(self, folder: Path, household: Household) -> None:
        self.household = household
        self.connections: set[Visitor] = set()
        self._keys_file = folder / "authorized_keys"

    def visitor(self) -> Visitor:
        """The handler of one new connection."""
        return Visitor(self)

    def public_keys(self) -> set[bytes]:
        """The keys that open now: read at each login, so that a change works at once."""
        found = set()
        with self._keys_file.open("rb") as file:
            for line in file.read(AUTHORIZED_KEYS_BYTES).decode(errors="replace").splitlines():
                try:
                    found.add(asyncssh.import_public_key(line).public_data)
                except asyncssh.KeyImportError:
                    continue
        return found

    def app_keys(self) -> dict[bytes, visits.AppKey]:
        """The keys that open one app, read at each login too."""
        return visits.read_keys(self._keys_file.with_name(visits.KEYS_FILE))


class Visitor(asyncssh.SSHServer):
    """One connection. Everything that is not login, session or sftp keeps asyncssh's answer, which is no."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None
        self._tries = 0
        self._sessions = 0
        self._app: visits.AppKey | None = None
        self._streams = visits.Streams()
        self.inside = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Turn away whoever comes when the house is full."""
        others = self._door.connections
        waiting = sum(1 for visitor in others if not visitor.inside)
        if len(others) >= MOST_CONNECTIONS or waiting >= MOST_UNAUTHENTICATED:
            conn.abort()
            return
        self._connection = conn
        others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """One fewer."""
        self._door.connections.discard(self)

    def begin_auth(self, username: str) -> bool:
        """Nobody comes in without a key."""
        return True

    def password_auth_supported(self) -> bool:
        """No passwords."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """No questions either."""
        return False

    def public_key_auth_supported(self) -> bool:
        """Keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key opens for this user; too many tries end the connection."""
        self._tries += 1
        if self._tries > MOST_KEYS_TRIED:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many keys tried")
        self._app = self._door.app_keys().get(key.public_data) if username == visits.USER else None
        return self._app is not None or (username == USER and key.public_data in self._door.public_keys())

    def auth_completed(self) -> None:
        """The visitor is in."""
        self.inside = True

    def session_requested(self) -> Session | bool:
        """A session, within the limit."""
        self._sessions += 1
        open_now = self._sessions
        if open_now > MOST_SESSIONS_PER_CONNECTION:
            self._sessions -= 1
            return False
        if self._app is not None:
            return _CountedAppSession(self, self._door.household, self._app)
        return _CountedSession(self, self._door.household)

    def unix_connection_requested(self, dest_path: str) -> visits.Handler | bool:
        """A key that watches an app may reach that app's own socket; everything else keeps the answer no."""
        if self._app is None or not self._app.watches or dest_path != visits.WEB:
            return False
        return self._streams.to(self._door.household.home, self._app.instance_id)

    def session_closed(self) -> None:
        """One session fewer on this connection."""
        self._sessions -= 1


class _CountedSession(Session):
    def __init__(self, visitor: Visitor, household: Household) -> None:
        super().__init__(household)
        self._visitor = visitor

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._visitor.session_closed()


class _CountedAppSession(visits.AppSession):
    def __init__(self, visitor: Visitor, household: Household, app: visits.AppKey) -> None:
        super().__init__(household, app)
        self._visitor = visitor

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._visitor.session_closed()


def serve(listen_fd: int, folder: Path, home: Path, kind: str) -> None:
    """Serve on the inherited socket until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    os.umask(0o022)
    os.chdir(home)
    asyncio.run(_serve(socket.socket(fileno=listen_fd), folder, home, kind))


async def _serve(listener: socket.socket, folder: Path, home: Path, kind: str) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    reaper = children.Reaper()
    reaper.start(loop)
    door = Door(folder, Household(home, kind, reaper))
    acceptor = await asyncssh.listen(
        sock=listener,
        server_factory=door.visitor,
        server_host_keys=[str(folder / "host_key")],
        server_version="AIFactory",
        encoding=None,
        line_editor=False,
        agent_forwarding=False,
        x11_forwarding=False,
        gss_host=None,
        compression_algs=None,
        allow_scp=True,
        tcp_keepalive=True,
        login_timeout=LOGIN_TIMEOUT_SECONDS,
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=KEEPALIVES_MISSED,
    )
    await stop.wait()
    acceptor.close()
