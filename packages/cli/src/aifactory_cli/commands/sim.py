"""`aif admin sim …`: the simulated fleet of this machine, through its own loopback socket. No part of the platform's API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import httpx

from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands.house import data_dir_option, deploy_commands
from aifactory_cli.failure import Exit, Failure, failure_of
from aifactory_cli.output import Column, show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain

FAULTS = ("slow", "lost-reply", "reboot", "dead-disk", "no-telemetry")
NODES: list[Column] = [
    ("name", plain("name")),
    ("hardware", plain("hardware")),
    ("sandboxes", plain("sandboxes")),
    ("faults", lambda it: "\n".join(_words(fault) for fault in it.get("faults") or [])),
]


@click.group(cls=AifGroup)
def sim() -> None:
    """The simulated fleet of this machine (`aif up --demo`)."""


@sim.command("nodes")
@data_dir_option
@pass_session
def list_nodes(session: Session, data_dir: Path | None) -> None:
    """Simulated nodes and what is wrong with each."""
    show_list(session, _call(data_dir, "GET", "/nodes"), NODES, empty="No simulated node.")


@sim.command()
@click.argument("node")
@click.argument("action", type=click.Choice(["show", "set", "clear"]), default="show")
@click.argument("fault", type=click.Choice(FAULTS), required=False)
@click.option("--seconds", type=click.FloatRange(0, 86_400, min_open=True), help="How much slower; or how long down.")
@data_dir_option
@pass_session
def faults(
    session: Session, node: str, action: str, fault: str | None, seconds: float | None, data_dir: Path | None
) -> None:
    """Switch a fault of simulated NODE on (set FAULT) or off (clear, all or one)."""
    if action == "set" and fault is None:
        raise click.UsageError(f"Which fault? Choose one of {', '.join(FAULTS)}.")
    path = (
        f"/nodes/{node}"
        + {"show": "", "set": f"/faults/{fault}", "clear": f"/faults{f'/{fault}' if fault else ''}"}[action]
    )
    method = {"show": "GET", "set": "PUT", "clear": "DELETE"}[action]
    body = {"seconds": seconds} if action == "set" else None
    show_one(session, _call(data_dir, method, path, body), NODES)


def _call(data_dir: Path | None, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    address = _address(data_dir)
    head = {"Authorization": f"Bearer {address['token']}"}
    try:
        answer = httpx.request(method, address["url"] + path, json=body, headers=head, timeout=10, trust_env=False)
    except httpx.TransportError as error:
        raise _not_there(f"Its control socket does not answer: {error}") from None
    if answer.status_code != 200:
        raise failure_of(answer.status_code, answer.json(), f"{method} {path}")
    return answer.json()


def _address(data_dir: Path | None) -> dict[str, str]:
    file = (data_dir or deploy_commands().default_data_dir()).absolute() / "sim" / "control.json"
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        raise _not_there(f"There is no {file}.") from None
    except PermissionError:
        todo = "Run the command as the user who started the factory (often root)."
        raise Failure(Exit.REFUSED, "not_allowed", f"{file} belongs to another user", "", todo) from None


def _not_there(detail: str) -> Failure:
    todo = "Start it with `aif up --demo`, or name the data directory: --data-dir DIR."
    return Failure(Exit.UNREACHABLE, "no_simulated_fleet", "No simulated fleet runs here", detail, todo)


def _words(fault: dict[str, Any]) -> str:
    seconds = f" ({fault['seconds']:g} s)" if fault.get("seconds") else ""
    return f"{fault.get('fault')}{seconds}: {fault.get('means')}"
