"""`aif ssh-keys|volumes|projects|keys list|create|show|delete`: four kinds, one shape."""

from __future__ import annotations

import re
from typing import Any

import click

from aifactory_cli import views
from aifactory_cli.click_types import AifGroup
from aifactory_cli.failure import Exit, Failure, usage
from aifactory_cli.inputs import expiry_of, one_name, public_key_of
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session

limit_option = click.option("--limit", type=click.IntRange(1, 100_000), default=1000, help="At most so many.")
name_argument = click.argument("argument", metavar="[NAME]", required=False)
name_option = click.option("--name", "option", metavar="NAME", hidden=True)
project_option = click.option("--project", metavar="ID|NAME", help="Project (default: the context's).")


def project_id(session: Session, given: str | None) -> str | None:
    """The project of a new object: the one named, or the context's, or None for the tenant's default."""
    chosen = given or session.profile.project_id
    return find(session.api, "/projects", "project", chosen)["id"] if chosen else None


def resource_group(path: str, kind: str, columns: list[Column], empty: str, about: str) -> click.Group:
    """A group with the three commands that are alike for every kind; `create` is added by each."""
    group = AifGroup(path.strip("/"), help=about)

    @group.command("list")
    @limit_option
    @pass_session
    def list_(session: Session, limit: int) -> None:
        show_list(session, session.api.listing(path, limit), columns, empty=empty)

    @group.command()
    @click.argument("which", metavar="ID|NAME")
    @pass_session
    def show(session: Session, which: str) -> None:
        show_one(session, find(session.api, path, kind, which), columns)

    @group.command()
    @click.argument("which", metavar="ID|NAME")
    @pass_session
    def delete(session: Session, which: str) -> None:
        found = find(session.api, path, kind, which)
        answer = session.api.delete(f"{path}/{found['id']}")
        show_done(session, answer or found, f"Deleted {kind} {found.get('name')} ({found['id']}).")

    list_.help, show.help, delete.help = f"List them ({kind}s).", f"Show one {kind}.", f"Delete a {kind}."
    return group


def _created(session: Session, kind: str, item: dict[str, Any]) -> None:
    show_done(session, item, f"Created {kind} {item.get('name')} ({item.get('id')}).")


ssh_keys = resource_group(
    "/ssh-keys", "ssh-key", views.SSH_KEYS, "No SSH keys yet. Add one: aif ssh-keys create NAME --file ~/.ssh/id_ed25519.pub",
    "Public keys that open allocations.",
)  # fmt: skip
volumes = resource_group(
    "/volumes", "volume", views.VOLUMES, "No volumes yet. Make one: aif volumes create NAME --size 10",
    "Disks that outlive allocations.",
)  # fmt: skip
projects = resource_group(
    "/projects", "project", views.PROJECTS, "No projects yet. Make one: aif projects create NAME",
    "Projects of your tenant: who may do what, and who pays.",
)  # fmt: skip
keys = resource_group(
    "/keys", "key", views.KEYS, "No API keys yet. Make one: aif keys create NAME --scope allocation.read",
    "API keys for programs (used as AIF_TOKEN).",
)  # fmt: skip


@ssh_keys.command("create")
@name_argument
@name_option
@click.option("--file", "file_name", metavar="FILE", help="Key file; of a pair, only the public half is sent.")
@click.option("--public-key", metavar="TEXT|FILE", help="The public key itself, or its file.")
@pass_session
def create_ssh_key(
    session: Session, argument: str | None, option: str | None, file_name: str | None, public_key: str | None
) -> None:
    """Register a public key."""
    name = one_name(argument, option, "key")
    if bool(file_name) == bool(public_key):
        raise click.UsageError("Give the key once: with --file or with --public-key.")
    if public_key and re.match(r"(ssh-|ecdsa-|sk-)", public_key):
        text = public_key
    else:
        text, _ = public_key_of(str(file_name or public_key))
    _created(session, "SSH key", session.api.post("/ssh-keys", {"name": name, "public_key": text}))


@volumes.command("create")
@name_argument
@name_option
@click.option("--size", "--size-gb", "size", metavar="GB", required=True, help="Size in GB.")
@click.option("--region", metavar="REGION", help="Where.")
@project_option
@pass_session
def create_volume(
    session: Session, argument: str | None, option: str | None, size: str, region: str | None, project: str | None
) -> None:
    """Make a volume; allocations mount it with --volume NAME."""
    body = {
        "name": one_name(argument, option, "volume"),
        "size_gb": _gigabytes(size),
        "region_id": region,
        "project_id": project_id(session, project),
    }
    _created(session, "volume", session.api.post("/volumes", body))


@projects.command("create")
@name_argument
@name_option
@pass_session
def create_project(session: Session, argument: str | None, option: str | None) -> None:
    """Make a project."""
    _created(session, "project", session.api.post("/projects", {"name": one_name(argument, option, "project")}))


@keys.command("create")
@name_argument
@name_option
@click.option("--scope", "scopes", multiple=True, metavar="PERMISSION", help="What it may do; repeat for more.")
@click.option("--expires", metavar="WHEN", help="Like 30d or 2027-01-31T12:00:00Z.")
@pass_session
def create_key(
    session: Session, argument: str | None, option: str | None, scopes: tuple[str, ...], expires: str | None
) -> None:
    """Make an API key. Its secret is shown once, now."""
    body = {"name": one_name(argument, option, "key"), "scopes": list(scopes) or None, "expires_at": expiry_of(expires)}
    item = session.api.post("/keys", body)
    if item.get("code") == "secret_already_shown":
        title = "The key was made, but its secret was lost on the way"
        todo = f"Delete it and make another: aif keys delete {item.get('id') or body['name']}"
        raise Failure(Exit.UNEXPECTED, "secret_already_shown", title, "", todo)
    if session.output != "table":
        _created(session, "API key", item)
        return
    show_one(session, item, [*views.KEYS, ("secret", lambda it: it.get("secret"))])
    click.echo("Keep the secret: it is not shown again. Use it as AIF_TOKEN.", err=True)


def _gigabytes(given: str) -> int:
    match = re.fullmatch(r"(\d{1,9})\s*(gb?|gib?)?", given.strip(), re.IGNORECASE)
    if match is None or int(match[1]) < 1:
        raise usage("size_gb", f"{given!r} is not a size in GB", "Write a whole number, like 10.", "invalid_size")
    return int(match[1])
