"""Starting the tenant's programs and collecting every process that ends, our own children and orphans alike."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import signal
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

SHELLS = ("/bin/bash", "/bin/sh")
PASSED_ON = ("LANG", "LANGUAGE", "TZ", "COLORTERM", "NO_COLOR")
MOST_VARIABLES = 64
MOST_VALUE_CHARACTERS = 4_096


class Reaper:
    """The one place that waits for children: PID 1 in some sandboxes, so orphans end here too."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[int]] = {}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen for ended children."""
        loop.add_signal_handler(signal.SIGCHLD, self._collect)

    def expect(self, pid: int) -> asyncio.Future[int]:
        """A future of the child's wait status; call it right after the start, before giving the loop back."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[pid] = future
        return future

    def _collect(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            future = self._waiting.pop(pid, None)
            if future is not None and not future.done():
                future.set_result(status)


def shell() -> str:
    """The tenant's shell."""
    return next((path for path in SHELLS if os.access(path, os.X_OK)), "/bin/sh")


def environment(home: Path, kind: str, wishes: dict[str, str], terminal: str | None) -> dict[str, str]:
    """What a session's program finds: nothing of the door's, and of the client's only language and look."""
    user = _user_name()
    made = {
        "HOME": str(home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": shell(),
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        "AIF_SANDBOX_KIND": kind,
    }
    if kind == "process":
        made["TMPDIR"] = str(home.parent / "tmp")
        made |= {name: value for name, value in os.environ.items() if name == "AIF_SANDBOX"}
    for name, value in list(wishes.items())[:MOST_VARIABLES]:
        if (name in PASSED_ON or name.startswith("LC_")) and len(value) <= MOST_VALUE_CHARACTERS:
            made[name] = value
    if terminal:
        made["TERM"] = terminal
    return made


def spawn(command: str | None, home: Path, variables: dict[str, str], tty: int | None) -> subprocess.Popen[bytes]:
    """Start the command, or a login shell without one; on the terminal `tty`, or with three pipes."""
    program = shell()
    name = Path(program).name
    arguments = [f"-{name}"] if command is None else [name, "-c", command]
    return start(program, arguments, home, variables, tty)


def start(
    program: str, arguments: list[str], home: Path, variables: dict[str, str], tty: int | None
) -> subprocess.Popen[bytes]:
    """Start this program with exactly these arguments."""
    stream = subprocess.PIPE if tty is None else tty
    return subprocess.Popen(
        arguments,
        executable=program,
        bufsize=0,
        stdin=stream,
        stdout=stream,
        stderr=stream,
        cwd=home if home.is_dir() else "/",
        env=variables,
        start_new_session=True,
        preexec_fn=_prepare(tty is not None),
    )


def _prepare(on_terminal: bool) -> Callable[[], None]:
    def prepare() -> None:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.umask(0o022)
        _worth_less_than_the_door()
        if on_terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return prepare


def _worth_less_than_the_door() -> None:
    """When memory runs out, the eater goes, not the way in."""
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(descriptor, b"0")
        os.close(descriptor)
    except OSError:
        return


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "tenant"
