"""A copy of the repository in which things are made: `copy.make("new-route", DOMAIN="observability", RESOURCE="annotations")`."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from aifactory.generators.__main__ import ROOT

MADE_SECONDS = 120
TESTED_SECONDS = 900


@dataclass
class Copy:
    root: Path

    def run(self, *words: str, seconds: int = TESTED_SECONDS) -> subprocess.CompletedProcess[str]:
        """Python words, with the copy's packages before the installed ones."""
        sources = ":".join(str(path) for path in (*self.root.glob("packages/*/src"), self.root / "deploy/src"))
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": sources}
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def holds(self, *words: str) -> None:
        ran = self.run(*words)
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-6000:]

    def make(self, generator: str, **arguments: str) -> str:
        words = [f"{key}={value}" for key, value in arguments.items()]
        ran = self.run("-m", "aifactory.generators", generator, *words, seconds=MADE_SECONDS)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def refused(self, generator: str, *words: str) -> str:
        ran = self.run("-m", "aifactory.generators", generator, *words, seconds=MADE_SECONDS)
        assert (ran.returncode, ran.stdout) == (2, ""), ran.stdout + ran.stderr
        return ran.stderr

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        ran = subprocess.run(
            ["git", *who, *words], cwd=self.root, capture_output=True, text=True, timeout=60, check=True
        )
        return ran.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """What git tracks or would track, committed once, so that every change shows."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git tree to copy")
    root = tmp_path / "house"
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    made = Copy(root)
    made.git("init", "-q")
    made.git("add", "-A")
    made.git("commit", "-qm", "as it was")
    return made
