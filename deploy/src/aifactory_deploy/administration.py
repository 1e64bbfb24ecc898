"""The control plane's own administration commands, run to their end: `python -m aifactory.admin …` and the agent's."""

import asyncio
import hashlib
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from aifactory_deploy.accounts import Account
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.logs import last_lines, open_log
from aifactory_deploy.processes import Child, Program
from aifactory_deploy.refusal import Exit, Refusal

STEP_SECONDS = 300.0
MIGRATION_REFUSED = 3  # exit status of `migrate` when the database and this version do not fit
_LOG = "setup"


async def run_to_end(layout: Layout, program: Program) -> None:
    """Raises Refusal with the program's last words when it fails; it writes to logs/setup.log."""
    log = open_log(layout.logs, _LOG)
    begins = os.fstat(log).st_size
    try:
        status = await _end_of(Child(program, log))
    finally:
        os.close(log)
    if status != 0:
        raise _refusal(program.name, status, last_lines(layout.logs, _LOG, since_byte=begins), layout)


async def run_step(
    layout: Layout,
    module: str,
    *arguments: str,
    env: dict[str, str],
    inherit: tuple[int, ...],
    account: Account | None = None,
) -> None:
    """Runs `python -m module arguments…`, as `account` or as ourselves."""
    await run_to_end(layout, replace(_step(module, arguments, env, inherit), account=account))


async def read_step(layout: Layout, module: str, *arguments: str, env: dict[str, str], inherit: tuple[int, ...]) -> str:
    """The same for a step that answers on stdout; the answer goes to no log, for it may be a secret."""
    read, write = os.pipe()
    step = _step(module, arguments, env, inherit)
    child = Child(step, write)
    os.close(write)
    reader = asyncio.StreamReader()
    with os.fdopen(read, "rb") as pipe:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        answer = (await reader.read()).decode(errors="replace")
        status = await _end_of(child)
    if status != 0:
        raise _refusal(step.name, status, answer.strip()[-2000:], layout)
    return answer


def _step(module: str, arguments: tuple[str, ...], env: dict[str, str], inherit: tuple[int, ...]) -> Program:
    argv = [sys.executable, "-m", module, *arguments]
    return Program(f"python -m {module} {arguments[0]}", argv, env, umask=0o022, inherit=inherit)


async def _end_of(child: Child) -> int:
    try:
        return await asyncio.wait_for(asyncio.shield(child.ended), STEP_SECONDS)
    except TimeoutError:
        await child.stop()
        return 124
    except asyncio.CancelledError:
        await child.stop()
        raise


def _refusal(step: str, status: int, lines: str, layout: Layout) -> Refusal:
    if status == MIGRATION_REFUSED and "newer version" in lines:
        return Refusal(
            Exit.NEWER_DATA, lines.strip(), "Start it with that version, or choose another place: --data-dir DIR"
        )
    if "No space left on device" in lines:
        return Refusal(
            Exit.DISK_FULL, f"The disk is full: {step} could not finish.", "Free some space and run `aif up` again."
        )
    return Refusal(
        Exit.START_FAILED,
        f"`{step}` failed (exit status {status}); its last lines:",
        f"Logs: {layout.logs}",
        lines,
    )


class SchemaStamp:
    """Skips migrating and seeding when nothing that they read has changed since they last succeeded here."""

    def __init__(self, layout: Layout, database: str) -> None:
        self._path = layout.root / "schema.stamp"
        package = _package()
        sources = sorted(path for kind in ("*.py", "*.sql") for path in package.rglob(kind))
        digest = hashlib.sha256(database.encode())
        for source in sources:
            stat = source.stat()
            digest.update(f"{source.relative_to(package)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        self._digest = digest.hexdigest()
        self.migrations = sum(1 for source in sources if source.suffix == ".sql" and source.parent.name == "migrations")

    @property
    def digest(self) -> str:
        """Of this release's sources, for whoever keeps a record of what they have done with it."""
        return self._digest

    @property
    def holds(self) -> bool:
        return self._path.exists() and self._path.read_text() == self._digest

    def set(self) -> None:
        write_whole(self._path, self._digest)


def _package() -> Path:
    spec = find_spec("aifactory")
    if spec is None or not spec.submodule_search_locations:
        raise Refusal(Exit.START_FAILED, "The package aifactory is not installed.", "Run `make venv`.")
    return Path(next(iter(spec.submodule_search_locations)))
