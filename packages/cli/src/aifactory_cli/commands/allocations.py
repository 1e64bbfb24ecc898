"""`aif allocations create|list|show|release|events`."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli import views
from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands.resources import limit_option, project_id, project_option
from aifactory_cli.failure import refused_until, usage
from aifactory_cli.inputs import labels_of, public_key_of, volume_of
from aifactory_cli.lookup import find
from aifactory_cli.output import show_done, show_list, show_one, text
from aifactory_cli.session import Session, pass_session

PATH = "/allocations"
wait_option = click.option("--wait/--no-wait", help="Return when it is done; progress goes to stderr.")
timeout_option = click.option(
    "--timeout", "timeout_seconds", type=click.FloatRange(0.1, 86400), default=300.0, show_default=True,
    help="Seconds to wait at most.",
)  # fmt: skip
which_argument = click.argument("which", metavar="ALLOCATION")


@click.group(cls=AifGroup)
def allocations() -> None:
    """Machines and slices of machines, billed by the second while they are active.

    ALLOCATION is an id, or the name of a living one.
    """


@allocations.command()
@click.option("--sku", required=True, metavar="SKU", help="What; see `aif catalog`.")
@click.option("--name", metavar="NAME", help="A name of your choice.")
@project_option
@click.option("--region", metavar="REGION", help="Where.")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many slices in one.")
@click.option("--image", metavar="IMAGE", help="What runs in it.")
@click.option(
    "--mode", metavar="on-demand|spot|reserved", default="on-demand", show_default=True, help="How it is paid."
)
@click.option("--ssh-key", "ssh_keys", multiple=True, metavar="FILE|NAME", help="Key that opens it; repeat for more.")
@click.option("--volume", "volumes", multiple=True, metavar="NAME:SIZE", help="New or existing disk, SIZE in GB.")
@click.option("--network", metavar="NAME", help="The network it is in; in none, only ssh reaches it.")
@click.option("--security-group", "groups", multiple=True, metavar="NAME", help="What may pass; repeat for more.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="For your own order.")
@click.option("--quote", "quote_id", metavar="ID", help="Price of an earlier `aif quote`.")
@click.option("--idempotency-key", metavar="KEY", help="Repeat a request safely: same key, same answer.")
@wait_option
@timeout_option
@pass_session
def create(
    session: Session, sku: str, mode: str, ssh_keys: tuple[str, ...], volumes: tuple[str, ...], wait: bool,
    timeout_seconds: float, **options: Any,
) -> None:  # fmt: skip
    """Get a machine or a slice of one.

    \b
    aif allocations create --sku local.cpu.1 --name dev --ssh-key ~/.ssh/id_ed25519.pub --volume data:1 --wait
    """
    _refuse_later_modes(mode)
    wanted, labels = [volume_of(given) for given in volumes], labels_of(options["labels"])
    key_fields, identity = _key_fields(session, ssh_keys)
    project = project_id(session, options["project"])
    body = {
        "sku": sku,
        "name": options["name"],
        "project_id": project,
        "region_id": options["region"],
        "count": options["count"],
        "image": options["image"],
        "mode": mode,
        "labels": labels,
        "quote_id": options["quote_id"],
        "volumes": _existing_by_id(session, wanted, project) if not options["idempotency_key"] else wanted,
        **key_fields,
        **_network_fields(session, options["network"], options["groups"]),
    }
    allocation = session.api.post(PATH, body, key=options["idempotency_key"])
    if identity:
        from aifactory_cli.ssh_access import remember_identity

        remember_identity(allocation["id"], identity)
    if wait:
        allocation = _wait(session, allocation["id"], "active", timeout_seconds)
    _show_created(session, allocation, waited=wait)


@allocations.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@limit_option
@pass_session
def list_(session: Session, everything: bool, limit: int) -> None:
    """List allocations, the living ones first to matter (programs get all of them)."""
    listing = session.api.listing(PATH, limit)
    if session.output == "table" and not everything:
        living = [it for it in listing["items"] if it.get("state") not in ("released", "refused", "failed")]
        hidden = len(listing["items"]) - len(living)
        listing = {**listing, "items": living}
        if hidden:
            click.echo(f"{hidden} ended not shown (--all).", err=True)
    show_list(session, listing, views.ALLOCATIONS, empty="Nothing runs. Start: aif allocations create --sku SKU --wait")


@allocations.command()
@which_argument
@pass_session
def show(session: Session, which: str) -> None:
    """Show one allocation: state, place, cost so far, how to log in."""
    show_one(session, find(session.api, PATH, "allocation", which), views.ALLOCATION)


@allocations.command()
@which_argument
@click.option("--reason", metavar="TEXT", help="Kept in its history.")
@wait_option
@timeout_option
@pass_session
def release(session: Session, which: str, reason: str | None, wait: bool, timeout_seconds: float) -> None:
    """Give it back. Billing ends now; volumes stay."""
    found = find(session.api, PATH, "allocation", which)
    allocation = session.api.post(f"{PATH}/{found['id']}/release", {"reason": reason})
    if wait:
        allocation = _wait(session, found["id"], "released", timeout_seconds)
    name = f"{found.get('name') or ''} ({found['id']})".strip()
    cost = text((allocation or {}).get("running_cost"))
    done = allocation is not None and allocation.get("state") == "released"
    sentence = f"Released {name}." if done else f"Release of {name} is under way; billing has ended."
    show_done(session, allocation, sentence + (f" It cost {cost}." if done and cost else ""))


@allocations.command()
@which_argument
@pass_session
def events(session: Session, which: str) -> None:
    """What happened to it, who did it, why, and how long each stage took."""
    found = find(session.api, PATH, "allocation", which)
    listing = session.api.get(f"{PATH}/{found['id']}/events")
    show_list(session, listing, views.TRANSITIONS, empty="Nothing happened yet.")


def _refuse_later_modes(mode: str) -> None:
    if mode in ("spot", "reserved"):
        reason = f"Allocations in mode {mode} come with a later release."
        raise refused_until(f"--mode {mode}", reason, "Use on-demand: billed by the second, ended whenever you like.")
    if mode != "on-demand":
        raise usage("mode", f"There is no mode {mode!r}", "Use on-demand.", "invalid_mode")


def _key_fields(session: Session, given: tuple[str, ...]) -> tuple[dict[str, Any], Any]:
    """Request fields for --ssh-key: a file is sent along, a registered key goes by its id; and the private key's path."""
    from pathlib import Path

    if not given:
        return _keys_by_default(session)
    files = [name for name in given if Path(name).expanduser().exists()]
    ids = [] if len(files) == len(given) else _registered(session, [name for name in given if name not in files])
    if not files:
        return ({"ssh_key_ids": ids} if ids else {}), None
    read = [public_key_of(name) for name in files]
    for key, _ in read[1:]:
        ids.append(ensure_registered(session, key))
    identity = next((private for _, private in read if private), None)
    return {"ssh_public_key": read[0][0], "ssh_key_ids": ids or None}, identity


