"""Names say what a thing is, and nothing reaches for time, chance or the network behind the kernel's back.

You broke this test? Take the clock from `tx.now()` or an injected Clock, ids from `tx.ids`, the network from an adapter.
"""

import ast
import re
import tomllib
from pathlib import PurePosixPath

import pytest
from architecture.tree import CONTROL_PLANE, ROOT, files, production, strings, syntax, written

EMPTY_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"}
BANNED_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "uuid.uuid4", "uuid4", "uuid.uuid1",
}  # fmt: skip
BANNED_MODULES = {"random", "socket", "requests", "urllib.request", "http.client"}
SQL_CLOCKS = re.compile(
    r"(?<![\w.])now\(\)|\b(clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\(\)|\b(current_timestamp|localtimestamp|current_date|current_time)\b",
    re.IGNORECASE,
)
LOOKS_LIKE_SQL = re.compile(r"\b(select|insert into|update|delete from|create|alter)\b", re.IGNORECASE)


def test_no_file_has_an_empty_name():
    empty = [
        name
        for name in files()
        if any(EMPTY_WORDS & set(re.split(r"[_.-]", part.lower())) for part in PurePosixPath(name).parts)
    ]
    assert not empty, f"say what they hold: {empty}"


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def reaches(name: str) -> set[str]:
    """Banned calls and imports of one file."""
    found = set()
    for node in ast.walk(syntax(name)):
        if isinstance(node, ast.Attribute | ast.Name):
            called = ".".join(dotted(node).split(".")[-2:])
            found |= {called} & BANNED_CALLS
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & BANNED_MODULES
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} & BANNED_MODULES
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & (BANNED_CALLS | BANNED_MODULES)
    return found


def test_time_chance_and_network_are_injected():
    """`banned_calls.toml` is the reviewed list of places that may; an entry that is not needed any more must go."""
    allowed = {
        entry["file"]: set(entry["calls"])
        for entry in tomllib.loads((ROOT / "tests/architecture/banned_calls.toml").read_text())["allowed"]
    }
    found = {name.removeprefix(CONTROL_PLANE): reaches(name) for name in production() if "/adapters/" not in name}
    reached = {name: calls for name, calls in found.items() if calls}
    assert reached == allowed, (
        "take the clock from tx.now(), ids from tx.ids, the network from adapters/. Reviewed exceptions, which only shrink, stand in "
        f"tests/architecture/banned_calls.toml. Now: {reached}"
    )


@pytest.mark.parametrize(
    "name", ["a = datetime.now(UTC)", "import random", "from uuid import uuid4", "t = time.time()", "import socket"]
)
def test_a_planted_call_is_found(name, monkeypatch):
    monkeypatch.setattr("architecture.tree.ast.parse", ast.parse)
    module = ast.parse(name)
    monkeypatch.setitem(globals(), "syntax", lambda _: module)
    assert reaches("planted.py")


def test_stored_times_come_from_the_kernels_clock():
    wrong = []
    for name in written(".sql"):
        if name.startswith(CONTROL_PLANE + "kernel/migrations/"):
            continue
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1):
            if SQL_CLOCKS.search(line.split("--")[0]):
                wrong.append(f"{name}:{number}")
    for name in production():
        if name.endswith("kernel/migrate.py"):
            continue  # writes its own record before kernel.now() exists
        wrong += [
            f"{name}:{line}" for line, text in strings(name) if LOOKS_LIKE_SQL.search(text) and SQL_CLOCKS.search(text)
        ]
    assert not wrong, f"use kernel.now(): {wrong}"
