"""`aif audit list|verify` and `aif domains`."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli.click_types import AifCommand, AifGroup
from aifactory_cli.output import show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain, when


@click.group(cls=AifGroup)
def audit() -> None:
    """Who did what, and the proof that nobody changed the record."""


@audit.command("list")
@click.option("--target", metavar="ID", help="Only what was done to this object.")
@click.option("--actor", metavar="ID", help="Only what this user or key did.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@pass_session
def list_(session: Session, target: str | None, actor: str | None, limit: int) -> None:
    """List audit records, newest first."""
    show_list(
        session,
        session.api.listing("/audit", limit, target=target, actor=actor),
        [
            ("when", lambda it: when("occurred_at")(it) or when("at")(it)),
            ("who", lambda it: it.get("actor_name") or it.get("actor_id") or it.get("actor")),
            ("action", plain("action")),
            ("target", lambda it: it.get("target_id") or it.get("target")),
            ("decision", plain("decision")),
            ("reason", plain("reason")),
        ],
        empty="No record matches.",
    )


@audit.command()
@pass_session
def verify(session: Session) -> int:
    """Recompute the chain of records and its signatures (exit 1 if anything was changed)."""
    found = _proved(session)
    show_one(
        session,
        found,
        [
            ("intact", plain("ok")),
            ("records", plain("entries")),
            ("seals", plain("seals")),
            ("head", plain("head")),
            ("problems", lambda it: "\n".join(str(problem) for problem in it.get("problems") or [])),
        ],
    )
    return 0 if found.get("ok") else 1


def _proved(session: Session) -> dict[str, Any]:
    """All parts as one: a long chain is proved in several requests."""
    whole = part = session.api.get("/audit/verify")
    while (after := part.get("next_after_seal")) is not None:
        part = session.api.get("/audit/verify", after_seal=after)
        whole = part | {
            "ok": whole["ok"] and part["ok"],
            "entries": whole["entries"] + part["entries"],
            "seals": whole["seals"] + part["seals"],
            "problems": whole["problems"] + part["problems"],
            "after_seal": 0,
        }
    return whole


@click.command(cls=AifCommand)
@pass_session
def domains(session: Session) -> None:
    """Which team owns which part of the platform."""
    show_list(
        session,
        session.api.get("/domains"),
        [
            ("domain", plain("name")),
            ("team", plain("team")),
            ("owner", plain("owner")),
            ("what", plain("what")),
            ("coverage", plain("coverage")),
        ],
        empty="No domain is registered.",
    )
