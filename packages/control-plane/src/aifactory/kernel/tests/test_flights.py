"""Sharing one read: never an answer from before the question, never somebody else's cancellation."""

import asyncio

import pytest

from aifactory.kernel.flights import Flights


class Truth:
    """A number that changes; a read takes its value when it begins and answers when it is let."""

    def __init__(self) -> None:
        self.now = 0
        self.reads = 0
        self.let = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        seen = self.now
        await self.let.wait()
        if seen < 0:
            raise ValueError(seen)
        return seen


async def begun(*tasks: asyncio.Task) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_whoever_comes_during_a_read_gets_a_later_one():
    truth, flights = Truth(), Flights()
    first = asyncio.create_task(flights.share("k", truth.read))
    await begun(first)
    truth.now = 1
    later = [asyncio.create_task(flights.share("k", truth.read)) for _ in range(10)]
    await begun(first, *later)
    truth.let.set()
    assert await first == 0
    assert await asyncio.gather(*later) == [1] * 10, "each sees what was true when it asked"
    assert truth.reads == 2
    assert not flights._flying and not flights._boarding


async def test_other_questions_do_not_wait():
    truth, flights = Truth(), Flights()
    asked = [asyncio.create_task(flights.share(key, truth.read)) for key in "abc"]
    await begun(*asked)
    assert truth.reads == 3
    truth.let.set()
    assert await asyncio.gather(*asked) == [0, 0, 0]


async def test_a_failure_is_everybodys_and_the_next_read_is_new():
    truth, flights = Truth(), Flights()
    truth.now = -1
    asked = [asyncio.create_task(flights.share("k", truth.read)) for _ in range(3)]
    await begun(*asked)
    truth.let.set()
    assert all(isinstance(x, ValueError) for x in await asyncio.gather(*asked, return_exceptions=True))
    truth.now = 5
    assert await flights.share("k", truth.read) == 5


@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_somebody_who_leaves_takes_nobody_along(gone):
    truth, flights = Truth(), Flights()
    asked = [asyncio.create_task(flights.share("k", truth.read)) for _ in range(3)]
    await begun(*asked)
    asked[gone].cancel()
    await asyncio.sleep(0)
    truth.let.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers.pop(gone), asyncio.CancelledError)
    assert answers == [0, 0]
    assert not flights._flying and not flights._boarding
