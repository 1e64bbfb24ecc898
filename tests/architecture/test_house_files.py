"""Nothing unowned, no secret, no address of a registry, no link into the void."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from architecture.tree import ROOT, files, written

PRIVATE = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*\n[A-Za-z0-9+/=\s]{40,}")
TOKEN = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{20,}|sk_live_[0-9a-zA-Z]{20,}|aif_key_[a-z0-9]{26,}_[0-9a-f]{8})\b"
)
REGISTRIES = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com"]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def text(name: str) -> str:
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return ""


def owner(name: str, rules: list[tuple[str, str]]) -> str | None:
    """As the forge reads CODEOWNERS: the last matching line wins."""
    found = None
    for pattern, team in rules:
        anchored = pattern.lstrip("/")
        if (
            (pattern.endswith("/") and name.startswith(anchored))
            or name == anchored
            or (pattern == "/*" and "/" not in name)
            or ("*" in anchored and "/" in anchored and fnmatch(name, anchored))
        ):
            found = team
    return found


def rules() -> list[tuple[str, str]]:
    lines = [line.split() for line in text("CODEOWNERS").splitlines() if line and not line.startswith("#")]
    return [(line[0], line[1]) for line in lines]


def test_every_path_has_an_owner():
    unowned = [name for name in files() if owner(name, rules()) is None]
    assert not unowned, f"add the path to a domain.toml, or to ACROSS in contracts/maps.py: {unowned[:20]}"


def test_every_owned_path_is_there():
    gone = [pattern for pattern, _ in rules() if "*" not in pattern and not (ROOT / pattern.lstrip("/")).exists()]
    assert not gone, f"take these out of `paths` in a domain.toml, they are not there (then `make contracts`): {gone}"


def test_no_secret_is_in_the_tree():
    found = [name for name in files() if PRIVATE.search(text(name)) or TOKEN.search(text(name))]
    assert not found, f"these look like secrets; make them up in the test when it runs: {found}"


def test_locks_and_configuration_name_no_registry():
    found = [(name, host) for name in files() for host in REGISTRIES if host in text(name)]
    assert not found, "any mirror must work"


def links() -> list[tuple[str, str]]:
    found = []
    for name in written(".md"):
        prose = re.sub(r"```.*?```", "", text(name), flags=re.DOTALL)
        found += [(name, first or second) for first, second in LINK.findall(prose)]
    return [(name, target) for name, target in found if not re.match(r"[a-z]+:|#", target)]


@pytest.mark.parametrize(("name", "target"), links())
def test_a_link_leads_somewhere(name, target):
    place = (ROOT / name).parent / target.split("#")[0]
    assert place.exists(), f"{name} links to {target}"
    if "#" in target and place.suffix == ".md":
        heads = {
            re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in Path(place).read_text().splitlines()
            if line.startswith("#")
        }
        assert target.split("#")[1] in heads, f"{name}: no heading {target}"
