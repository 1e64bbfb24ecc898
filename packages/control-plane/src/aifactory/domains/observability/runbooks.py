"""Every domain's runbooks, as they lie in the house: read once, served as text."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aifactory.kernel.errors import not_found

DOMAINS = Path(__file__).parent.parent
IN_REPOSITORY = "packages/control-plane/src/aifactory/domains"
_PATH = re.compile(rf"^{IN_REPOSITORY}/(?P<domain>[a-z_]+)/runbooks/(?P<name>[a-z0-9-]+)\.md$")


@dataclass(frozen=True)
class RunbookView:
    """What to do about one kind of trouble. `url` answers with its text in Markdown."""

    domain: str
    name: str
    title: str
    url: str


@dataclass(frozen=True)
class RunbookList:
    items: list[RunbookView]
    next_cursor: str | None


@cache
def _texts() -> dict[tuple[str, str], str]:
    return {(path.parts[-3], path.stem): path.read_text() for path in sorted(DOMAINS.glob("*/runbooks/*.md"))}


def every() -> RunbookList:
    """All of them, by domain and name."""
    found = [RunbookView(domain, name, _title(text), url(domain, name)) for (domain, name), text in _texts().items()]
    return RunbookList(found, None)


def text_of(domain: str, name: str) -> str:
    """Its Markdown, or 404."""
    found = _texts().get((domain, name))
    if found is None:
        raise not_found("runbook", f"{domain}/{name}")
    return found


def url(domain: str, name: str) -> str:
    return f"/api/v3/runbooks/{domain}/{name}"


def url_of_path(path: str) -> str | None:
    """Where the runbook with this path in the repository is served; None for what is none."""
    found = _PATH.match(path)
    return url(found["domain"], found["name"]) if found and (found["domain"], found["name"]) in _texts() else None


def _title(text: str) -> str:
    return text.split("\n", 1)[0].lstrip("# ").strip()
