"""The repository as its own tests see it: files that are or will be committed, and Python read as syntax."""

import ast
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONTROL_PLANE = "packages/control-plane/src/aifactory/"
DOMAINS = CONTROL_PLANE + "domains/"
GENERATED = ("portal/src/api/generated/", "contracts/", "requirements/", "docs/pictures/")
_NEVER = {".git", ".venv", ".tools", "node_modules", "__pycache__", "portal_dist", "dist"}


@lru_cache(maxsize=1)
def files() -> tuple[str, ...]:
    """Every file that git tracks or would track, relative to the root. Without git (an archive): every file."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not _NEVER & set(path.parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def written(*suffixes: str) -> list[str]:
    """Files with these endings that people wrote, not generators."""
    return [name for name in files() if name.endswith(suffixes) and not name.startswith(GENERATED)]


def is_test(name: str) -> bool:
    return name.startswith("tests/") or "/tests/" in name or ".test." in name or name.endswith("conftest.py")


def production() -> list[str]:
    """Python of the control plane that runs in production: no tests, no test support."""
    return [
        name
        for name in written(".py")
        if name.startswith(CONTROL_PLANE) and not is_test(name) and "/testing/" not in name
    ]


@lru_cache(maxsize=2048)
def syntax(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(), name)


def docstrings(module: ast.Module) -> set[int]:
    """ids of the string nodes that are docstrings."""
    found = set()
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            found.add(id(body[0].value))
    return found


def strings(name: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every string in the code that is not a docstring."""
    module = syntax(name)
    skipped = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def domain_of(name: str) -> str | None:
    """The domain whose room a file lies in."""
    return (
        name.removeprefix(DOMAINS).split("/")[0]
        if name.startswith(DOMAINS) and "/" in name.removeprefix(DOMAINS)
        else None
    )
