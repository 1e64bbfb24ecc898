"""What blocks the event loop is noticed, told, and shown once with a heartbeat."""

import asyncio
import time

from aifactory.kernel.loop_watch import LOOK_SECONDS, LoopWatch

BLOCKED_SECONDS = LOOK_SECONDS + 0.2


async def test_a_blocked_loop_is_noticed_by_whoever_waits_in_it():
    told: list[float] = []
    watch = LoopWatch([told.append])
    looking = asyncio.create_task(watch.look_forever())
    await asyncio.sleep(0)
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  blocking is the point
    while not told:
        await asyncio.sleep(0)
    looking.cancel()
    assert told[0] >= BLOCKED_SECONDS - LOOK_SECONDS
    assert watch.worst()["loop_late_ms"] >= 1000 * told[0] - 1


def test_the_worst_is_said_once():
    watch = LoopWatch()
    for late in (0.01, 0.2, 0.02):
        watch.note(late)
    assert (watch.worst(), watch.worst()) == ({"loop_late_ms": 200.0}, {"loop_late_ms": 0.0})
