"""Keeps one program running: a crash is followed by a restart after a growing pause, a crash loop by clear words."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aifactory_deploy.logs import last_lines, open_log
from aifactory_deploy.processes import Child, Program
from aifactory_deploy.refusal import Exit, Refusal

CRASHES_ALLOWED = 5
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


class Keeper:
    """`program` is asked for before every start, so that it may clear what a crash left or pick another port.

    `on_change` is called after every start and restart; `failed` resolves to a Refusal when the keeper gives up.
    """

    def __init__(
        self, name: str, program: Callable[[], Awaitable[Program]], logs: Path, on_change: Callable[[], None]
    ) -> None:
        self.name = name
        self.restarts = 0
        self.started_at = 0.0
        self.last_status: int | None = None
        self.failed: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()
        self._program = program
        self._logs = logs
        self._on_change = on_change
        self._child: Child | None = None
        self._crashes: list[float] = []
        self._restart_wanted = False
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and not self._child.ended.done() else None

    async def start(self) -> None:
        await self._launch()
        self._watch = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._child:
            await self._child.stop()

    def restart(self) -> None:
        """Ends the process for a new start with fresh settings; that is no crash."""
        if self._child and not self._child.ended.done():
            self._restart_wanted = True
            os.kill(self._child.pid, self._child.program.stop_signal)

    async def _launch(self) -> None:
        program = await self._program()
        log = open_log(self._logs, self.name)
        try:
            self._child = Child(program, log)
        finally:
            os.close(log)
        self.started_at = time.time()
        self._on_change()

    async def _keep(self) -> None:
        try:
            while True:
                assert self._child is not None
                status = await asyncio.shield(self._child.ended)
                self.last_status = status
                self._on_change()
                await asyncio.sleep(self._pause_after_crash(status))
                self.restarts += 1
                await self._launch()
        except Refusal as refusal:
            self.failed.set_result(refusal)
        except OSError as error:
            self.failed.set_result(Refusal(Exit.START_FAILED, f"{self.name} cannot be started: {error}."))

    def _pause_after_crash(self, status: int) -> float:
        if self._restart_wanted:
            self._restart_wanted = False
            return 0.0
        now = time.monotonic()
        self._crashes = [at for at in self._crashes if now - at < WINDOW_SECONDS] + [now]
        if len(self._crashes) > CRASHES_ALLOWED:
            raise gave_up(self.name, status, len(self._crashes), self._logs)
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (len(self._crashes) - 1))


Keep = Callable[[str, Callable[[], Awaitable[Program]]], Awaitable[Keeper]]


def gave_up(name: str, status: int, crashes: int, logs: Path) -> Refusal:
    """Names the cause where the log names it: a full disk looks like a crash of whoever wrote last."""
    lines = last_lines(logs, name)
    if "No space left on device" in lines:
        return Refusal(
            Exit.DISK_FULL,
            f"The disk is full: {name} could not write and ended.",
            "Free some space and run `aif up` again; nothing that was confirmed is lost.",
            lines,
        )
    ending = f"signal {-status}" if status < 0 else f"exit status {status}"
    return Refusal(
        Exit.CRASH_LOOP,
        f"{name} ended {crashes} times within {WINDOW_SECONDS:.0f} s (last: {ending}); its last lines:",
        f"Read {logs}/{name}.log, mend the cause and run `aif up` again.",
        lines or "(it wrote nothing)",
    )
