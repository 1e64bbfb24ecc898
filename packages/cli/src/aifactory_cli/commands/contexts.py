"""`aif context use|show`: profile, host, tenant and project of the commands that follow."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli.click_types import AifGroup
from aifactory_cli.output import show_one
from aifactory_cli.session import Session, pass_session

ROWS = [
    ("profile", lambda it: it["profile"]),
    ("host", lambda it: it["host"]),
    ("user", lambda it: it["email"] or ("token from AIF_TOKEN" if it["signed_in"] else "not signed in")),
    ("tenant", lambda it: it["tenant_id"] or "the one of your sign-in"),
    ("project", lambda it: it["project_id"] or "the default project"),
    ("profiles", lambda it: it["profiles"]),
]


@click.group(cls=AifGroup)
def context() -> None:
    """Choose profile, host, tenant and project for the commands that follow."""


@context.command()
@pass_session
def show(session: Session) -> None:
    """Show what the next command would use."""
    show_one(session, _context(session), ROWS)


@context.command()
@click.argument("name", required=False)
@click.option("--tenant", metavar="ID", help="Tenant to work in; 'default' forgets it.")
@click.option("--project", metavar="ID|NAME", help="Project of new objects; 'default' forgets it.")
@pass_session
def use(session: Session, name: str | None, tenant: str | None, project: str | None) -> None:
    """Switch to profile NAME (made when new), and set its host, tenant or project.

    \b
    aif context use lab --host https://lab.example.com
    aif context use --project prj_…
    """
    from aifactory_cli import profiles

    if name and session.profile_option and name != session.profile_option:
        raise click.UsageError("Name the profile once: as NAME or with --profile.")
    session.profile_option = name or session.profile_option
    if not any((name, session.profile_option, session.host_option, tenant, project)):
        raise click.UsageError("Say what to use: a profile NAME, --host, --tenant or --project.")
    chosen = session.profile
    changes: dict[str, str | None] = {"host": chosen.host}
    if tenant:
        changes |= {"tenant_id": None if tenant == "default" else tenant, "project_id": None}
    if project:
        changes["project_id"] = None if project == "default" else _project_id(session, project)
    profiles.save_settings(chosen.name, changes)
    del session.profile
    show_one(session, _context(session), ROWS)


def _project_id(session: Session, project: str) -> str:
    from aifactory_cli.lookup import find

    return find(session.api, "/projects", "project", project)["id"]


def _context(session: Session) -> dict[str, Any]:
    from aifactory_cli import profiles

    profile = session.profile
    return {
        "profile": profile.name,
        "host": profile.host,
        "email": profile.email,
        "signed_in": bool(profile.token),
        "tenant_id": profile.tenant_id,
        "project_id": profile.project_id,
        "profiles": profiles.names(),
    }
