"""Every SQL statement of every store is prepared against the real schema: a misspelt column fails here, not at night."""

import ast
import importlib
import re
from collections.abc import Iterator

import psycopg
import pytest
from architecture.tree import CONTROL_PLANE, DOMAINS, ROOT, is_test, production, syntax

VERBS = ("select", "insert", "update", "delete", "with")
METHODS = {"one", "all", "value", "run", "run_many", "json", "execute", "fetch"}
PARAMETER = re.compile(r"%\((\w+)\)s|%s|%%")


def stores() -> list[str]:
    return [name for name in production() if name.startswith(DOMAINS) and re.search(r"/store(/[a-z_]+)?\.py$", name)]


def kernel() -> list[str]:
    return [name for name in production() if name.startswith(CONTROL_PLANE + "kernel/") and not is_test(name)]


def statements(name: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each statement: module constants, and texts handed straight to the transaction."""
    module = importlib.import_module(
        "aifactory." + name.removeprefix(CONTROL_PLANE).removesuffix(".py").replace("/", ".")
    )
    for node in ast.walk(syntax(name)):
        texts: list[ast.expr] = []
        if isinstance(node, ast.Assign) and node in syntax(name).body:
            texts = [node.value]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in METHODS
            and node.args
        ):
            texts = [node.args[0]]
        for text in texts:
            if not isinstance(text, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Name):
                continue
            try:
                value = eval(compile(ast.Expression(text), name, "eval"), dict(vars(module)))  # noqa: S307  our own source
            except NameError:
                continue  # a local variable; its own assignment is checked when it is a constant
            if isinstance(value, str) and value.split()[:1] and value.split()[0].lower() in VERBS:
                yield node.lineno, value


def numbered(statement: str) -> str:
    """psycopg's placeholders as the server's: equal names share a number."""
    numbers: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        key = match[1] or f"position {len(numbers)}"
        return f"${numbers.setdefault(key, len(numbers) + 1)}"

    return PARAMETER.sub(replace, statement)


@pytest.fixture(scope="module")
def connection(postgres_server) -> Iterator[psycopg.Connection]:
    name = postgres_server.fresh()
    with psycopg.connect(postgres_server.url(name), autocommit=True) as opened:
        yield opened
    postgres_server.drop(name)


@pytest.mark.parametrize("name", [*stores(), *kernel()])
def test_every_statement_fits_the_schema(connection, name):
    wrong = []
    for line, statement in {text: line for line, text in statements(name)}.items():
        line, statement = statement, line
        text = numbered(statement) if PARAMETER.search(statement) else statement
        try:
            connection.execute(f"prepare checked as {text}".encode())
            connection.execute("deallocate checked")
        except psycopg.Error as error:
            wrong.append(f"{name}:{line}: {error.diag.message_primary}")
    assert not wrong, (
        "these do not fit the schema (a parameter of unknown type wants a cast, as in %(x)s::text):\n"
        + "\n".join(wrong)
    )


def test_the_stores_are_found_and_speak():
    assert stores()
    silent = [name for name in stores() if not list(statements(name)) and not name.endswith("__init__.py")]
    assert not silent, f"no statement was recognised in {silent}: keep them as module constants"


def test_a_planted_mistake_is_found(connection):
    with pytest.raises(psycopg.errors.UndefinedColumn):
        connection.execute(numbered("prepare planted as select wrong from kernel.audit where id = %(id)s").encode())


def test_no_statement_is_built_from_input():
    """f-strings may hold our own constants; a variable of a function in SQL text is an injection waiting to happen."""
    wrong = []
    for name in stores():
        module = importlib.import_module(
            "aifactory." + name.removeprefix(CONTROL_PLANE).removesuffix(".py").replace("/", ".")
        )
        for node in ast.walk(syntax(name)):
            if isinstance(node, ast.JoinedStr):
                held = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
                if held.split()[:1] and held.split()[0].lower() in VERBS:
                    wrong += [
                        f"{name}:{node.lineno}"
                        for part in node.values
                        if isinstance(part, ast.FormattedValue)
                        and not (isinstance(part.value, ast.Name) and part.value.id in vars(module))
                    ]
    assert not wrong, f"give the value as a parameter, never as part of the SQL: {wrong}"
    assert (ROOT / DOMAINS).is_dir()
