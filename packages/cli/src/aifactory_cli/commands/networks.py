"""`aif networks`, `aif security-groups`, `aif published-ports`: what reaches your sandboxes, and what they reach."""

from __future__ import annotations

import re
import time
from typing import Any

import click

from aifactory_cli import views
from aifactory_cli.commands.buckets import timeout_option, wait_option
from aifactory_cli.commands.resources import (
    limit_option,
    name_argument,
    name_option,
    project_id,
    project_option,
    resource_group,
)
from aifactory_cli.failure import Exit, Failure, usage
from aifactory_cli.inputs import one_name
from aifactory_cli.lookup import find
from aifactory_cli.output import show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session

GROUPS, PORTS = "/security-groups", "/published-ports"
EVERYBODY = "0.0.0.0/0"

networks = resource_group(
    "/networks", "network", views.NETWORKS, "No networks yet. Make one: aif networks create NAME",
    "Private networks of sandboxes. In none, a sandbox is reached by ssh only, and reaches nothing.",
)  # fmt: skip
security_groups = resource_group(
    GROUPS, "security group", views.SECURITY_GROUPS, "No security groups yet. Make one: aif security-groups create NAME",
    "Rules of what may pass to and from sandboxes in networks. No rule lets nothing pass.",
)  # fmt: skip
published_ports = resource_group(
    PORTS, "published port", views.PUBLISHED_PORTS, "Nothing is published. Do it: aif published-ports create ALLOCATION PORT",
    "Ports of sandboxes that anybody reaches.",
)  # fmt: skip


@networks.command("create")
@name_argument
@name_option
@click.option("--region", metavar="REGION", help="Where.")
@project_option
@pass_session
def create_network(
    session: Session, argument: str | None, option: str | None, region: str | None, project: str | None
) -> None:
    """Make a network; launch into it with --network NAME."""
    body = {"name": one_name(argument, option, "network"), "region_id": region}
    item = session.api.post("/networks", body | {"project_id": project_id(session, project)})
    show_done(session, item, f"Created network {item.get('name')} ({item.get('id')}), {item.get('cidr')}.")


@networks.command("members")
@click.argument("which", metavar="ID|NAME")
@limit_option
@pass_session
def network_members(session: Session, which: str, limit: int) -> None:
    """Which sandboxes are in it, at which address, and whether their nodes hold what is wanted."""
    network = find(session.api, "/networks", "network", which)
    listing = session.api.listing("/network-attachments", limit, network_id=network["id"])
    show_list(
        session, listing, views.ATTACHMENTS, empty="Nobody is in it. Launch: aif allocations create --network NAME …"
    )


@security_groups.command("create")
@name_argument
@name_option
@project_option
@pass_session
def create_group(session: Session, argument: str | None, option: str | None, project: str | None) -> None:
    """Make a security group; then say what may pass: aif security-groups allow NAME in tcp 443."""
    body = {"name": one_name(argument, option, "security group"), "project_id": project_id(session, project)}
    item = session.api.post(GROUPS, body)
    show_done(session, item, f"Created security group {item.get('name')} ({item.get('id')}): nothing passes yet.")


@security_groups.command()
@click.argument("which", metavar="GROUP")
@pass_session
def rules(session: Session, which: str) -> None:
    """What may pass, rule by rule."""
    group = find(session.api, GROUPS, "security group", which)
    empty = f"No rule: nothing passes. Add one: aif security-groups allow {which} in tcp 443"
    show_list(session, {"items": _numbered(session, group)}, views.RULES, empty=empty)


@security_groups.command()
@click.argument("which", metavar="GROUP")
@click.argument("direction", type=click.Choice(["in", "out"]))
@click.argument("protocol", type=click.Choice(["tcp", "udp", "icmp", "any"]))
@click.argument("ports", metavar="[PORT|FIRST-LAST]", required=False)
@click.option(
    "--peer", default=EVERYBODY, show_default=True, metavar="CIDR|network:NAME|group:NAME",
    help="From whom, or to whom.",
)  # fmt: skip
@pass_session
def allow(session: Session, which: str, direction: str, protocol: str, ports: str | None, peer: str) -> None:
    """Let connections begin. Sandboxes in the group follow within seconds.

    \b
    aif security-groups allow web in tcp 443
    aif security-groups allow db in tcp 5432 --peer group:web
    aif security-groups allow web out any --peer 0.0.0.0/0
    """
    group = find(session.api, GROUPS, "security group", which)
    first, last = _ports(ports)
    rule = {"direction": direction, "protocol": protocol, "first_port": first, "last_port": last}
    _write(session, group, [*group["rules"], rule | _peer(session, peer)], "Allowed.")


