"""Objects by id or by name: people type names, programs ids."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from aifactory_cli.client import Client
from aifactory_cli.failure import Exit, Failure

ID = re.compile(r"[a-z]+_[0-9a-z]{26}")


def find(api: Client, path: str, kind: str, given: str) -> dict[str, Any]:
    """The one living object of the list `path` that is called or identified by `given`."""
    if ID.fullmatch(given):
        return api.get(f"{path}/{quote(given, safe='')}")
    matches = live_named(api, path, given)
    if not matches:
        todo = f"See `aif {path.strip('/')} list`."
        title = f"There is no {kind} called {given!r}"
        raise Failure(Exit.NOT_FOUND, "not_found", title, "", todo, kind)
    if len(matches) > 1:
        ids = ", ".join(str(item.get("id")) for item in matches)
        title = f"{len(matches)} {kind}s are called {given!r}"
        raise Failure(Exit.REFUSED, "ambiguous_name", title, ids, "Use the id.", kind)
    return matches[0]


def live_named(api: Client, path: str, name: str) -> list[dict[str, Any]]:
    """Objects of that name, or with exactly that id, that were neither deleted nor ended; newest ended one if none."""
    named = [item for item in api.items(path) if name in (item.get("name"), item.get("id"))]
    living = [item for item in named if not item.get("deleted_at") and item.get("state") not in ENDED]
    return living or sorted(named, key=lambda item: str(item.get("created_at")), reverse=True)[:1]


ENDED = ("released", "refused", "failed", "deleted", "exited", "stopped")
