"""How many polls of one node wait at once. One is right; an agent that broke off and asks again has two for a moment.

The newest counts: the oldest of too many ends with nothing to do. Whoever floods past that is refused.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aifactory.kernel.errors import Problem

MOST_WAITING = 2
MOST_AT_ONCE = 16  # with those that were told to end and have not yet


@dataclass(eq=False)
class ParkedPoll:
    """`over`: it must answer now. `nudge`: what it sleeps on."""

    over: bool = False
    nudge: asyncio.Task[Any] | None = None

    def end(self) -> None:
        self.over = True
        if self.nudge is not None:
            self.nudge.cancel()


_polls: dict[str, list[ParkedPoll]] = {}


@contextmanager
def parked(node_id: str) -> Iterator[ParkedPoll]:
    """A place for one more poll of that node. Raises Problem 429 when it floods."""
    polls = _polls.setdefault(node_id, [])
    if len(polls) >= MOST_AT_ONCE:
        raise Problem(
            429,
            "too_many_polls",
            "Too many polls at once",
            f"This node has {len(polls)} polls open; one is enough.",
            todo="Wait for the answer of a poll before the next one, or break it off.",
            retry_after_seconds=5,
        )
    mine = ParkedPoll()
    polls.append(mine)
    for oldest in polls[:-MOST_WAITING]:
        oldest.end()
    try:
        yield mine
    finally:
        polls.remove(mine)
        if not polls and _polls.get(node_id) is polls:
            del _polls[node_id]
