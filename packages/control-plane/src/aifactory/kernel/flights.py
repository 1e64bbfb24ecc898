"""Who asks the same as somebody who waits already shares the answer, which is never older than either question.

One credential that asks one thing many times at once (an open dashboard in many tabs, a client that polls too fast) costs
the database one read after the other, not one each. Nothing is kept: an answer is shared only by those who asked before
its read began.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """At most one read of a key is under way, and at most one waits to begin; whoever comes meanwhile boards that one."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Future[None]] = {}
        self._boarding: dict[Hashable, asyncio.Task[T]] = {}

    async def share(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """The answer of a `read` that begins after this call; raises what that read raises."""
        if key not in self._boarding:
            ahead = self._flying.get(key)
            if ahead is None:
                return await self._fly(key, read)
            self._boarding[key] = asyncio.create_task(self._follow(ahead, key, read))
        return await asyncio.shield(self._boarding[key])  # one passenger who leaves does not ground the others

    async def _follow(self, ahead: asyncio.Future[None], key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        try:
            await ahead
        finally:
            del self._boarding[key]
        return await self._fly(key, read)

    async def _fly(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        landed = self._flying[key] = asyncio.get_running_loop().create_future()
        try:
            return await read()
        finally:
            del self._flying[key]
            landed.set_result(None)
