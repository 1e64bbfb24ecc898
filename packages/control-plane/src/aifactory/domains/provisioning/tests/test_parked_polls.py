"""One node cannot hold many polls open: the newest waits, the oldest end at once, and a flood is refused."""

import asyncio

import pytest

from aifactory.domains.provisioning import agents, parked_polls
from aifactory.domains.provisioning.parked_polls import MOST_AT_ONCE, MOST_WAITING, parked
from aifactory.kernel.errors import Problem
from aifactory.kernel.principal import Principal
from aifactory_protocol import PollRequest


async def test_the_oldest_of_too_many_polls_end_and_the_newest_wait(factory):
    node = await factory.a_node()
    who = Principal.agent(node.node_id)
    request = PollRequest(boot_id="b", agent_version="1", wait_seconds=60, sandboxes=[])
    polls = []
    for _ in range(MOST_WAITING + 3):
        polls.append(asyncio.create_task(agents.poll(factory.database, who, request)))
        while len(parked_polls._polls.get(node.node_id, ())) < min(len(polls), MOST_WAITING):
            await asyncio.sleep(0)
    ended = await asyncio.gather(*polls[:3])
    assert [answer.tasks for answer in ended] == [[], [], []]
    assert not any(poll.done() for poll in polls[3:])
    for poll in polls[3:]:
        poll.cancel()
    await asyncio.gather(*polls[3:], return_exceptions=True)
    assert node.node_id not in parked_polls._polls


async def test_a_flood_is_refused_and_another_node_is_not():
    from contextlib import ExitStack

    with ExitStack() as held:
        for _ in range(MOST_AT_ONCE):
            held.enter_context(parked("node_a"))
        with pytest.raises(Problem) as refused, parked("node_a"):
            pass
        assert (refused.value.status, refused.value.code) == (429, "too_many_polls")
        with parked("node_b") as mine:
            assert not mine.over
    assert not parked_polls._polls
