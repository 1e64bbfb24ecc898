"""Starting one process so that it can never outlive us, and noticing the moment it ends."""

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aifactory_deploy.accounts import Account

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Program:
    """What to start. `account` None stays with our own user. `orphan_signal` is what it gets when we are killed."""

    name: str
    argv: list[str]
    env: dict[str, str]
    account: Account | None = None
    cwd: Path = Path("/")
    umask: int = 0o077
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    orphan_signal: signal.Signals = signal.SIGKILL
    inherit: tuple[int, ...] = field(default=())


def spawn(program: Program, output: int) -> subprocess.Popen[bytes]:
    """Call from the main thread only: the kernel sends the orphan signal when the *thread* that forked ends."""
    account = program.account
    return subprocess.Popen(
        program.argv,
        env=program.env,
        cwd=program.cwd,
        umask=program.umask,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=program.inherit,
        start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which stops the others in order
        preexec_fn=_bind_to(os.getpid(), program),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _bind_to(parent: int, program: Program) -> Callable[[], None]:
    """Runs in the child after the change of user, which would clear the orphan signal."""

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(program.orphan_signal), 0, 0, 0)
        if program.account:
            _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was set
            os._exit(1)

    return bind


class Child:
    """A started process. `ended` resolves to its exit status (negative: the signal that ended it)."""

    def __init__(self, program: Program, output: int) -> None:
        self.program = program
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._process = spawn(program, output)
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._on_end)

    def _on_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.ended.set_result(self._process.wait())

    async def stop(self) -> None:
        """Asks, waits as long as the program may take, then kills. Returns when it is gone."""
        if not self.ended.done():
            self._process.send_signal(self.program.stop_signal)
            try:
                await asyncio.wait_for(asyncio.shield(self.ended), self.program.stop_seconds)
            except TimeoutError:
                self._process.kill()
        await self.ended
