"""`aif admin nodes …`: machines of the fleet, out of service and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands.resources import limit_option
from aifactory_cli.inputs import expiry_of
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, local_time, show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain, when

PATH = "/admin/nodes"
NODES: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("region", lambda it: _place(it)),
    ("silicon", lambda it: _silicon(it.get("inventory"))),
    ("state", plain("state")),
    ("slots", lambda it: _slots(it.get("slots"))),
    ("last seen", when("last_seen_at")),
    ("agent", plain("agent_version")),
]
NODE: list[Column] = [
    *NODES,
    ("service", plain("service")),
    ("drain", lambda it: _drain(it.get("drain"))),
    ("conditions", lambda it: "\n".join(str(c.get("message")) for c in it.get("conditions") or [])),
]
EVENTS: list[Column] = [
    ("when", when("at")), ("about", plain("about")), ("state", plain("to_state")), ("who", plain("who")), ("why", plain("why")),
]  # fmt: skip


@click.group(cls=AifGroup, invoke_without_command=True)
@pass_session
def nodes(session: Session) -> None:
    """Machines of the fleet."""
    if click.get_current_context().invoked_subcommand is None:
        _print(session, 1000)


@nodes.command("list")
@click.option("--state", metavar="STATE", help="ready, unreachable, draining, maintenance …")
@click.option("--region", metavar="REGION", help="Only this region.")
@click.option("--silicon", metavar="MODEL", help="Only nodes with this accelerator, like H100; or cpu.")
@click.option("--simulated/--real", default=None, help="Only simulated nodes, or only machines.")
@limit_option
@pass_session
def list_nodes(session: Session, limit: int, **filters: Any) -> None:
    """Machines of the fleet."""
    _print(session, limit, **filters)


def _print(session: Session, limit: int, simulated: bool | None = None, **filters: Any) -> None:
    told = {**filters, "simulated": None if simulated is None else str(simulated).lower()}
    found = session.api.listing(PATH, limit, **told)
    show_list(session, found, NODES, empty="No such node; see bootstrap-token.")


@nodes.command()
@click.argument("which", metavar="ID|NAME")
@pass_session
def show(session: Session, which: str) -> None:
    """Show one node."""
    show_one(session, find(session.api, PATH, "node", which), NODE)


@nodes.command("events")
@click.argument("which", metavar="ID|NAME")
@pass_session
def node_events(session: Session, which: str) -> None:
    """What happened to its health and its service."""
    node = find(session.api, PATH, "node", which)
    show_list(session, session.api.get(f"{_at(node)}/events"), EVENTS, empty="Nothing yet.")


@nodes.command()
@click.argument("which", metavar="ID|NAME")
@click.option(
    "--within", "deadline", required=True, metavar="TIME", help="When what is left is released, like 2h or an instant."
)
@click.option("--reason", required=True, help="Tenants on the node read it; audited.")
@pass_session
def drain(session: Session, which: str, deadline: str, reason: str) -> None:
    """Take a node out of service: nothing new from now on, empty at the deadline, then maintenance."""
    node = find(session.api, PATH, "node", which)
    body = {"deadline_at": expiry_of(deadline), "reason": reason}
    item = session.api.post(f"{_at(node)}/drain", body, if_match=_etag(node))
    occupied = (node.get("slots") or {}).get("occupied")
    until = local_time((item.get("drain") or {}).get("deadline_at"))
    show_done(
        session, item, f"{node.get('name')} takes nothing new. Its {occupied} allocations may stay until {until}."
    )


@nodes.command()
@click.argument("which", metavar="ID|NAME")
@click.option("--reason", default="", help="What was done; audited.")
@pass_session
def resume(session: Session, which: str, reason: str) -> None:
    """Take a node back into service, once its slots are clean."""
    node = find(session.api, PATH, "node", which)
    item = session.api.post(f"{_at(node)}/resume", {"reason": reason}, if_match=_etag(node))
    show_done(session, item, f"{node.get('name')} comes back as soon as its slots are clean.")


def _at(node: dict[str, Any]) -> str:
    return f"{PATH}/{quote(str(node.get('id')), safe='')}"


def _etag(node: dict[str, Any]) -> str:
    """What was read is what is changed."""
    return f'W/"{node.get("generation")}"'


def _place(node: dict[str, Any]) -> str:
    return f"{node.get('region_id')} (simulated)" if node.get("simulated") else str(node.get("region_id"))


def _silicon(inventory: object) -> str:
    gpus = inventory.get("gpus") if isinstance(inventory, dict) else None
    return f"{len(gpus)} x {gpus[0].get('vendor')} {gpus[0].get('model')}" if gpus else "CPU"


def _drain(drain: object) -> str:
    if not isinstance(drain, dict):
        return ""
    return f"until {local_time(drain.get('deadline_at'))}: {drain.get('reason')}"


def _slots(counts: object) -> str:
    if not isinstance(counts, dict):
        return ""
    parts = (f"{counts[key]} {key}" for key in ("occupied", "available", "quarantined") if counts.get(key))
    return f"{counts.get('total')}: {', '.join(parts)}" if any(counts.values()) else "0"