@security_groups.command()
@click.argument("which", metavar="GROUP")
@click.argument("number", metavar="NUMBER", type=click.IntRange(1, 64))
@pass_session
def remove(session: Session, which: str, number: int) -> None:
    """Take a rule back, by its number in `rules`; what it alone had allowed ends at once."""
    group = find(session.api, GROUPS, "security group", which)
    if number > len(group["rules"]):
        raise usage("number", f"There is no rule {number}", f"See: aif security-groups rules {which}", "unknown_rule")
    left = [rule for place, rule in enumerate(group["rules"], 1) if place != number]
    _write(session, group, left, f"Removed rule {number}.")


@published_ports.command("create")
@click.argument("which", metavar="ALLOCATION")
@click.argument("port", type=click.IntRange(1, 65_535))
@click.option("--name", metavar="NAME", help="A name of your choice.")
@wait_option
@timeout_option
@pass_session
def publish(session: Session, which: str, port: int, name: str | None, wait: bool, timeout_seconds: float) -> None:
    """Open a TCP port of a sandbox to anybody, at an address that this answers with."""
    allocation = find(session.api, "/allocations", "allocation", which)
    item = session.api.post(PORTS, {"allocation_id": allocation["id"], "port": port, "name": name})
    ends = time.monotonic() + timeout_seconds
    while wait and item.get("state") == "opening":
        if time.monotonic() >= ends:
            title = f"Not open within {timeout_seconds:g} s"
            raise Failure(Exit.TIMED_OUT, "timed_out", title, "", "It goes on without you: look again, or wait longer.")
        time.sleep(0.3)
        item = session.api.get(f"{PORTS}/{item['id']}")
    if session.output != "table":
        show_done(session, item, "")
        return
    show_one(session, item, views.PUBLISHED_PORTS)


def network_fields(session: Session, network: str | None, groups: tuple[str, ...]) -> dict[str, Any]:
    """What a launch sends about its network."""
    if network is None and not groups:
        return {}
    if network is None:
        raise usage("network_id", "Security groups need a network", "Say which: --network NAME", "network_required")
    found = [find(session.api, GROUPS, "security group", group)["id"] for group in groups]
    return {"network_id": find(session.api, "/networks", "network", network)["id"], "security_group_ids": found}


def _write(session: Session, group: dict[str, Any], rules_: list[dict[str, Any]], sentence: str) -> None:
    path = f"{GROUPS}/{group['id']}/rules"
    item = session.api.put(path, {"rules": rules_}, if_match=f'W/"{group["generation"]}"')
    if session.output != "table":
        show_done(session, item, "")
        return
    click.echo(sentence, err=True)
    show_list(session, {"items": _numbered(session, item)}, views.RULES, empty="No rule: nothing passes.")


def _numbered(session: Session, group: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [{"number": number} | rule for number, rule in enumerate(group.get("rules") or [], 1)]
    if session.output == "table":
        _name(session, rows, {"network_id": "/networks", "security_group_id": GROUPS})
    return rows


def _name(session: Session, rows: list[dict[str, Any]], places: dict[str, str]) -> None:
    """Names in the place of ids, for people; what is gone keeps its id."""
    for member, path in places.items():
        if any(row.get(member) for row in rows):
            names = _names(session, path)
            for row in rows:
                row[member] = names.get(row.get(member) or "", row.get(member))


def _names(session: Session, path: str) -> dict[str, str]:
    return {item["id"]: item["name"] for item in session.api.items(path)}


def _ports(given: str | None) -> tuple[int | None, int | None]:
    if given is None:
        return None, None
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", given)
    if match is None:
        raise usage("first_port", f"{given!r} is no port", "Write 443, or a range like 8000-8010.", "invalid_port")
    return int(match[1]), int(match[2] or match[1])


def _peer(session: Session, given: str) -> dict[str, str]:
    kind, colon, name = given.partition(":")
    if not colon:
        return {"cidr": given}
    if kind == "network":
        return {"network_id": find(session.api, "/networks", "network", name)["id"]}
    if kind == "group":
        return {"security_group_id": find(session.api, GROUPS, "security group", name)["id"]}
    todo = "Write a range like 10.0.0.0/8, or network:NAME, or group:NAME."
    raise usage("peer", f"{given!r} is no peer", todo, "invalid_peer")
