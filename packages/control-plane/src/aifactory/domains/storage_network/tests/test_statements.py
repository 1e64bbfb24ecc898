"""Every statement of the store fits the real schema, and none asks for the time but from the kernel."""

import re

import psycopg
import pytest

from aifactory.domains.storage_network.store import volumes as store

NAME = re.compile(r"%\((\w+)\)s")
STATEMENTS = [
    pytest.param(text, id=name)
    for name, text in sorted(vars(store).items())
    if name.isupper() and not name.startswith("_") and isinstance(text, str)
]


def numbered(statement: str) -> str:
    names = list(dict.fromkeys(NAME.findall(statement)))
    return NAME.sub(lambda match: f"${names.index(match[1]) + 1}", statement)


@pytest.fixture(scope="module")
def schema(postgres_server):
    with psycopg.connect(postgres_server.url("template_house"), autocommit=True) as connection:
        yield connection  # closed again: a template with a connection cannot be copied


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_can_be_prepared(schema, statement):
    schema.execute(f"prepare probe as {numbered(statement)}")
    schema.execute("deallocate probe")
    assert "now()" not in statement.replace("kernel.now()", "")
