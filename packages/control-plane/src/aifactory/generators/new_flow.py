"""`make new-flow`: long-running work on a resource that `new-route` made, in the shape of storage's `delete_volume`; with
PORT= in that of `keep_bucket`, which acts outside the database and reads back.
"""

from aifactory.generators import python_edits as python
from aifactory.generators import text_edits as texts
from aifactory.generators.new_route import BELONGINGS, EXPECTATIONS, ROLES, next_migration, with_events, with_new_one
from aifactory.generators.refusal import Refused
from aifactory.generators.resource import Resource, existing_module, module, room_of
from aifactory.generators.tree import DOMAINS, Tree
from aifactory.generators.words import checked, class_name, doing, done

CRASH_POINTS = "tests/architecture/crash_points.txt"
CHAOS = "tests/chaos/test_crashes.py"
PORT_WORDS = ("port_import", "port_double", "port_init", "port_given", "port_tests")


def new_flow(tree: Tree, domain: str, flow: str, port: str = "", done: str = "") -> list[str]:
    """Stages everything; returns what is left to do by hand. Raises Refused."""
    name = checked(flow, "FLOW")
    found = _resource(tree, room_of(tree, domain), name)
    words = _words(found, name, done) | _port_words(tree, found, port)
    _free(tree, found, words)
    _flow(tree, found, words, "flow/flow_with_effect.py" if port else "flow/flow.py")
    _asked_for(tree, found, words)
    _promises(tree, found, words, effect=bool(port))
    page = f"portal/src/domains/{found.domain}/{found.path}.tsx"
    return [
        "The step does the least that works. Say in its docstring what it is for; wait in it for what has to be true first,",
        f"and put what a person does about each wait into {found.room}/runbooks/{found.noun.replace('_', '-')}-stuck.md.",
        f"{page} shows the states already; a button for it goes beside Delete.",
    ]


def _resource(tree: Tree, domain: str, flow: str) -> Resource:
    """The resource whose noun the flow's name ends with: expire_annotation is about annotations."""
    room = f"{DOMAINS}/{domain}"
    here = [path.split("/")[-1].removesuffix(".py") for path in tree.names(f"{room}/store", "*.py")]
    for nouns in sorted(here, key=len, reverse=True):
        noun = _noun(tree, room, nouns)
        if noun and flow.endswith(f"_{noun}"):
            return Resource(domain, noun, nouns)
    raise Refused(
        f"FLOW={flow} must be a verb and one of the domain's resources, as in expire_annotation, and the resource must have "
        f"the shape of `make new-route`. {domain} has: {', '.join(filter(None, (_noun(tree, room, one) for one in here))) or 'none'}."
    )


def _noun(tree: Tree, room: str, nouns: str) -> str:
    """What one of these is called, where the room has it in the shape of new-route; else nothing."""
    needed = {f"{room}/{nouns}.py": ("create", "show", "view"), f"{room}/store/{nouns}.py": ("one", "lock", "enter")}
    if not all(tree.exists(path) and python.defines(tree.read(path), *names) for path, names in needed.items()):
        return ""
    imported = python.imports_from(
        tree.read(f"{room}/{nouns}.py"), room.removeprefix("packages/control-plane/src/").replace("/", ".")
    )
    return next((module for module, names in imported.items() if f"{class_name(module)}State" in names), "")


def _words(resource: Resource, flow: str, wanted: str) -> dict[str, str]:
    verb = flow.removesuffix(f"_{resource.noun}")
    now, then = doing(verb), checked(wanted, "DONE") if wanted else done(verb)
    return resource.words() | {
        "verb": verb, "doing": now, "done": then, "DOING": now.upper(), "DONE": then.upper(), "Done": class_name(then),
        "Gerund": now.replace("_", " ").capitalize(), "Flow": class_name(flow), "flow": flow,
    }  # fmt: skip


def _port_words(tree: Tree, resource: Resource, port: str) -> dict[str, str]:
    if not port:
        return dict.fromkeys(PORT_WORDS, "")
    name, ports = checked(port, "PORT"), f"{resource.room}/ports.py"
    words = {"port": name, "PORT": name.upper(), "Port": class_name(name), "port_text": name.replace("_", " ")}
    if not tree.exists(ports) or not python.defines(
        tree.read(ports), words["PORT"], words["Port"], f"{words['Port']}Unreachable"
    ):
        raise Refused(
            f"{ports} has no {words['Port']} in the shape of `make new-adapter DOMAIN={resource.domain} PORT={name}`."
        )
    words["an_effect"] = f"what it puts to the {words['port_text']}"
    return words


