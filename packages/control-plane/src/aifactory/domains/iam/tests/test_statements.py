"""Every statement of the store fits the real schema, and none asks for the time but from the kernel."""

import re

import psycopg
import pytest

from aifactory.domains.iam.store import audit, credentials, people, quotas, sessions, tenants

NAME = re.compile(r"%\((\w+)\)s")
STATEMENTS = [
    pytest.param(text, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in (audit, credentials, people, quotas, sessions, tenants)
    for name, text in sorted(vars(module).items())
    if name.isupper() and isinstance(text, str) and not name.endswith(("COLUMNS", "_FROM"))
] + [pytest.param(text, id=f"sessions.FORGET.{number}") for number, text in enumerate(sessions.FORGET)]


def numbered(statement: str) -> str:
    names = list(dict.fromkeys(NAME.findall(statement)))
    return NAME.sub(lambda match: f"${names.index(match[1]) + 1}", statement)


@pytest.fixture(scope="module")
def schema(postgres_server):
    with psycopg.connect(postgres_server.url("template_house"), autocommit=True) as connection:
        yield connection  # closed again: a template with a connection cannot be copied


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_can_be_prepared(schema, statement):
    schema.execute(f"prepare probe as {numbered(statement)}".encode())
    schema.execute("deallocate probe")
    assert "now()" not in statement.replace("kernel.now()", "")
