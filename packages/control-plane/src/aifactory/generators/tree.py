"""The repository while something is made in it: everything is staged, tidied and judged before the first byte is written."""

import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from string import Template

from aifactory.generators.refusal import Refused

CONTROL_PLANE = "packages/control-plane/src/aifactory"
DOMAINS = f"{CONTROL_PLANE}/domains"
EVENTS = f"{CONTROL_PLANE}/events"
TEMPLATES = "docs/how-to/templates"
BUILT = ("contracts", "MAP.md", "CODEOWNERS", ".importlinter")  # what `contracts build` writes
TIDY_SECONDS = 60
BUILD_SECONDS = 300


class Words(Template):
    """`§{noun}`: a sign that occurs neither in Python nor in TypeScript."""

    delimiter = "§"


class Tree:
    """Reads files as they will be; `commit` writes them, all or none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.staged: dict[str, str] = {}
        self.fresh: set[str] = set()
        self.moved: dict[str, str] = {}
        self._folders: list[Path] = []  # made by us, the outer ones first

    def exists(self, path: str) -> bool:
        return path in self.staged or (path not in self.moved and (self.root / path).exists())

    def read(self, path: str) -> str:
        if path in self.staged:
            return self.staged[path]
        if not (self.root / path).is_file():
            raise Refused(f"{path} is not there. Is this the repository, and the domain's name right?")
        return (self.root / path).read_text()

    def names(self, folder: str, pattern: str) -> list[str]:
        """Paths of the files in `folder` that match, staged ones too."""
        there = {str(path.relative_to(self.root)) for path in (self.root / folder).glob(pattern)}
        made = {
            path
            for path in self.staged
            if str(PurePosixPath(path).parent) == folder and PurePosixPath(path).match(pattern)
        }
        return sorted((there | made) - set(self.moved))

    def create(self, path: str, text: str) -> None:
        """Raises Refused when the file is there: nothing that somebody wrote is overwritten."""
        if self.exists(path):
            raise Refused(f"{path} is there already, and is not overwritten. Choose another name, or go on by hand.")
        self.staged[path] = text
        self.fresh.add(path)

    def edit(self, path: str, text: str) -> None:
        self.read(path)
        self.staged[path] = text

    def move(self, old: str, new: str) -> None:
        self.create(new, self.read(old))
        self.moved[old] = new

    def fill(self, template: str, words: dict[str, str]) -> str:
        return Words((self.root / TEMPLATES / f"{template}.tmpl").read_text()).substitute(words)

    def tidy(self) -> None:
        """Imports in order and code formatted, as `make check` wants them."""
        for path, text in self.staged.items():
            if path.endswith(".py"):
                ordered = self._ruff(path, text, "check", "--fix-only", "--quiet", "--select", "I,RUF022")
                self.staged[path] = self._ruff(path, ordered, "format", "--quiet")

    def commit(self) -> None:
        """Writes everything and builds the contracts. Whatever fails, the tree is afterwards as it was before."""
        self.tidy()
        before = {path: (self.root / path).read_bytes() for path in (*self._built(), *self.moved, *self._edited())}
        try:
            self._write()
            self._build()
        except BaseException:
            self._restore(before)
            raise

    def _edited(self) -> list[str]:
        return [path for path in self.staged if path not in self.fresh]

    def _built(self) -> list[str]:
        places = [self.root / name for name in BUILT]
        files = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
        return [str(path.relative_to(self.root)) for path in files if path.is_file()]

    def _write(self) -> None:
        for path in self.moved:
            (self.root / path).unlink()
        for path, text in self.staged.items():
            for folder in reversed([one for one in (self.root / path).parents if not one.exists()]):
                folder.mkdir()
                self._folders.append(folder)
            (self.root / path).write_text(text)

    def _build(self) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "aifactory.contracts", "build"],
            cwd=self.root, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode != 0:
            raise Refused(f"The contracts cannot be built with it, so nothing was made:\n{ran.stdout}{ran.stderr}")

    def _restore(self, before: dict[str, bytes]) -> None:
        for path in {*self.fresh, *self._built()} - set(before):
            (self.root / path).unlink(missing_ok=True)
        for folder in reversed(self._folders):
            shutil.rmtree(folder, ignore_errors=True)  # bytecode may have been written into it
        for path, content in before.items():
            (self.root / path).write_bytes(content)

    def _ruff(self, path: str, text: str, *words: str) -> str:
        ran = subprocess.run(
            [Path(sys.executable).with_name("ruff"), *words, "--stdin-filename", path, "-"],
            cwd=self.root, input=text, capture_output=True, text=True, timeout=TIDY_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode != 0:
            raise Refused(f"{path} would not be Python (a fault of the generator): {ran.stderr[-500:]}")
        return ran.stdout
