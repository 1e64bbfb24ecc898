"""`make new-domain`: a room with everything that every room has, and its first resource, so that it is not empty."""

import re

from aifactory.domains import BOTTOM_UP
from aifactory.generators import python_edits as python
from aifactory.generators.new_route import new_route
from aifactory.generators.refusal import Refused
from aifactory.generators.resource import BELOW_PROJECTS, resource_of, room_of
from aifactory.generators.tree import CONTROL_PLANE, DOMAINS, Tree
from aifactory.generators.words import checked

ORDER = f"{DOMAINS}/__init__.py"
MANIFESTS = f"{CONTROL_PLANE}/manifests.py"
ROOM = ("README.md", "domain.toml", "facade.py", "manifest.py", "smoke.py")
MOST_SENTENCE_LETTERS = 200
TEAM = re.compile(r"[a-z][a-z0-9-]{1,38}")


def new_domain(
    tree: Tree,
    domain: str,
    resource: str,
    what: str,
    team: str,
    owner: str,
    skills: str,
    trigger: str = "what it does is relied on by tenants every day",
    below: str = "product",
    noun: str = "",
    prefix: str = "",
) -> list[str]:
    """Stages everything; returns what is left to do by hand. Raises Refused.

    below: the room above it; facade calls go down, so it may call every room under that.
    """
    name, above = checked(domain, "DOMAIN"), room_of(tree, below)
    if tree.exists(f"{DOMAINS}/{name}"):
        raise Refused(f"{DOMAINS}/{name} is there already. `make new-route` puts something into a room that is there.")
    if above in BELOW_PROJECTS:
        raise Refused(f"BELOW={below} is too low: a room with resources of projects stands above iam.")
    if not TEAM.fullmatch(team):
        raise Refused(f"TEAM={team} cannot be a team: lower-case letters, digits and hyphens, as in CODEOWNERS.")
    words = resource_of(name, resource, noun).words() | {
        "team": team, "title": name.replace("_", " ").capitalize(), "what": _sentence(what, "WHAT"), "owner": _sentence(owner, "OWNER"),
        "trigger": _sentence(trigger, "TRIGGER"), "skills": ", ".join(f'"{_sentence(one, "SKILLS")}"' for one in skills.split(",")),
    }  # fmt: skip
    tree.create(f"{DOMAINS}/{name}/__init__.py", f'"""{words["what"]}"""\n')
    for file in ROOM:
        tree.create(f"{DOMAINS}/{name}/{file}", tree.fill(f"domain/{file}", words))
    _placed(tree, name, above)
    left = new_route(tree, name, resource, noun, prefix)
    return [
        f"{DOMAINS}/{name}/domain.toml says who answers for it: have that human agree, and the neighbours {above} and below.",
        *left,
    ]


def _placed(tree: Tree, name: str, above: str) -> None:
    """Among the rooms from the bottom up, and among the manifests from the top down."""
    assert above in BOTTOM_UP
    order = tree.read(ORDER)
    tree.edit(ORDER, order.replace(f'    "{above}",\n', f'    "{name}",\n    "{above}",\n', 1))
    text = python.with_import(
        tree.read(MANIFESTS), f"from aifactory.domains.{name}.manifest import MANIFEST as {name.upper()}"
    )
    tree.edit(MANIFESTS, text.replace(f"    {above.upper()},\n", f"    {above.upper()},\n    {name.upper()},\n", 1))


def _sentence(text: str, what: str) -> str:
    """Fit for a line of TOML and of Markdown."""
    found = " ".join(text.split())
    if not found or len(found) > MOST_SENTENCE_LETTERS or set(found) & set('"\\`<>|'):
        raise Refused(
            f'{what}={text!r} must be 1 to {MOST_SENTENCE_LETTERS} letters in one line, without " \\ ` < > and |.'
        )
    return found
