"""One session of a tenant: a program on a terminal or on three pipes, its input, output, signals and end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import asyncssh

from aifactory_agent.door import children, streams, terminal

SFTP_VERSION = 3
NOT_FOUND = 127


@dataclass(frozen=True)
class Household:
    """What all sessions of a sandbox share."""

    home: Path
    kind: str
    reaper: children.Reaper


class Session(asyncssh.SSHServerProcess[bytes]):
    """A shell or a command; sftp and scp are served by asyncssh itself within the door."""

    def __init__(self, household: Household, *, files: bool = True) -> None:
        sftp = _Sftp if files else None
        super().__init__(self._converse, sftp, SFTP_VERSION, allow_scp=files)  # type: ignore[arg-type]
        self._household = household
        self._child: subprocess.Popen[bytes] | None = None
        self._ended: asyncio.Future[int] | None = None
        self._master: int | None = None

    def subsystem_requested(self, subsystem: str) -> bool:
        """sftp and nothing else."""
        return subsystem == "sftp"

    def signal_received(self, signal: str) -> None:
        """The client sends a signal to the session's processes."""
        self._signal(signal)

    def break_received(self, msec: int) -> bool:
        """A break is an interrupt."""
        self._signal("INT")
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The client's window has a new size."""
        if self._master is not None:
            terminal.resize(self._master, (width, height, pixwidth, pixheight))

    async def _converse(self, _: asyncssh.SSHServerProcess[bytes]) -> None:
        try:
            await (self._on_pipes() if self.term_type is None else self._on_terminal())
        except (OSError, asyncssh.Error) as error:
            if not self.is_closing():
                self.stderr.write(f"the session could not go on: {error}\n".encode())
                self.exit(NOT_FOUND)

    async def _on_pipes(self) -> None:
        child, ended = self._spawn(None)
        assert child.stdin and child.stdout and child.stderr
        for stream in (child.stdin, child.stdout, child.stderr):
            os.set_blocking(stream.fileno(), False)
        feeding = asyncio.create_task(self._feed_pipe(child.stdin))
        try:
            await asyncio.gather(self._forward(child.stdout, self.stdout), self._forward(child.stderr, self.stderr))
            self._report(await ended)
        finally:
            feeding.cancel()

    async def _on_terminal(self) -> None:
        master, slave = terminal.open_terminal(self.term_size, dict(self.term_modes))
        self._master = master
        try:
            os.set_blocking(master, False)
            try:
                _, ended = self._spawn(slave)
            finally:
                os.close(slave)
            feeding = asyncio.create_task(self._feed_terminal(master))
            showing = asyncio.create_task(self._show_terminal(master))
            try:
                status = await self._ended_or_closed(ended)
                if status is not None:
                    await self._drain_terminal(master, showing)
                    self._report(status)
            finally:
                feeding.cancel()
                showing.cancel()
                await asyncio.gather(feeding, showing, return_exceptions=True)
        finally:
            self._master = None
            os.close(master)

    def _spawn(self, slave: int | None) -> tuple[subprocess.Popen[bytes], asyncio.Future[int]]:
        house = self._household
        wishes = {str(name): str(value) for name, value in self.env.items()} if self.env else {}
        variables = children.environment(house.home, house.kind, wishes, self.term_type)
        command = self.command
        child = children.spawn(command, house.home, variables, slave)
        self._child, self._ended = child, house.reaper.expect(child.pid)
        return child, self._ended

    async def _forward(self, source: IO[bytes], sink: asyncssh.SSHWriter[bytes]) -> None:
        with source:
            while data := await streams.read(source.fileno()):
                if not self.is_closing():
                    sink.write(data)
                    await sink.drain()

    async def _feed_pipe(self, pipe: IO[bytes]) -> None:
        with pipe:
            try:
                while data := await self.stdin.read(streams.CHUNK_BYTES):
                    await streams.write(pipe.fileno(), data)
            except (OSError, asyncssh.Error):
                return

    async def _feed_terminal(self, master: int) -> None:
        try:
            while data := await self.stdin.read(streams.CHUNK_BYTES):
                await streams.write(master, data)
            await streams.write(master, terminal.end_of_file(master))
        except (OSError, asyncssh.Error):
            return

    async def _show_terminal(self, master: int) -> None:
        while data := await streams.read(master):
            self.stdout.write(data)
            await self.stdout.drain()

    async def _ended_or_closed(self, ended: asyncio.Future[int]) -> int | None:
        closed = asyncio.create_task(self.wait_closed())
        try:
            waited: set[asyncio.Future[Any]] = {ended, closed}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else None
        finally:
            closed.cancel()

    async def _drain_terminal(self, master: int, showing: asyncio.Task[None]) -> None:
        """What the program wrote before it ended still belongs to the client; its orphans' output does not."""
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        while data := streams.read_rest(master):
            self.stdout.write(data)
            await self.stdout.drain()

    def _report(self, status: int) -> None:
        if self.is_closing():
            return
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name.removeprefix("SIG")
            self.exit_with_signal(name, os.WCOREDUMP(status))
        else:
            self.exit(os.waitstatus_to_exitcode(status))

    def _signal(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if number is None or self._child is None or self._ended is None or self._ended.done():
            return
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return


class _Sftp(asyncssh.SFTPServer):
    """asyncssh's own, which also says that it ended well: scp takes silence for failure."""

    def exit(self) -> None:
        if self.channel.get_subsystem() == "sftp":
            self.channel.exit(0)
