"""`aif telemetry` and `aif evidence` (operators: `aif admin telemetry`)."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli.charts import quantity, sparkline
from aifactory_cli.click_types import AifCommand
from aifactory_cli.inputs import DURATION, instant_ago
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, print_table, show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain, when

last_option = click.option(
    "--last", default="1h", show_default=True, metavar="TIME", help="How far back, like 30m or 6h."
)
SERIES: list[Column] = [
    ("metric", lambda it: f"{it['name']} {it['device']}".rstrip()),
    ("now", lambda it: quantity(_values(it)[-1], it["unit"])),
    ("mean", lambda it: quantity(sum(_values(it)) / len(_values(it)), it["unit"])),
    ("most", lambda it: quantity(max(_values(it)), it["unit"])),
    ("course", lambda it: sparkline(_values(it))),
]
KINDS = ("audit", "transition", "task", "event", "posting")
EVIDENCE: list[Column] = [
    ("when", when("at")),
    ("record", plain("kind")),
    ("about", plain("subject_id")),
    ("what", plain("what")),
    ("who", plain("actor")),
    ("why", plain("why")),
]


@click.command(cls=AifCommand)
@click.argument("which", metavar="ALLOCATION")
@last_option
@pass_session
def telemetry(session: Session, which: str, last: str) -> None:
    """What an allocation uses: CPU, memory, disk, network."""
    found = find(session.api, "/allocations", "allocation", which)
    show_telemetry(session, last, allocation_id=found["id"])


@click.command("telemetry", cls=AifCommand)
@click.argument("which", metavar="NODE")
@last_option
@pass_session
def node_telemetry(session: Session, which: str, last: str) -> None:
    """What a machine of the fleet uses."""
    found = find(session.api, "/admin/nodes", "node", which)
    show_telemetry(session, last, node_id=found["id"])


def show_telemetry(session: Session, last: str, **subject: str) -> None:
    """The series as the API gives them; for people a line for each."""
    found = session.api.get("/telemetry", since=instant_ago(last, "last"), **subject)
    if session.output != "table":
        show_one(session, found, [])
        return
    lines = [line for line in found["series"] if line["points"]]
    if not lines:
        click.echo("No figures yet: the first ones come about 20 s after it became active.", err=True)
        return
    print_table(SERIES, lines)
    if found.get("simulated"):
        click.echo("Simulated: these figures are made up, there is no machine behind them.", err=True)


def _values(line: dict[str, Any]) -> list[float]:
    return [float(point["value"]) for point in line["points"]]


@click.command(cls=AifCommand)
@click.argument("which", metavar="ID", required=False)
@click.option("--actor", metavar="ID", help="Only what this user, key, worker or node did.")
@click.option("--since", metavar="TIME", help="Only from this instant on, like 2026-11-01T00:00:00Z, or 2h ago.")
@click.option("--until", metavar="TIME", help="Only before this instant, or before 2h ago.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these records; repeat for more.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="At most so many.")
@pass_session
def evidence(
    session: Session, which: str | None, actor: str | None, since: str | None, until: str | None, kinds: tuple[str, ...],
    limit: int,
) -> None:  # fmt: skip
    """What happened to ID (of anything: an allocation, a volume, a node), told by every record there is of it."""
    window = {"since": _instant(since, "since"), "until": _instant(until, "until")}
    found = session.api.listing("/evidence", limit, id=which, actor=actor, kinds=list(kinds) or None, **window)
    show_list(session, found, EVIDENCE, empty="No record of it that you may read.")


def _instant(given: str | None, field: str) -> str | None:
    """A duration means so long ago; anything else goes to the host as it is."""
    return instant_ago(given, field) if given and DURATION.fullmatch(given.strip()) else given
