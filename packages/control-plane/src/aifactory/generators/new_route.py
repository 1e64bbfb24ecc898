"""`make new-route`: a resource of a project, from the table to the page, as platform_control's webhooks and storage's
volumes have it: rows of a tenant, list, create, show and delete, two events, an audit record for each change.
"""

import re

from aifactory.generators import python_edits as python
from aifactory.generators import text_edits as texts
from aifactory.generators.refusal import Refused
from aifactory.generators.resource import BELOW_PROJECTS, Resource, module, prefix_of, resource_of, room_of
from aifactory.generators.tree import CONTROL_PLANE, EVENTS, Tree

ROLES = f"{CONTROL_PLANE}/domains/iam/roles.py"
EXPECTATIONS = "tests/authz/expectations.toml"
FURNISHED = "tests/authz/house_of_two.py"
PORTAL = "portal/src"
VISITED = "tests/journeys/test_accessibility.py"
ASKED = "tests/contract/requests.toml"
BELONGINGS = "tests/contract/belongings.py"


def new_route(tree: Tree, domain: str, resource: str, noun: str = "", prefix: str = "") -> list[str]:
    """Stages everything; returns what is left to do by hand. Raises Refused, and then nothing is staged for good."""
    found = resource_of(room_of(tree, domain), resource, noun)
    if found.domain in BELOW_PROJECTS:
        raise Refused(
            f"{found.domain} lies below projects, so what is made here cannot live there. Put it into a room above "
            "(MAP.md), or copy the shape of platform_control/routes/webhooks.py by hand: docs/how-to/add-a-route.md."
        )
    _free(tree, found)
    words = found.words() | {"prefix": prefix_of(tree, found, prefix)}
    _room(tree, found, words)
    _events(tree, found, words)
    _permissions(tree, found)
    _authorization(tree, found, words)
    _contract(tree, found)
    _portal(tree, found, words)
    return [
        f"Say in {found.room}/README.md what {words['a_noun']} is for, in your words; then add the members that it is about:",
        f"  migrations → store/{found.nouns}.py → {found.noun}.py → {found.nouns}.py → routes → page.",
    ]


def _free(tree: Tree, resource: Resource) -> None:
    if f"/api/v3/{resource.path}:" in tree.read("contracts/openapi.yaml"):
        raise Refused(f"/api/v3/{resource.path} has a home already. Choose another RESOURCE.")
    facade = tree.read(f"{resource.room}/facade.py")
    for name in (resource.noun, f"list_{resource.nouns}", f"create_{resource.noun}"):
        if re.search(rf'"{name}"', facade):
            raise Refused(f"{resource.room}/facade.py opens to `{name}` already. Choose another RESOURCE or NOUN.")


