"""`aif apply -f FILE`: makes what is missing, leaves what is there, refuses what would need a change it cannot make."""

from __future__ import annotations

import sys
from typing import Any

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, Failure
from aifactory_cli.inputs import public_key_of
from aifactory_cli.lookup import ENDED, find
from aifactory_cli.manifest_file import KINDS, Document, read
from aifactory_cli.output import show_list
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain

COMPARED = ("sku", "size_gb", "region_id", "image", "mode", "labels")


@click.command(cls=AifCommand)
@click.option("-f", "--file", "source", required=True, metavar="FILE", help="YAML file; - reads standard input.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--wait/--no-wait", help="Return when new allocations are active.")
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(0.1, 86400), default=300.0, help="For --wait.")
@pass_session
def apply(session: Session, source: str, dry_run: bool, wait: bool, timeout_seconds: float) -> None:
    """Make it so. Objects are known by kind and name; what exists already stays as it is.

    \b
    kind: Volume
    name: data
    size_gb: 1
    ---
    kind: Allocation
    name: dev
    sku: local.cpu.1
    ssh_keys: [~/.ssh/id_ed25519.pub]
    volumes: [{name: data}]
    """
    documents = read(source, sys.stdin)
    plan = [(document, _existing(session, document)) for document in documents]
    for document, existing in plan:
        if existing is not None:
            _refuse_difference(document, existing)
    done = []
    for document, existing in plan:
        action = "unchanged" if existing is not None else ("would create" if dry_run else "created")
        item = existing if existing is not None else ({} if dry_run else _create(session, document))
        done.append({"kind": document.kind, "name": document.name, "id": item.get("id"), "action": action})
    if wait and not dry_run:
        _wait(session, done, timeout_seconds)
    columns = [(key, plain(key)) for key in ("action", "kind", "name", "id")]
    show_list(session, {"items": done, "next_cursor": None}, columns, empty="Nothing to do.")


def _existing(session: Session, document: Document) -> dict[str, Any] | None:
    """The living object of this kind and name (and project, where the document says one)."""
    project = _project(session, document, must_exist=False)
    for item in session.api.items(KINDS[document.kind].path):
        living = not item.get("deleted_at") and item.get("state") not in ENDED
        if living and item.get("name") == document.name and project in (None, item.get("project_id")):
            return item
    return None


def _refuse_difference(document: Document, existing: dict[str, Any]) -> None:
    wanted = dict(document.fields)
    if document.kind == "SshKey":
        if str(existing.get("public_key", "")).split()[:2] == _public_key(document).split()[:2]:
            return
        raise _differs(document, "public_key")
    for field in COMPARED:
        if field in wanted and existing.get(field) not in (None, wanted[field]):
            raise _differs(document, field)


def _differs(document: Document, field: str) -> Failure:
    title = f"{document.place} exists with another {field}; nothing was done"
    todo = "Take another name, or end the existing one first and apply again."
    return Failure(Exit.REFUSED, "exists_differently", title, "", todo, f"{document.place}.{field}")


def _create(session: Session, document: Document) -> dict[str, Any]:
    return session.api.post(KINDS[document.kind].path, _body(session, document))


def _body(session: Session, document: Document) -> dict[str, Any]:
    fields = dict(document.fields)
    if document.kind == "SshKey":
        return {"name": document.name, "public_key": _public_key(document)}
    fields.pop("project", None)
    fields["project_id"] = None if document.kind == "Project" else _project(session, document, must_exist=True)
    if document.kind == "Allocation":
        fields["ssh_key_ids"] = [_ssh_key_id(session, str(key)) for key in fields.pop("ssh_keys", [])] or None
        fields["volumes"] = [_volume(session, volume, document) for volume in fields.get("volumes", [])] or None
    return fields


def _project(session: Session, document: Document, *, must_exist: bool) -> str | None:
    given = document.fields.get("project") or (session.profile.project_id if document.kind != "Project" else None)
    if not given:
        return None
    try:
        return str(find(session.api, "/projects", "project", str(given))["id"])
    except Failure as failure:
        if must_exist or failure.exit_code is not Exit.NOT_FOUND:
            raise
        return "none yet: another document of this file makes it"


def _ssh_key_id(session: Session, key: str) -> str:
    from aifactory_cli.commands.allocations import ensure_registered

    if key.startswith("~") or "/" in key or key.endswith(".pub"):
        return ensure_registered(session, public_key_of(key)[0])
    return str(find(session.api, "/ssh-keys", "ssh-key", key)["id"])


def _volume(session: Session, volume: Any, document: Document) -> dict[str, Any]:
    given = {"name": volume} if isinstance(volume, str) else dict(volume)
    if "id" in given or "size_gb" in given:
        return given
    found = find(session.api, "/volumes", "volume", str(given.get("name") or f"nameless in {document.place}"))
    return {"id": found["id"], **({"mount_path": given["mount_path"]} if "mount_path" in given else {})}


def _public_key(document: Document) -> str:
    return str(document.fields.get("public_key") or public_key_of(str(document.fields["file"]))[0])


def _wait(session: Session, done: list[dict[str, Any]], timeout_seconds: float) -> None:
    from aifactory_cli.progress import Watch

    for entry in done:
        if entry["kind"] == "Allocation":
            click.echo(f"{entry['name']}:", err=True)
            Watch(session.api, str(entry["id"]), "active").until(timeout_seconds)
