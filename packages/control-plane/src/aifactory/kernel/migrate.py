"""Applies each domain's plain-SQL migrations, forward only, each in a transaction of its own with its record."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

ROLES = ("aif_tenant", "aif_worker", "aif_operator")
LOGINS = {"aif_api_login": ("aif_tenant", "aif_worker", "aif_operator"), "aif_worker_login": ("aif_worker",)}
_LOCK = 7_042_001  # advisory lock: two migrators never interleave
_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class MigrationError(Exception):
    """A migration cannot be applied; the message says which and why."""


@dataclass(frozen=True)
class Migration:
    schema: str
    number: int
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def collect(places: list[tuple[str, Path]]) -> list[Migration]:
    """places: (schema, folder) from the bottom of the house to its top. Raises MigrationError on a bad name and on
    a number given twice. Gaps are no mistake: work done side by side takes its numbers ahead."""
    found = []
    for schema, folder in places:
        last = 0
        for path in sorted(folder.glob("*.sql")):
            match = _NAME.match(path.name)
            if not match or int(match[1]) <= last:
                raise MigrationError(f"{path}: expected <number>_<what>.sql with a number of its own above {last:04d}")
            last = int(match[1])
            found.append(Migration(schema, last, path))
    return found


def apply(owner_url: str, migrations: list[Migration], passwords: dict[str, str] | None = None) -> list[str]:
    """Brings the database up to date and returns what was applied. `passwords`: login role -> password.

    Connected as a superuser it creates `aif_owner` and works as that role, so that tables never belong to a superuser.
    """
    applied = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _create_roles(connection, passwords or {})
        done = _done(connection)
        _refuse_newer(done, migrations)
        for migration in migrations:
            digest = done.get((migration.schema, migration.number))
            if digest == migration.digest:
                continue
            if digest is not None:
                raise MigrationError(
                    f"{migration.path.name} of {migration.schema} changed after it was applied. Write a new migration instead."
                )
            _apply_one(connection, migration)
            applied.append(f"{migration.schema}/{migration.path.name}")
    return applied


def _create_roles(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    existing = {row[0] for row in connection.execute("select rolname from pg_roles")}
    for role in ROLES:
        if role not in existing:
            connection.execute(sql.SQL("create role {} nologin nobypassrls").format(sql.Identifier(role)))
    for login, roles in LOGINS.items():
        if login not in existing:
            connection.execute(sql.SQL("create role {} login noinherit nobypassrls").format(sql.Identifier(login)))
            for role in roles:
                connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login)))
        if login in passwords:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(passwords[login]))
            )
    if superuser and superuser[0]:
        if "aif_owner" not in existing:
            connection.execute("create role aif_owner nologin nobypassrls")
        database = connection.info.dbname
        connection.execute(sql.SQL("grant create on database {} to aif_owner").format(sql.Identifier(database)))
        connection.execute("set role aif_owner")
    connection.execute("create schema if not exists kernel")
    connection.execute(
        "create table if not exists kernel.migrations (schema text, number int, name text not null, digest text not null, "
        "applied_at timestamptz not null default clock_timestamp(), primary key (schema, number))"
    )


def _done(connection: psycopg.Connection) -> dict[tuple[str, int], str]:
    return {
        (row[0], row[1]): row[2] for row in connection.execute("select schema, number, digest from kernel.migrations")
    }


def _refuse_newer(done: dict[tuple[str, int], str], migrations: list[Migration]) -> None:
    known = {(m.schema, m.number) for m in migrations}
    unknown = sorted(set(done) - known)
    if unknown:
        raise MigrationError(
            f"This database was written by a newer version (it has {unknown[0][0]} migration {unknown[0][1]:04d}). Start it with that version."
        )


def _apply_one(connection: psycopg.Connection, migration: Migration) -> None:
    roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    schema = sql.Identifier(migration.schema)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("create schema if not exists {}").format(schema))
            connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, roles))
            connection.execute(migration.text.encode())  # bytes: SQL text with percent signs stays as written
            connection.execute(
                "insert into kernel.migrations (schema, number, name, digest) values (%s, %s, %s, %s)",
                (migration.schema, migration.number, migration.path.name, migration.digest),
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.schema}/{migration.path.name}: {error}") from error
