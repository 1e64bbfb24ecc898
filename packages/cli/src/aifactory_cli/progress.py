"""Waiting for an allocation: every stage as it happens on stderr, the end as an exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click

from aifactory_cli.client import Client
from aifactory_cli.failure import Exit, Failure, printable
from aifactory_cli.output import duration

INTERVALS_SECONDS = (0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)
GOOD_ENDS = {"active": ("active",), "released": ("released", "refused", "failed")}
ENDS = ("active", "released", "refused", "failed")
BEFORE_RELEASE = ("requested", "placing", "preparing", "starting", "verifying", "active")


@dataclass
class Watch:
    """Follows one allocation until it is `goal` ("active" or "released")."""

    api: Client
    allocation_id: str
    goal: str
    quiet: bool = False
    seen: int = 0
    started: float = field(default_factory=time.monotonic)
    first_at: datetime | None = None

    def until(self, timeout_seconds: float) -> dict[str, Any]:
        """The allocation in its goal. Raises Failure: refused or failed (6), gone on (6), timed out (8)."""
        ends = self.started + timeout_seconds
        round_number = 0
        while True:
            allocation = self.api.get(f"/allocations/{self.allocation_id}")
            self._tell_stages()
            state = allocation.get("state")
            if state in GOOD_ENDS[self.goal]:
                return allocation
            if self.goal == "active" and self._cannot_become_active(allocation):
                raise ended_otherwise(allocation)
            if time.monotonic() >= ends:
                raise self._timed_out(allocation, timeout_seconds)
            pause = INTERVALS_SECONDS[min(round_number, len(INTERVALS_SECONDS) - 1)]
            time.sleep(min(pause, max(ends - time.monotonic(), 0.01)))
            round_number += 1

    def _cannot_become_active(self, allocation: dict[str, Any]) -> bool:
        return allocation.get("state") in ENDS or bool(allocation.get("release_requested_at"))

    def _tell_stages(self) -> None:
        if self.quiet:
            return
        for event in self.api.get(f"/allocations/{self.allocation_id}/events").get("items", []):
            number = int(event.get("seq") or 0)
            state = printable(str(event.get("to_state")))
            if number <= self.seen or (self.goal == "released" and state in BEFORE_RELEASE):
                continue
            self.seen = number
            why = printable(str(event.get("why") or ""))
            click.echo(f"  {self._elapsed(event):6.1f} s  {state:<10} {why}".rstrip(), err=True)

    def _elapsed(self, event: dict[str, Any]) -> float:
        """Seconds since the first stage told, by the recorded times; by this machine's clock when they cannot be read."""
        try:
            at = datetime.fromisoformat(str(event.get("at")).replace("Z", "+00:00"))
        except ValueError:
            return time.monotonic() - self.started
        self.first_at = self.first_at or at
        return (at - self.first_at).total_seconds()

    def _timed_out(self, allocation: dict[str, Any], timeout_seconds: float) -> Failure:
        title = f"{self.allocation_id} is still {allocation.get('state')} after {duration(timeout_seconds)}"
        todo = f"It goes on. Look: `aif allocations events {self.allocation_id}`; stop it: `aif allocations release …`."
        return Failure(Exit.TIMED_OUT, "wait_timed_out", title, "", todo)


def ended_otherwise(allocation: dict[str, Any]) -> Failure:
    """An allocation that will not become active: why, and for lack of capacity what to take instead."""
    trouble = allocation.get("refusal") or allocation.get("failure") or {}
    state = allocation.get("state")
    title = f"{allocation.get('name') or allocation.get('id')} was not started: {state}"
    if state in ("releasing", "stopping", "settling", "released") and not trouble:
        title = f"{allocation.get('name') or allocation.get('id')} was released before it became active"
    if trouble.get("offers"):
        todo = "Take one of the offers, or repeat later. Nothing was billed."
    else:
        todo = f"See `aif allocations events {allocation.get('id')}`. Nothing was billed."
    detail = str(trouble.get("detail") or "")
    problem = {
        "title": title, "code": trouble.get("code") or str(state), "detail": detail, "todo": todo,
        "offers": trouble.get("offers") or [], "allocation": allocation,
    }  # fmt: skip
    return Failure(Exit.REFUSED, str(problem["code"]), title, detail, todo, None, problem)
