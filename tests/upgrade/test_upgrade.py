"""A database left by an earlier commit of main is brought up to date and keeps what is in it.

Migrations are frozen from the first commit of main on. Its code, as it was, makes and fills the database; today's
migrations then run on it.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest

from aifactory.domains import migration_places
from aifactory.kernel import migrate

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def earlier(tmp_path):
    """The source tree of main's first commit."""
    first = git("rev-list", "--max-parents=0", "HEAD").split()[-1].decode()
    archive = git("archive", first, "packages/control-plane/src", "packages/protocol/src")
    tarfile.open(fileobj=io.BytesIO(archive)).extractall(tmp_path)
    return tmp_path


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True).stdout


@pytest.fixture
def empty_database(postgres_server):
    name = postgres_server.fresh(template="template0")
    yield name
    postgres_server.drop(name)


def run_earlier(tree: Path, command: str, environment: dict[str, str]) -> dict:
    path = os.pathsep.join(str(tree / place) for place in ("packages/control-plane/src", "packages/protocol/src"))
    script = "import sys; from aifactory import admin; sys.argv = ['admin', *sys.argv[1:]]; admin.main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *command.split()],
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "{}")


def test_todays_migrations_run_on_yesterdays_database(earlier, empty_database, postgres_server, tmp_path):
    owner = postgres_server.url(empty_database)
    secrets = str(tmp_path / "secrets")
    run_earlier(earlier, f"init-secrets --dir {secrets}", {})
    assert run_earlier(earlier, "migrate", {"AIF_OWNER_URL": owner})["applied"]
    run_earlier(
        earlier,
        "seed",
        {
            "AIF_DATABASE_URL": postgres_server.url(empty_database, "aif_api_login"),
            "AIF_SECRETS_DIR": secrets,
            "AIF_DEV_ISSUER": "1",
        },
    )
    counts = rows(owner)
    migrate.apply(owner, migrate.collect(migration_places()))
    assert migrate.apply(owner, migrate.collect(migration_places())) == []
    after = rows(owner)
    assert {table: after[table] for table in counts} == counts


def rows(url: str) -> dict[str, int]:
    """How many rows each table of ours holds, but for those that migrations themselves write."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema') "
            "and c.relname not in ('migrations', 'platform_tables', 'skus', 'prices')"
        ).fetchall()
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for (name,) in tables}


def test_a_database_of_a_newer_version_is_refused(owner_url):
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(
            "insert into kernel.migrations (schema, number, name, digest) values ('billing', 9999, '9999_tomorrow.sql', 'x')"
        )
    with pytest.raises(migrate.MigrationError, match="newer version"):
        migrate.apply(owner_url, migrate.collect(migration_places()))


def test_a_migration_that_changed_after_it_ran_is_refused(owner_url):
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("update kernel.migrations set digest = 'other' where schema = 'kernel' and number = 1")
    with pytest.raises(migrate.MigrationError, match="changed after it was applied"):
        migrate.apply(owner_url, migrate.collect(migration_places()))
