"""`make new-adapter`: a way out of the database, in the shape of storage's object store: a port in the domain's own words,
a thin adapter behind it, and a test against a server that really listens.
"""

from aifactory.generators import python_edits as python
from aifactory.generators.refusal import Refused
from aifactory.generators.resource import room_of
from aifactory.generators.tree import DOMAINS, Tree
from aifactory.generators.words import checked, class_name

NEEDED = ("from collections.abc import Mapping", "from typing import Any, Protocol")


def new_adapter(tree: Tree, domain: str, adapter: str, port: str) -> list[str]:
    """Stages everything; returns what is left to do by hand. Raises Refused."""
    name, vendor, far = room_of(tree, domain), checked(adapter, "ADAPTER"), checked(port, "PORT")
    if vendor == far:
        raise Refused(
            "ADAPTER is the vendor or protocol (grafana), PORT what the domain calls it (dashboards): they must differ."
        )
    text = vendor.replace("_", " ")
    words = {
        "domain": name, "vendor": vendor, "Vendor": class_name(vendor), "VENDOR": vendor.upper(), "vendor_text": text,
        "Vendor_text": text.capitalize(), "port": far, "Port": class_name(far), "PORT": far.upper(),
    }  # fmt: skip
    room = f"{DOMAINS}/{name}"
    _port(tree, room, words)
    if not tree.exists(f"{room}/adapters/__init__.py"):
        tree.create(f"{room}/adapters/__init__.py", f'"""What {name} reaches outside the database."""\n')
    tree.create(f"{room}/adapters/{vendor}.py", tree.fill("adapter/adapter.py", words))
    tree.create(f"{room}/tests/test_{vendor}.py", tree.fill("adapter/test_adapter.py", words))
    _wired(tree, room, words)
    return [
        f"Change `put`, `read` and `remove` in {room}/ports.py into the domain's own verbs, then the paths in the adapter and its test.",
        f"A flow reaches it as an effect: make new-flow DOMAIN={name} FLOW=verb_noun PORT={far}",
        f"The worker is told by AIF_{vendor.upper()}_URL and AIF_{vendor.upper()}_TOKEN_FILE; without them it has none and flows wait.",
    ]


def _port(tree: Tree, room: str, words: dict[str, str]) -> None:
    path = f"{room}/ports.py"
    constant = f'{words["PORT"]} = "{words["domain"]}.{words["port"]}"'
    classes = tree.fill("adapter/ports.py", words)
    if not tree.exists(path):
        head = f'"""What {words["domain"]} needs from outside, in its own words. Adapters keep the vendor\'s."""\n'
        tree.create(path, "\n".join([head, *NEEDED, "", constant]) + "\n" + classes)
        return
    text = tree.read(path)
    if python.defines(text, words["PORT"]) or python.defines(text, words["Port"]):
        raise Refused(f"{path} has a {words['Port']} already. Add an adapter to it by hand, or choose another PORT.")
    for statement in NEEDED:
        text = python.with_import(text, statement)
    tree.edit(path, text.rstrip("\n") + f"\n\n\n{constant}\n" + classes)


def _wired(tree: Tree, room: str, words: dict[str, str]) -> None:
    path, package = f"{room}/manifest.py", f"aifactory.domains.{words['domain']}"
    made = f"configured_{words['vendor']}"
    text = python.with_import(tree.read(path), f"from {package}.adapters.{words['vendor']} import {made}")
    text = python.with_import(text, f"from {package}.ports import {words['PORT']}")
    tree.edit(path, python.with_argument(text, "Manifest", "ports", f"{words['PORT']}: {made}"))
