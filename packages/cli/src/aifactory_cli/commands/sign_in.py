"""`aif login|logout|whoami`."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, Failure
from aifactory_cli.output import local_time, show_done, show_one
from aifactory_cli.session import Session, pass_session


@click.command(cls=AifCommand)
@click.option("--as", "email", metavar="EMAIL", help="Be the browser too (development identity provider only).")
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(1, 3600), default=600.0, help="Seconds to wait.")
@pass_session
def login(session: Session, email: str | None, timeout_seconds: float) -> None:
    """Sign in to a factory: open the page shown, compare the code, approve.

    \b
    aif login --host https://factory.example.com
    aif login --as demo@example.com        with `aif up` on this machine
    """
    from aifactory_cli import device_login, profiles

    profile, api = session.profile, session.public_api
    device = api.post("/auth/device")
    if email:
        device_login.approve_as(profile.host, email, device["user_code"])
    else:
        page = device.get("verification_uri_complete") or device.get("verification_uri")
        click.echo(f"Open {page}\nand approve the code  {device['user_code']}", err=True)
        click.launch(str(page))
    answer = device_login.wait_for_approval(api, device, timeout_seconds)
    if not isinstance(answer, dict) or not answer.get("token"):
        raise Failure(Exit.UNEXPECTED, "unexpected_answer", "The host approved, but gave no token", "", "Try again.")
    profiles.save_login(profile.name, profile.host, answer)
    profiles.save_settings(profile.name, {"host": profile.host, **_choices(profile, answer)}, make_current=False)
    shown = {key: value for key, value in answer.items() if key != "token"}
    until = local_time(answer.get("expires_at"))
    sentence = f"Signed in to {profile.host} as {answer.get('email')} (tenant {answer.get('tenant_id')}) until {until}."
    if profile.name != profiles.DEFAULT_PROFILE:
        sentence += f" Kept as profile {profile.name}: use it with --profile, or `aif context use {profile.name}`."
    show_done(session, {"host": profile.host, "profile": profile.name, **shown}, sentence)


def _choices(profile: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """Another person's sign-in forgets the tenant and project that the last one chose."""
    return {} if profile.email == answer.get("email") else {"tenant_id": None, "project_id": None}


@click.command(cls=AifCommand)
@pass_session
def logout(session: Session) -> None:
    """End the session at the host and forget the token."""
    from aifactory_cli import profiles

    profile = session.profile
    if profile.token:
        try:
            session.api.post("/auth/logout")
        except Failure as failure:
            if failure.exit_code is not Exit.NOT_SIGNED_IN:
                click.echo(f"The host could not be told ({failure.title}); the token is forgotten here.", err=True)
    known = profiles.forget_login(profile.name, profile.host)
    show_done(
        session, {"host": profile.host, "signed_out": known}, "Signed out." if known else "You were not signed in."
    )


@click.command(cls=AifCommand)
@pass_session
def whoami(session: Session) -> None:
    """Who the host takes you for, in which tenant, with which roles."""
    found = session.api.get("/auth/session")
    if not found.get("authenticated"):
        todo = f"Run `aif login --host {session.profile.host}`."
        raise Failure(Exit.NOT_SIGNED_IN, "session_ended", "The host does not accept your sign-in any more", "", todo)
    show_one(
        session,
        found,
        [
            ("user", lambda it: _person(it).get("email") or _person(it).get("name")),
            ("id", lambda it: _person(it).get("id")),
            ("kind", lambda it: _person(it).get("kind") or it.get("kind")),
            ("tenant", lambda it: _named(it.get("tenant"))),
            ("projects", lambda it: "\n".join(_named(project) for project in it.get("projects") or [])),
            ("roles", lambda it: it.get("roles")),
            ("operator", lambda it: it.get("operator")),
            ("host", lambda _: session.profile.host),
            ("profile", lambda _: session.profile.name),
        ],
    )


def _person(found: dict[str, Any]) -> dict[str, Any]:
    return found.get("principal") or found.get("user") or {}


def _named(thing: Any) -> str:
    return f"{thing.get('name')} ({thing.get('id')})" if isinstance(thing, dict) else ""
