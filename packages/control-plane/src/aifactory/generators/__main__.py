"""`python -m aifactory.generators new-route DOMAIN=… RESOURCE=…`: what `make new-route` runs."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aifactory.generators.new_adapter import new_adapter
from aifactory.generators.new_domain import new_domain
from aifactory.generators.new_flow import new_flow
from aifactory.generators.new_route import new_route
from aifactory.generators.refusal import Refused
from aifactory.generators.tree import Tree

ROOT = Path(__file__).parents[5]
BY_MAKE = re.compile(r"(?:^|\s)([A-Za-z_]+)=")


@dataclass(frozen=True)
class Generator:
    """needs, takes: argument -> an example of it, as shown when something is wrong."""

    make: Callable[..., list[str]]
    needs: Mapping[str, str]
    takes: Mapping[str, str]
    how_to: str

    def usage(self, name: str) -> str:
        needed = " ".join(f"{key}={example}" for key, example in self.needs.items())
        taken = " ".join(f"[{key}={example}]" for key, example in self.takes.items())
        return f"make {name} {needed} {taken}".rstrip() + f"      ({self.how_to})"


GENERATORS = {
    "new-route": Generator(
        new_route,
        {"DOMAIN": "observability", "RESOURCE": "annotations"},
        {"NOUN": "annotation", "PREFIX": "ann"},
        "docs/how-to/add-a-route.md",
    ),
    "new-flow": Generator(
        new_flow,
        {"DOMAIN": "observability", "FLOW": "expire_annotation"},
        {"PORT": "dashboards", "DONE": "expired"},
        "docs/how-to/add-a-flow.md",
    ),
    "new-adapter": Generator(
        new_adapter,
        {"DOMAIN": "observability", "ADAPTER": "grafana", "PORT": "dashboards"},
        {},
        "docs/how-to/add-an-adapter.md",
    ),
    "new-domain": Generator(
        new_domain,
        {
            "DOMAIN": "sustainability",
            "RESOURCE": "reports",
            "WHAT": "'Says what energy a project used.'",
            "TEAM": "sustainability",
            "OWNER": "'Head of energy'",
            "SKILLS": "'power metering, PUE'",
        },
        {"BELOW": "product", "TRIGGER": "'reports are audited'", "NOUN": "report", "PREFIX": "rep"},
        "docs/how-to/add-a-domain.md",
    ),
}


def main(words: list[str], environment: Mapping[str, str]) -> int:
    name = words[0] if words else ""
    if name not in GENERATORS:
        print("\n".join(one.usage(each) for each, one in GENERATORS.items()), file=sys.stderr)
        return 2
    generator, tree = GENERATORS[name], Tree(ROOT)
    try:
        given = _given(generator, words[1:], environment)
        left = generator.make(tree, **{key.lower(): value for key, value in given.items()})
        tree.commit()
    except Refused as refused:
        print(f"Nothing was made. {refused}\n{generator.usage(name)}", file=sys.stderr)
        return 2
    for path in sorted(tree.staged):
        print(f"{'made   ' if path in tree.fresh else 'changed'} {path}")
    print("\n".join(left))
    return 0


def _given(generator: Generator, words: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The arguments: written here, or to make, which hands them on in the environment. Raises Refused on others."""
    known = {**generator.needs, **generator.takes}
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    pairs |= {key: environment[key] for key in known if environment.get(key) and key not in pairs}
    said = {*pairs, *BY_MAKE.findall(environment.get("MAKEFLAGS", "").partition("-- ")[2])} | {
        w for w in words if "=" not in w
    }
    if unknown := sorted(said - set(known)):
        raise Refused(f"{', '.join(unknown)}: there is no such argument.")
    if missing := [key for key in generator.needs if not pairs.get(key, "").strip()]:
        raise Refused(f"{', '.join(missing)} is missing.")
    return pairs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
