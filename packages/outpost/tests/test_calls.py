"""Every call ends: with what the protocol says, or with a CallFailed that says why."""

import asyncio

import pytest
from msgspec import Struct

from aifactory_outpost.calls import CallFailed, Calls, decoded
from aifactory_outpost.identity import server_trust
from aifactory_sim.authority import Authority


class Word(Struct):
    word: str


@pytest.fixture
async def calls(home):
    made = Calls(home.url, server_trust(home.authority.pem), "outpost-test")
    yield made
    await made.close()


async def test_an_answer_is_what_the_protocol_says(home, calls):
    home.body = b'{"word":"yes"}'
    assert decoded(await calls.call("POST", "/words", Word("no")), Word) == Word("yes")
    assert await calls.call("GET", "/words") == home.body
    assert home.heard == ["post /words http/1.1", "get /words http/1.1"]
    with pytest.raises(CallFailed, match="not what the protocol says"):
        decoded(b'{"word":1}', Word)


async def test_a_refusal_has_its_status_and_its_words(home, calls):
    home.status, home.body = 403, b"x" * 10_000
    with pytest.raises(CallFailed) as failed:
        await calls.call("POST", "/words", Word("no"))
    assert failed.value.status == 403
    assert str(failed.value) == f"POST /words: 403 {'x' * 500}"


async def test_a_redirect_is_not_followed(home, calls):
    home.status = 302
    with pytest.raises(CallFailed) as failed:
        await calls.call("GET", "/words")
    assert failed.value.status == 302


async def test_no_answer_has_no_status(home, calls):
    home.may_answer.clear()
    with pytest.raises(CallFailed, match="ReadTimeout") as failed:
        await calls.call("GET", "/words", timeout_seconds=0.1)
    assert failed.value.status == 0
    nowhere = Calls("http://127.0.0.1:9", None, "outpost-test")
    with pytest.raises(CallFailed, match="ConnectError"):
        await nowhere.call("GET", "/words")
    await nowhere.close()


async def test_an_answer_larger_than_was_asked_for_is_not_read(home, calls):
    home.body = b"x" * 1_001
    assert len(await calls.call("GET", "/words", most_bytes=1_001)) == 1_001
    with pytest.raises(CallFailed, match="more than 1000 bytes"):
        await calls.call("GET", "/words", most_bytes=1_000)


async def test_another_authority_is_not_spoken_to(home):
    stranger = Calls(home.url, server_trust(Authority("another CA").pem), "outpost-test")
    with pytest.raises(CallFailed, match="certificate verify failed"):
        await stranger.call("GET", "/words")
    await stranger.close()
    assert not home.heard


async def test_nobody_to_trust_is_only_for_plain_http(home):
    with pytest.raises(ValueError, match="without anybody to trust"):
        Calls(home.url, None, "outpost-test")


async def test_it_closes_when_the_last_call_under_way_has_its_answer(home, calls):
    home.may_answer.clear()
    asking = [asyncio.create_task(calls.call("GET", f"/words/{number}")) for number in range(3)]
    while len(home.heard) < 3:
        await asyncio.sleep(0.005)
    closing = asyncio.create_task(calls.close_when_quiet())
    await asyncio.sleep(0.05)
    assert not closing.done()
    home.may_answer.set()
    assert await asyncio.gather(*asking) == [b"{}"] * 3
    await asyncio.wait_for(closing, 5)
    with pytest.raises(RuntimeError, match="closed"):
        await calls.call("GET", "/words")


async def test_with_nothing_under_way_it_closes_at_once(calls):
    await asyncio.wait_for(calls.close_when_quiet(), 1)
