"""The words of one resource of one room, and where its files lie."""

import re
from dataclasses import dataclass

from aifactory.generators.refusal import Refused
from aifactory.generators.tree import DOMAINS, Tree
from aifactory.generators.words import checked, class_name, singular, with_article

MOST_PREFIX_LETTERS = 6
BELOW_PROJECTS = ("iam", "platform_control")
_PREFIXES = re.compile(r"ids\.new\(\"([a-z]+)\"")


@dataclass(frozen=True)
class Resource:
    """`noun` and `nouns` as in Python (launch_template, launch_templates), of the room `domain`."""

    domain: str
    noun: str
    nouns: str

    @property
    def room(self) -> str:
        return f"{DOMAINS}/{self.domain}"

    @property
    def path(self) -> str:
        return self.nouns.replace("_", "-")

    def words(self) -> dict[str, str]:
        """What the templates may say."""
        text, texts, a_noun = self.noun.replace("_", " "), self.nouns.replace("_", " "), with_article(self.noun)
        return {
            "domain": self.domain, "noun": self.noun, "nouns": self.nouns, "path": self.path, "NOUNS": self.nouns.upper(),
            "Noun": class_name(self.noun), "Nouns": class_name(self.nouns), "a_noun": a_noun, "A_noun": a_noun[0].upper() + a_noun[1:],
            "text": text, "texts": texts, "Text": text.capitalize(), "Texts": texts.capitalize(),
        }  # fmt: skip


def resource_of(domain: str, nouns: str, noun: str = "") -> Resource:
    """Raises Refused for names that would not be names of this house."""
    many = checked(nouns, "RESOURCE")
    one = checked(noun, "NOUN") if noun else checked(singular(many), "NOUN")
    if one == many:
        raise Refused("NOUN is what one of them is called, RESOURCE what many are: they must differ.")
    return Resource(domain, one, many)


def room_of(tree: Tree, domain: str) -> str:
    """The name of a room that is there."""
    name = domain.strip().replace("-", "_")
    rooms = [path.split("/")[-2] for path in tree.names(DOMAINS, "*/manifest.py")]
    if name not in rooms and f"{DOMAINS}/{name}/manifest.py" not in tree.staged:
        raise Refused(f"DOMAIN={domain} is no domain. There are: {', '.join(rooms)} (MAP.md says what each is for).")
    return name


def prefix_of(tree: Tree, resource: Resource, wanted: str = "") -> str:
    """Of its ids. Raises Refused when another noun has it: an id must say what it is of."""
    prefix = wanted or resource.noun.replace("_", "")[:3]
    if not re.fullmatch(rf"[a-z]{{2,{MOST_PREFIX_LETTERS}}}", prefix):
        raise Refused(f"PREFIX={prefix} cannot begin ids. Use 2 to {MOST_PREFIX_LETTERS} lower-case letters.")
    for path in sorted((tree.root / DOMAINS).rglob("*.py")):
        if "/tests/" not in str(path) and prefix in _PREFIXES.findall(path.read_text()):
            raise Refused(
                f"Ids that begin with {prefix}_ belong to {path.relative_to(tree.root)}. Say PREFIX=… yourself."
            )
    return prefix


def module(tree: Tree, room: str, kind: str, name: str) -> tuple[str, str]:
    """(path, module below the room) of a new member of `routes` or `flows`: as its neighbours lie, in a folder or beside."""
    if tree.exists(f"{room}/{kind}/__init__.py"):
        return f"{room}/{kind}/{name}.py", f"{kind}.{name}"
    flat = f"{kind if kind == 'routes' else 'flow'}_{name}"
    return f"{room}/{flat}.py", flat


def existing_module(tree: Tree, room: str, kind: str, name: str) -> str:
    path, _ = module(tree, room, kind, name)
    if not tree.exists(path):
        raise Refused(f"{path} is not there: `make new-route` makes the resource first.")
    return path
