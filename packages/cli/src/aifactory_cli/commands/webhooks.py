"""`aif webhooks …` and `aif notifications …`: how a tenant is told what happens."""

from __future__ import annotations

from urllib.parse import quote

import click

from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands.resources import limit_option, name_argument, name_option, resource_group
from aifactory_cli.failure import Exit, Failure
from aifactory_cli.inputs import one_name
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, print_table, show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import conditions, plain, when

WEBHOOKS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("address", plain("url")),
    ("events", lambda it: it.get("event_types") or "all"),
    ("conditions", conditions),
    ("created", when("created_at")),
]
DELIVERIES: list[Column] = [
    ("id", plain("id")),
    ("event", plain("event_type")),
    ("state", plain("state")),
    ("tries", plain("attempts")),
    ("answer", plain("response_code")),
    ("took ms", plain("latency_ms")),
    ("when", when("created_at")),
    ("error", plain("error")),
]
EVENT_TYPES: list[Column] = [("type", plain("type")), ("what it says", plain("description"))]
PREFERENCES: list[Column] = [
    ("kind", plain("kind")), ("tells that", plain("about")), ("to", lambda it: it.get("recipients") or "nobody"),
]  # fmt: skip
delivery_argument = click.argument("delivery_id", metavar="DELIVERY")
webhook_argument = click.argument("which", metavar="ID|NAME")

webhooks = resource_group(
    "/webhooks", "webhook", WEBHOOKS, "No webhooks yet. Make one: aif webhooks create NAME --url https://…",
    "Addresses to which your tenant's events are posted, signed.",
)  # fmt: skip


@webhooks.command("create")
@name_argument
@name_option
@click.option("--url", required=True, help="https, on the public internet.")
@click.option("--event", "event_types", multiple=True, metavar="TYPE", help="Repeat for more; default: all of them.")
@pass_session
def create(session: Session, argument: str | None, option: str | None, url: str, event_types: tuple[str, ...]) -> None:
    """Have your tenant's events posted to an address. The signing secret is shown once, now."""
    name = one_name(argument, option, "webhook")
    item = session.api.post("/webhooks", {"name": name, "url": url, "event_types": list(event_types)})
    if item.get("code") == "secret_already_shown":
        title = "The webhook was made, but its secret was lost on the way"
        todo = f"Delete it and make another: aif webhooks delete {item.get('id') or name}"
        raise Failure(Exit.UNEXPECTED, "secret_already_shown", title, "", todo)
    if session.output != "table":
        show_done(session, item, "")
        return
    show_one(session, item, [*WEBHOOKS, ("secret", plain("secret"))])
    click.echo("Keep the secret: it is not shown again. With it the receiver checks the signature.", err=True)


@webhooks.command("event-types")
@pass_session
def event_types(session: Session) -> None:
    """What can be asked for."""
    show_list(session, session.api.get("/webhooks/event-types"), EVENT_TYPES, empty="Nothing.")


@webhooks.command()
@webhook_argument
@pass_session
def test(session: Session, which: str) -> None:
    """Post a test message, signed like every other."""
    path = _path(session, which)
    item = session.api.post(f"{path}/test")
    show_done(session, item, f"On its way as {item.get('id')}. See how it went: aif webhooks deliveries {which}")


@webhooks.command()
@webhook_argument
@click.option("--state", type=click.Choice(["waiting", "delivered", "dead", "off"]), help="Only these.")
@limit_option
@pass_session
def deliveries(session: Session, which: str, state: str | None, limit: int) -> None:
    """What was posted within thirty days, and how it went."""
    listing = session.api.listing(f"{_path(session, which)}/deliveries", limit, state=state)
    show_list(session, listing, DELIVERIES, empty="Nothing was posted yet. Try it: aif webhooks test")


@webhooks.command()
@webhook_argument
@delivery_argument
@pass_session
def delivery(session: Session, which: str, delivery_id: str) -> None:
    """One message: its body and each try."""
    item = session.api.get(f"{_path(session, which)}/deliveries/{quote(delivery_id, safe='')}")
    tries = ("each try", lambda it: "\n".join(_try(one) for one in it.get("tries") or []))
    show_one(session, item, [*DELIVERIES, tries, ("body", plain("body"))])


@webhooks.command()
@webhook_argument
@delivery_argument
@pass_session
def replay(session: Session, which: str, delivery_id: str) -> None:
    """Post again what was given up, under the same id."""
    item = session.api.post(f"{_path(session, which)}/deliveries/{quote(delivery_id, safe='')}/replay")
    show_done(session, item, f"{delivery_id} is on its way again.")


@click.group(cls=AifGroup)
def notifications() -> None:
    """Who of your tenant is told of what by mail."""


@notifications.command()
@pass_session
def show(session: Session) -> None:
    """Every kind, and who is told."""
    found = session.api.get("/notification-preferences")
    if session.output != "table":
        show_one(session, found, [])
        return
    print_table(PREFERENCES, found.get("items") or [])
    if not found.get("mail_enabled"):
        click.echo(str(found.get("why")), err=True)


@notifications.command("set")
@click.argument("kind")
@click.argument("recipients", nargs=-1)
@pass_session
def set_(session: Session, kind: str, recipients: tuple[str, ...]) -> None:
    """Tell these addresses (none: nobody) of that KIND."""
    item = session.api.put(f"/notification-preferences/{quote(kind, safe='')}", {"recipients": list(recipients)})
    show_done(session, item, f"Told of {kind}: {', '.join(recipients) or 'nobody'}.")
    if session.output == "table" and not item.get("mail_enabled"):
        click.echo(str(item.get("why")), err=True)


def _path(session: Session, which: str) -> str:
    return f"/webhooks/{find(session.api, '/webhooks', 'webhook', which)['id']}"


def _try(one: dict[str, object]) -> str:
    return f"{one.get('attempt')}: {one.get('error') or one.get('response_code')} in {one.get('latency_ms')} ms"
