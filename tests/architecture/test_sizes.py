"""Files and functions stay small enough to read at one go. `size_ratchet.json` lists what is still too long; it only shrinks.

You broke this test? Split the file by noun or the function by step. Do not add to the list: it is compared with the last commit.
"""

import ast
import json
import subprocess

from architecture.tree import ROOT, is_test, syntax, written

RATCHET = "tests/architecture/size_ratchet.json"
FILE_LINES, TEST_LINES, FUNCTION_LINES = 400, 600, 60


def too_long() -> dict[str, int]:
    found = {}
    for name in written(".py", ".sql", ".ts", ".tsx", ".css", ".sh", ".mjs"):
        count = len((ROOT / name).read_text().splitlines())
        if count > (TEST_LINES if is_test(name) else FILE_LINES):
            found[name] = count
    for name in written(".py"):
        for node in ast.walk(syntax(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES:
                    found[f"{name}::{node.name}"] = count
    return found


def test_nothing_is_longer_than_the_ratchet_allows():
    allowed, found = json.loads((ROOT / RATCHET).read_text()), too_long()
    grown = {name: count for name, count in found.items() if count > allowed.get(name, 0)}
    assert not grown, (
        f"too long (files {FILE_LINES}, tests {TEST_LINES}, functions {FUNCTION_LINES} lines); split the file by noun, the function by step: {grown}"
    )
    shrunk = {name: found.get(name, 0) for name, count in allowed.items() if found.get(name, 0) < count}
    assert not shrunk, f"well done; now take it into {RATCHET}, so that it stays: {shrunk}"


def test_the_ratchet_only_shrinks():
    shown = subprocess.run(
        ["git", "-C", str(ROOT), "show", f"HEAD:{RATCHET}"], capture_output=True, timeout=30, check=False
    )
    if shown.returncode != 0:
        return  # new, or not in git: nothing to compare with
    before, now = json.loads(shown.stdout), json.loads((ROOT / RATCHET).read_text())
    grown = {name for name, count in now.items() if count > before.get(name, 0)}
    assert not grown, f"split these instead of raising what {RATCHET} allows: {grown}"
