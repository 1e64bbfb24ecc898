"""A worker that dies at a named moment inside a test, and time that passes until its lease has lapsed.

SIMULATED power cut: the worker's code stops at the point as if killed, and its transaction rolls back. tests/chaos kills
real processes.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from aifactory.kernel.db import Database

LAPSED_SECONDS = 21  # twice a lease, and a second


class MovableDatabase(Database):
    """The real database; `offset` is how far its clock is ahead in every transaction."""

    offset = timedelta()

    async def first_alive(self, use: Callable[[AsyncConnection], Awaitable[Any]]) -> tuple[AsyncConnection, Any]:
        async def ahead(connection: AsyncConnection) -> Any:
            if self.offset:
                await connection.execute("select set_config('aif.clock_offset', %s, false)", (str(self.offset),))
            return await use(connection)

        return await super().first_alive(ahead)


class PowerCut(BaseException):
    """Not an Exception, so that nothing tidies up after it."""


class Cut:
    """Cuts the power the first time that the armed point is reached: `monkeypatch.setattr(crash, "reach", Cut(point))`."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.hits = 0

    def __call__(self, point: str) -> None:
        if point == self.point and not self.hits:
            self.hits += 1
            raise PowerCut(point)
