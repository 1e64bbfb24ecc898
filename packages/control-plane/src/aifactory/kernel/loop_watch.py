"""How late this process' event loop comes back to whoever waits in it: what blocks it delays everybody at once.

A look every tenth of a second costs next to nothing, and misses what blocks for less than that only sometimes: each
look is late by what was left of it. On a machine with too few free cores the loop is late too, which is just as true.
"""

import asyncio
from collections.abc import Callable, Iterable

LOOK_SECONDS = 0.1


class LoopWatch:
    """`tell` is told of each look, in seconds; `worst()` says the latest one since it was asked last."""

    def __init__(self, tell: Iterable[Callable[[float], None]] = ()) -> None:
        self._tell = tuple(tell)
        self._worst = 0.0

    async def look_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.note(max(0.0, loop.time() - due))

    def note(self, late_seconds: float) -> None:
        self._worst = max(self._worst, late_seconds)
        for tell in self._tell:
            tell(late_seconds)

    def worst(self) -> dict[str, float]:
        """For the heartbeat: milliseconds, once."""
        worst, self._worst = self._worst, 0.0
        return {"loop_late_ms": round(worst * 1000, 1)}