def _keys_by_default(session: Session) -> tuple[dict[str, Any], Any]:
    """Every registered key opens it; where there is none yet, the usual key of this machine is sent along."""
    from pathlib import Path

    ids = [str(item["id"]) for item in session.api.items("/ssh-keys", limit=32) if not item.get("deleted_at")]
    if ids:
        return {"ssh_key_ids": ids}, None
    usual = [Path.home() / ".ssh" / f"id_{kind}.pub" for kind in ("ed25519", "ecdsa", "rsa")]
    found = next((path for path in usual if path.exists()), None)
    if found is None:
        todo = "Make one with `ssh-keygen -t ed25519` and name it with --ssh-key FILE."
        raise usage("ssh_key", "You have no SSH key yet, so nobody could get in", todo, "ssh_key_required")
    click.echo(f"Using your key {found}.", err=True)
    key, identity = public_key_of(str(found))
    return {"ssh_public_key": key}, identity


def _registered(session: Session, names: list[str]) -> list[str]:
    ids = []
    for name in names:
        if "/" in name or name.endswith(".pub"):
            public_key_of(name)
        ids.append(str(find(session.api, "/ssh-keys", "ssh-key", name)["id"]))
    return ids


def ensure_registered(session: Session, public_key: str) -> str:
    """The id of a further key file: a request carries one key inline, the others by id."""
    wanted = public_key.split()[:2]
    for item in session.api.items("/ssh-keys"):
        if str(item.get("public_key", "")).split()[:2] == wanted:
            return str(item["id"])
    comment = " ".join(public_key.split()[2:]) or "key"
    return str(session.api.post("/ssh-keys", {"name": f"{comment}-{wanted[1][-8:]}", "public_key": public_key})["id"])


def _network_fields(session: Session, network: str | None, groups: tuple[str, ...]) -> dict[str, Any]:
    if network is None and not groups:
        return {}
    from aifactory_cli.commands.networks import network_fields

    return network_fields(session, network, groups)


def _existing_by_id(session: Session, wanted: list[dict[str, Any]], project: str | None) -> list[dict[str, Any]] | None:
    """Volumes that exist already go by id, so that the same command works the first and every further time."""
    if not any("name" in volume for volume in wanted):
        return wanted or None
    living = [item for item in session.api.items("/volumes") if not item.get("deleted_at")]
    return [_by_id(volume, living, project) for volume in wanted]


def _by_id(volume: dict[str, Any], living: list[dict[str, Any]], project: str | None) -> dict[str, Any]:
    name, size = volume.get("name"), volume.get("size_gb")
    found = [item for item in living if item.get("name") == name and project in (None, item.get("project_id"))]
    if name is None or (not found and size):
        return volume
    if len(found) != 1:
        title = f"{len(found)} volumes are called {name!r}"
        todo = f"Write {name}:SIZE to make it." if not found else "Use the volume's id, or say which --project."
        raise usage("volume", title, todo, "unknown_volume" if not found else "ambiguous_name")
    if size not in (None, found[0].get("size_gb")):
        title = f"The volume {name!r} exists with {found[0].get('size_gb')} GB, not {size} GB"
        raise usage("volume", title, f"Write {name} without a size, or take another name.", "volume_size_differs")
    return {"id": found[0]["id"], **({"mount_path": volume["mount_path"]} if "mount_path" in volume else {})}


def _wait(session: Session, allocation_id: str, goal: str, timeout_seconds: float) -> dict[str, Any]:
    from aifactory_cli.progress import Watch

    try:
        return Watch(session.api, allocation_id, goal).until(timeout_seconds)
    except KeyboardInterrupt:
        click.echo(
            f"Stopped watching; {allocation_id} goes on. `aif allocations release {allocation_id}` ends it.", err=True
        )
        raise


def _show_created(session: Session, allocation: dict[str, Any], *, waited: bool) -> None:
    show_one(session, allocation, views.ALLOCATION)
    if session.output == "table" and not waited:
        click.echo(f"Under way. Follow it: aif allocations events {allocation['id']}", err=True)