def _room(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    room, nouns = resource.room, resource.nouns
    tree.create(f"{room}/{resource.noun}.py", tree.fill("route/noun.py", words))
    tree.create(f"{room}/{nouns}.py", tree.fill("route/nouns.py", words))
    if tree.exists(f"{room}/store.py"):  # a file becomes a folder of the same name with its second member
        tree.move(f"{room}/store.py", f"{room}/store/__init__.py")
    elif not tree.exists(f"{room}/store/__init__.py"):
        tree.create(
            f"{room}/store/__init__.py", f'"""The only SQL of {resource.domain}; a test prepares every statement."""\n'
        )
    tree.create(f"{room}/store/{nouns}.py", tree.fill("route/store.py", words))
    tree.create(next_migration(tree, room, nouns), tree.fill("route/migration.sql", words))
    routes, _ = module(tree, room, "routes", nouns)
    tree.create(routes, tree.fill("route/routes.py", words))
    tree.create(f"{room}/tests/test_{nouns}.py", tree.fill("route/test_nouns.py", words))
    tree.create(f"{room}/runbooks/{resource.path}-do-not-answer.md", tree.fill("route/runbook.md", words))
    _door(tree, resource, words)
    _manifest(tree, resource, words)
    _smoke(tree, resource, words)
    readme = f"{room}/README.md"
    line = (
        f"**{words['Text']}**: a named thing of a project; deleting it leaves a tombstone, and its name is free again."
    )
    tree.edit(readme, texts.with_noun(tree.read(readme), line))


def next_migration(tree: Tree, room: str, what: str) -> str:
    numbers = [int(path.split("/")[-1][:4]) for path in tree.names(f"{room}/migrations", "[0-9]*.sql")]
    return f"{room}/migrations/{max(numbers, default=0) + 1:04}_{what}.sql"


def _door(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    path, noun, nouns = f"{resource.room}/facade.py", resource.noun, resource.nouns
    source = f"aifactory.domains.{resource.domain}.{nouns}"
    text = tree.read(path)
    for statement in (
        f"from {source} import {words['Noun']}List, {words['Noun']}View, list_{nouns}",
        f"from {source} import create as create_{noun}",
        f"from {source} import delete as delete_{noun}",
        f"from {source} import show as {noun}",
    ):
        text = python.with_import(text, statement)
    names = [f"{words['Noun']}List", f"{words['Noun']}View", f"create_{noun}", f"delete_{noun}", f"list_{nouns}", noun]
    tree.edit(path, python.with_public_names(text, names))


def _manifest(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    path, noun = f"{resource.room}/manifest.py", resource.noun
    _, name = module(tree, resource.room, "routes", resource.nouns)
    package, _, member = f"aifactory.domains.{resource.domain}.{name}".rpartition(".")
    text = python.with_import(tree.read(path), f"from {package} import {member}")
    text = python.with_argument(text, "Manifest", "routers", f"{member}.router")
    for permission, allows in (
        ("read", f"see the {words['texts']} of a project"),
        ("create", f"make {words['texts']} in a project"),
        ("delete", f"delete {words['texts']} of a project"),
    ):
        text = python.with_argument(text, "Manifest", "permissions", f'"{noun}.{permission}": "{allows}"')
    tree.edit(path, text)


def _smoke(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    path = f"{resource.room}/smoke.py"
    check = (
        f'SmokeCheck(\n        "{words["texts"]} can be listed", "/api/v3/{resource.path}", "their table can be read by a tenant",\n'
        f'        permission="{resource.noun}.read", runbook="{resource.domain}/{resource.path}-do-not-answer",\n    )'
    )
    tree.edit(path, python.with_element(tree.read(path), "SMOKE", check))


def _events(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    with_events(tree, resource, tree.fill("route/events.py", words))


def with_events(tree: Tree, resource: Resource, classes: str) -> None:
    """Behind the room's other events; the first ones bring the module and its place in manifest and `domain.toml`."""
    path, domain = f"{EVENTS}/{resource.domain}.py", resource.domain
    if tree.exists(path):
        tree.edit(path, tree.read(path).rstrip("\n") + "\n" + classes)
        return
    head = f'"""What {domain} tells the other domains."""\n\nfrom dataclasses import dataclass\n\nfrom aifactory.events import event\n'
    tree.create(path, head + classes)
    manifest = f"{resource.room}/manifest.py"
    text = python.with_import(tree.read(manifest), f"from aifactory.events import {domain} as events")
    tree.edit(manifest, python.with_plain_argument(text, "Manifest", "events", "events"))
    described = f"{resource.room}/domain.toml"
    tree.edit(described, texts.with_owned_path(tree.read(described), path))


def _permissions(tree: Tree, resource: Resource) -> None:
    text = python.with_sorted_text(tree.read(ROLES), "_SEE", [f"{resource.noun}.read"])
    tree.edit(ROLES, python.with_sorted_text(text, "_USE", [f"{resource.noun}.create", f"{resource.noun}.delete"]))


def _authorization(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    expected = texts.with_expectations(
        tree.read(EXPECTATIONS), resource.domain, tree.fill("route/expectations.toml", words)
    )
    tree.edit(EXPECTATIONS, expected)
    one = f'("{resource.noun}", "/{resource.path}", {{"name": "walls"}})'
    tree.edit(FURNISHED, python.with_loop_element(tree.read(FURNISHED), "_furnish", one))


def _contract(tree: Tree, resource: Resource) -> None:
    """What Schemathesis needs to come through to the new operations on a running house."""
    create, delete = f"POST /api/v3/{resource.path}", f"DELETE /api/v3/{resource.path}/{{{resource.noun}_id}}"
    tree.edit(ASKED, tree.read(ASKED).rstrip() + f'\n\n["{create}"]\nbody = {{ name = "@unique" }}\n')
    text = with_new_one(tree.read(BELONGINGS), resource, delete)
    tree.edit(BELONGINGS, python.with_loop_element(text, "furnish", f'("{resource.noun}_id", "{delete}")'))


def with_new_one(belongings: str, resource: Resource, operation: str) -> str:
    """The operation is tried on something that was made for it."""
    return python.with_pair(belongings, "_MADE_BY", f'"{operation}": ("/{resource.path}", {{"name": "@unique"}})')


def _portal(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    folder = f"{PORTAL}/domains/{resource.domain}"
    tree.create(f"{folder}/{resource.path}.tsx", tree.fill("route/page.tsx", words))
    tree.create(f"{folder}/{resource.path}-data.ts", tree.fill("route/data.ts", words))
    types, pages, navigation = (
        f"{PORTAL}/{name}" for name in ("api/types.ts", "shell/pages.ts", "shell/navigation.ts")
    )
    tree.edit(types, texts.with_portal_type(tree.read(types), words["Noun"]))
    tree.edit(pages, texts.with_portal_page(tree.read(pages), resource.domain, resource.path))
    tree.edit(navigation, texts.with_portal_link(tree.read(navigation), resource.path, words["Texts"]))
    tree.edit(VISITED, python.with_element(tree.read(VISITED), "TENANT", f'"/{resource.path}"'))
