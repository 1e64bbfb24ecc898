"""The walls between the rooms hold. You broke one? Call the facade of the room below, or let an event travel up."""

import ast
import subprocess
import sys
from pathlib import Path

from architecture.tree import DOMAINS, ROOT, domain_of, is_test, production, strings, syntax, written

from aifactory.contracts import walls

LINTER = Path(sys.executable).with_name("lint-imports")
PROTOCOL_MAY = {"msgspec", "cryptography", "aifactory_protocol"}


def test_every_wall_holds():
    ran = subprocess.run(
        [LINTER, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, (
        "call the facade of a room below, or let an event travel up (docs/how-to/mend-a-broken-wall.md):\n"
        + ran.stdout
        + ran.stderr
    )


def test_the_walls_are_those_of_the_rooms_that_are_there():
    assert (ROOT / ".importlinter").read_text() == walls.importlinter(), "run `make contracts`"


def test_a_planted_import_through_a_wall_is_found(tmp_path):
    """The linter is asked about a small house of its own, with the same kinds of wall, and one hole in each."""
    room = tmp_path / "house"
    for path, text in {
        "__init__.py": "", "low/__init__.py": "", "high/__init__.py": "", "low/facade.py": "import house.high.facade", "low/store.py": "",
        "high/facade.py": "", "high/reads.py": "import house.low.store",
    }.items():  # fmt: skip
        (room / path).parent.mkdir(parents=True, exist_ok=True)
        (room / path).write_text(text)
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = house\n"
        "[importlinter:contract:order]\nname = order\ntype = layers\ncontainers = house\nlayers =\n    high\n    low\n"
        "[importlinter:contract:inside]\nname = inside\ntype = protected\nprotected_modules = house.low.store\nallowed_importers = house.low\n"
    )
    ran = subprocess.run(
        [LINTER, "--no-logo", "--no-cache"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode != 0
    assert "house.low.facade -> house.high.facade" in ran.stdout
    assert "house.high.reads -> house.low.store" in ran.stdout


def imports(name: str) -> set[str]:
    found = set()
    for node in ast.walk(syntax(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def test_the_protocol_needs_two_libraries_and_no_more():
    for name in written(".py"):
        if name.startswith("packages/protocol/src/"):
            foreign = {module.split(".")[0] for module in imports(name)} - PROTOCOL_MAY - set(sys.stdlib_module_names)
            assert not foreign, (name, foreign)


def test_only_the_store_speaks_sql():
    words = ("select ", "insert into ", "update ", "delete from ", "with ")
    wrong = []
    for name in production():
        room = domain_of(name)
        if room is None or name.startswith((f"{DOMAINS}{room}/store.py", f"{DOMAINS}{room}/store/")):
            continue
        for line, text in strings(name):
            start = " ".join(text.lower().split())[:400]
            if start.startswith(words) and any(f" {word} " in f" {start} " for word in ("from", "into", "set")):
                wrong.append(f"{name}:{line}")
    assert not wrong, f"move the statement into the domain's store: {wrong}"


def test_a_domain_joins_only_its_own_tables():
    """Its own schema and the kernel's; what another domain knows comes through its facade."""
    rooms = {domain_of(name) for name in production()} - {None}
    wrong = []
    for name in [*production(), *(n for n in written(".sql") if n.startswith(DOMAINS) and not is_test(n))]:
        room = domain_of(name)
        if room is None:
            continue
        texts = strings(name) if name.endswith(".py") else enumerate((ROOT / name).read_text().splitlines(), start=1)
        for line, text in texts:
            code = "\n".join(part.split("--")[0] for part in text.splitlines())
            wrong += [
                f"{name}:{line} reads {other}"
                for other in rooms - {room}
                for word in ("from", "join", "into", "update", "references")
                if f"{word} {other}." in " ".join(code.lower().split())
            ]
    assert not wrong, f"ask the other domain's facade for it: {wrong}"