def _free(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    """One resource, one flow: whoever writes its state is one."""
    if f"{resource.domain}.{resource.noun}:" in tree.read(CRASH_POINTS):
        raise Refused(
            f"{words['A_noun']} has a flow already, and only one flow writes its state: add a state and a step to that one."
        )
    if python.defines(tree.read(f"{resource.room}/{resource.nouns}.py"), words["verb"]):
        raise Refused(
            f"{resource.nouns}.py has a `{words['verb']}` already, so a flow cannot be asked for by that verb."
        )
    if words["doing"] in ("active", "deleted") or words["done"] in ("active", "deleted"):
        raise Refused(f"`{words['verb']}` would need the states {words['doing']} and {words['done']}: one is taken.")


def _flow(tree: Tree, resource: Resource, words: dict[str, str], template: str) -> None:
    path, name = module(tree, resource.room, "flows", words["flow"])
    words["flow_module"] = name
    tree.create(path, tree.fill(template, words))
    tree.create(next_migration(tree, resource.room, words["flow"]), tree.fill("flow/migration.sql", words))
    with_events(tree, resource, tree.fill("flow/event.py", words))
    noun = f"{resource.room}/{resource.noun}.py"
    states = [f'{words["DOING"]} = "{words["doing"]}"', f'{words["DONE"]} = "{words["done"]}"']
    tree.edit(noun, python.with_members(tree.read(noun), f"{words['Noun']}State", states))


def _asked_for(tree: Tree, resource: Resource, words: dict[str, str]) -> None:
    room, domain, noun, verb = resource.room, resource.domain, resource.noun, words["verb"]
    package = f"aifactory.domains.{domain}"
    asks = f"{room}/{resource.nouns}.py"
    text = python.with_function_before(tree.read(asks), "view", tree.fill("flow/ask.py", words))
    text = python.with_import(text, f"from {package}.{words['flow_module']} import {words['Flow']}")
    tree.edit(asks, python.with_import(text, "from aifactory.kernel import flow as flows"))
    door = f"{room}/facade.py"
    text = python.with_import(tree.read(door), f"from {package}.{resource.nouns} import {verb} as {verb}_{noun}")
    tree.edit(door, python.with_public_names(text, [f"{verb}_{noun}"]))
    routes = existing_module(tree, room, "routes", resource.nouns)
    tree.edit(routes, tree.read(routes).rstrip("\n") + "\n" + tree.fill("flow/route.py", words))
    manifest = f"{room}/manifest.py"
    text = python.with_import(tree.read(manifest), f"from {package}.{words['flow_module']} import {words['Flow']}")
    text = python.with_argument(text, "Manifest", "flows", words["Flow"])
    allows = f'"{noun}.{verb}": "{verb.replace("_", " ")} {words["texts"]} of a project"'
    tree.edit(manifest, python.with_argument(text, "Manifest", "permissions", allows))
    tree.edit(ROLES, python.with_sorted_text(tree.read(ROLES), "_USE", [f"{noun}.{verb}"]))


def _promises(tree: Tree, resource: Resource, words: dict[str, str], *, effect: bool) -> None:
    """What the walls ask of a flow: a test of every moment it can die at, a runbook, who may ask for it."""
    tree.create(
        f"{resource.room}/runbooks/{resource.noun.replace('_', '-')}-stuck.md", tree.fill("flow/runbook.md", words)
    )
    if effect:
        words |= {
            "port_import": f"from aifactory.domains.{resource.domain}.ports import {words['PORT']}, {words['Port']}Refused, {words['Port']}Unreachable\n",
            "port_double": tree.fill("flow/port_double.py", words),
            "port_init": "    def __init__(self, database) -> None:\n        super().__init__(database)\n        self.far = Far()\n\n",
            "port_given": f", {{{words['PORT']}: self.far}}",
            "port_tests": tree.fill("flow/port_tests.py", words),
        }
    tree.create(f"{resource.room}/tests/test_{words['flow']}.py", tree.fill("flow/test_flow.py", words))
    kind = f"{resource.domain}.{resource.noun}"
    moments = ("before_commit", "after_commit", *(["after_effect"] if effect else []))
    points = [f"{kind}:{words['doing']}:{moment}" for moment in moments]
    tree.edit(CRASH_POINTS, texts.with_line_sorted(tree.read(CRASH_POINTS), points))
    tree.edit(CHAOS, python.with_element(tree.read(CHAOS), "LIVES_OF_THEIR_OWN", f'"{kind}"'))
    operation = f"POST /api/v3/{resource.path}/{{{resource.noun}_id}}/{words['verb']}"
    tree.edit(BELONGINGS, with_new_one(tree.read(BELONGINGS), resource, operation))
    entry = tree.fill("flow/expectation.toml", words)
    tree.edit(EXPECTATIONS, texts.with_expectations(tree.read(EXPECTATIONS), resource.domain, entry))
