"""`aif apps` and `aif instances create|list|show|stop|logs|events|open`."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from aifactory_cli import views
from aifactory_cli.click_types import AifCommand, AifGroup
from aifactory_cli.commands.resources import limit_option
from aifactory_cli.failure import Exit, Failure, usage
from aifactory_cli.inputs import labels_of
from aifactory_cli.lookup import find
from aifactory_cli.output import duration, show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session

PATH = "/instances"
ENDED = ("exited", "stopped", "failed")
LOOK_SECONDS = 0.5
which_argument = click.argument("which", metavar="INSTANCE")
timeout_option = click.option(
    "--timeout", "timeout_seconds", type=click.FloatRange(0.1, 86400), default=300.0, show_default=True,
    help="Seconds to wait at most.",
)  # fmt: skip


@click.command(cls=AifCommand)
@click.argument("name", metavar="[APP]", required=False)
@pass_session
def apps(session: Session, name: str | None) -> None:
    """Apps that run in your allocations; with APP, its parameters too. Needs no sign-in."""
    if name is None:
        show_list(session, session.public_api.get("/apps"), views.APPS, empty="No apps are offered here.")
        return
    show_one(session, session.public_api.get(f"/apps/{_plain(name)}"), views.APP)


@click.group(cls=AifGroup)
def instances() -> None:
    """Apps at work inside your allocations.

    INSTANCE is an id, or the name of a living one.
    """


@instances.command()
@click.argument("app", metavar="APP")
@click.option("--allocation", "allocation", required=True, metavar="ID|NAME", help="Where it runs.")
@click.option("--version", metavar="VERSION", help="The newest when left out.")
@click.option("--name", metavar="NAME", help="A name of your choice.")
@click.option(
    "--set", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter of the app; see `aif apps APP`."
)
@click.option(
    "--autostop", "autostop", type=click.IntRange(1, 10_080), metavar="MINUTES", help="Web apps: end when idle."
)
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="For your own order.")
@click.option("--wait/--no-wait", help="Return when it runs; a batch app: when it has ended.")
@timeout_option
@pass_session
def create(
    session: Session, app: str, allocation: str, parameters: tuple[str, ...], wait: bool, timeout_seconds: float,
    **options: Any,
) -> None:  # fmt: skip
    """Run an app in an allocation.

    \b
    aif instances create command --allocation dev --set command='python3 train.py' --wait
    """
    known = session.public_api.get(f"/apps/{_plain(app)}")
    body = {
        "app": known["name"],
        "version": options["version"],
        "allocation_id": find(session.api, "/allocations", "allocation", allocation)["id"],
        "name": options["name"],
        "parameters": _parameters(parameters, known.get("parameters") or {}),
        "autostop_minutes": options["autostop"],
        "labels": labels_of(options["labels"]),
    }
    made = session.api.post(PATH, body)
    if wait:
        made = _until(
            session, made["id"], ENDED if made.get("kind") == "batch" else ("running", *ENDED), timeout_seconds
        )
        _raise_if_failed(made)
    show_done(session, made, f"{made.get('name')} ({made.get('id')}) is {made.get('state')}.")


@instances.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@limit_option
@pass_session
def list_(session: Session, everything: bool, limit: int) -> None:
    """List instances."""
    listing = session.api.listing(PATH, limit)
    if session.output == "table" and not everything:
        living = [item for item in listing["items"] if item.get("state") not in ENDED]
        hidden = len(listing["items"]) - len(living)
        listing = {**listing, "items": living}
        if hidden:
            click.echo(f"{hidden} ended not shown (--all).", err=True)
    show_list(session, listing, views.INSTANCES, empty="No app runs. Start: aif instances create APP --allocation NAME")


@instances.command()
@which_argument
@pass_session
def show(session: Session, which: str) -> None:
    """Show one instance: state, app, exit code."""
    show_one(session, find(session.api, PATH, "instance", which), views.INSTANCE)


@instances.command()
@which_argument
@click.option("--reason", metavar="TEXT", help="Kept in its history.")
@click.option("--wait/--no-wait", help="Return when it has ended.")
@timeout_option
@pass_session
def stop(session: Session, which: str, reason: str | None, wait: bool, timeout_seconds: float) -> None:
    """End it and everything it started. Its logs stay."""
    found = find(session.api, PATH, "instance", which)
    answer = session.api.post(f"{PATH}/{found['id']}/stop", {"reason": reason or ""})
    if wait:
        answer = _until(session, found["id"], ENDED, timeout_seconds)
    show_done(session, answer, f"{answer.get('name')} ({answer.get('id')}) is {answer.get('state')}.")


@instances.command()
@which_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@pass_session
def logs(session: Session, which: str, follow: bool) -> None:
    """What it printed: at most the last MiB."""
    found = find(session.api, PATH, "instance", which)
    place, offset = f"{PATH}/{found['id']}", 0
    while True:
        ended = follow and session.api.get(place).get("state") in ENDED
        seen = session.api.get(f"{place}/logs", since=offset)
        if session.output == "json" and not follow:
            show_one(session, seen, [])
            return
        click.echo(seen.get("text") or "", nl=False)
        offset = int(seen.get("end_offset") or 0)
        if not follow or ended:
            return
        time.sleep(LOOK_SECONDS)


@instances.command("open")
@which_argument
@pass_session
def open_(session: Session, which: str) -> None:
    """Print an address that lets your browser into a web app: once, within a minute."""
    found = find(session.api, PATH, "instance", which)
    answer = session.api.post(f"{PATH}/{found['id']}/open", {})
    if session.output == "table":
        click.echo(answer.get("url") or "")
        return
    show_one(session, answer, [])


@instances.command()
@which_argument
@pass_session
def events(session: Session, which: str) -> None:
    """Its history, stage by stage."""
    found = find(session.api, PATH, "instance", which)
    show_list(session, session.api.get(f"{PATH}/{found['id']}/events"), views.TRANSITIONS, empty="No events.")


def _until(session: Session, instance_id: str, states: tuple[str, ...], timeout_seconds: float) -> dict[str, Any]:
    ends = time.monotonic() + timeout_seconds
    while True:
        found = session.api.get(f"{PATH}/{instance_id}")
        if found.get("state") in states:
            return found
        if time.monotonic() >= ends:
            title = f"{instance_id} is still {found.get('state')} after {duration(timeout_seconds)}"
            raise Failure(
                Exit.TIMED_OUT, "wait_timed_out", title, "", f"It goes on. Look: `aif instances show {instance_id}`."
            )
        time.sleep(min(LOOK_SECONDS, max(ends - time.monotonic(), 0.01)))


def _raise_if_failed(instance: dict[str, Any]) -> None:
    failure = instance.get("failure")
    if failure:
        title = f"{instance.get('name')} did not run"
        todo = f"See `aif instances logs {instance.get('id')}`."
        raise Failure(Exit.REFUSED, str(failure.get("code")), title, str(failure.get("detail") or ""), todo)


def _parameters(given: tuple[str, ...], known: dict[str, Any]) -> dict[str, Any]:
    """Numbers and truth values as the app's schema wants them; anything else as text, for the API to judge."""
    values: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise usage("parameters", f"{item!r} is not KEY=VALUE", "Write --set name=value.", "invalid_parameter")
        values[name] = value
        if (known.get(name) or {}).get("type") in ("integer", "boolean"):
            try:
                values[name] = json.loads(value)
            except ValueError:
                values[name] = value
    return values


def _plain(name: str) -> str:
    if not name.replace("-", "").isalnum():
        raise usage("app", f"{name!r} is not the name of an app", "See `aif apps`.", "invalid_name")
    return name
