"""A real SSH server for each simulated sandbox, on loopback: real keys, real host key, and a shell that says what it is."""

from __future__ import annotations

import contextlib
import logging

import asyncssh

from aifactory_sim import shell
from aifactory_sim.fleet import SSH_HOST, Machine
from aifactory_sim.memory import Sandbox

USER = "tenant"
MOST_CONNECTIONS = 16
LOGIN_SECONDS = 20
LONGEST_LINE = 4_096
log = logging.getLogger("aifactory_sim.door")
logging.getLogger("asyncssh").setLevel(logging.WARNING)


class Doors:
    """The open doors of one node, by allocation."""

    def __init__(self) -> None:
        self._open: dict[str, asyncssh.SSHAcceptor] = {}

    async def open(self, box: Sandbox, machine: Machine) -> int:
        """Listens, on the sandbox's old port when it has one, and answers with the port. Raises OSError when it is taken."""
        keys = {asyncssh.import_public_key(line).public_data for line in box.authorized_keys}
        inside: set[Visitor] = set()
        acceptor = await asyncssh.listen(
            SSH_HOST,
            box.port,
            server_factory=lambda: Visitor(keys, inside),
            process_factory=lambda process: _serve(process, machine),
            server_host_keys=[asyncssh.import_private_key(box.host_key)],
            server_version="AIFactorySimulated",
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            allow_scp=False,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=60,
            line_editor=True,
            reuse_address=True,
        )
        self._open[box.allocation_id] = acceptor
        return int(acceptor.get_port())

    async def close(self, allocation_id: str) -> None:
        """Ends the connections too."""
        acceptor = self._open.pop(allocation_id, None)
        if acceptor is not None:
            acceptor.close()
            await acceptor.wait_closed()

    async def close_all(self) -> None:
        for allocation_id in list(self._open):
            await self.close(allocation_id)


class Visitor(asyncssh.SSHServer):
    """One connection: a key of the tenant's, and no forwarding of any kind."""

    def __init__(self, keys: set[bytes], inside: set[Visitor]) -> None:
        self._keys, self._inside = keys, inside

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if len(self._inside) >= MOST_CONNECTIONS:
            conn.abort()
            return
        self._inside.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inside.discard(self)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.public_data in self._keys


async def _serve(process: asyncssh.SSHServerProcess[str], machine: Machine) -> None:
    """One command, or lines until `exit`."""
    status = 0
    with contextlib.suppress(asyncssh.Error, BrokenPipeError):
        if process.command is not None:
            status = _run(process, machine, process.command)
        else:
            status = await _converse(process, machine)
    process.exit(status)


async def _converse(process: asyncssh.SSHServerProcess[str], machine: Machine) -> int:
    process.stdout.write(shell.banner(machine))
    status = 0
    while True:
        process.stdout.write(f"{USER}@{machine.name} (simulated)$ ")
        try:
            line = await process.stdin.readline()
        except asyncssh.BreakReceived:
            process.stdout.write("\n")
            continue
        if not line or line.strip() in ("exit", "logout"):
            return status
        status = _run(process, machine, line[:LONGEST_LINE])


def _run(process: asyncssh.SSHServerProcess[str], machine: Machine, line: str) -> int:
    out, err, status = shell.answer(machine, line)
    process.stdout.write(out)
    process.stderr.write(err)
    return status


def public_half(host_key: str) -> str:
    """One OpenSSH public key line."""
    return asyncssh.import_private_key(host_key).export_public_key("openssh").decode().strip()
