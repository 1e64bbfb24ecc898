"""A request goes through, its answer comes back as it was, and its tokens are booked as the upstream counted them."""

import asyncio
import json
import socket

import httpx
import pytest

from aifactory_protocol.gateway import KeyLimits, Upstream

CHAT = "/v1/chat/completions"


def counted(setup) -> dict[str, tuple[int, int]]:
    return {id: (one.tokens_in, one.tokens_out) for id, one in setup.upstream.counted.items()}


def booked(setup) -> dict[str, tuple[int, int]]:
    return {record.id: (record.tokens_in, record.tokens_out) for record in setup.spooled()}


async def test_an_answer_comes_back_whole_and_is_booked_as_its_upstream_counted(setup):
    before = setup.free()
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat(max_tokens=7))
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] == 7
    assert booked(setup) == counted(setup) == {answer.headers["x-request-id"]: (6, 7)}
    assert before - setup.free() == sum(setup.cost(one.tokens_in, one.tokens_out) for one in setup.records) > 0
    assert [record.counted_by for record in setup.records] == ["upstream"]


@pytest.mark.parametrize("asks", [True, False])
async def test_a_stream_shows_its_usage_only_to_who_asked(setup, asks):
    options = {"stream_options": {"include_usage": True}} if asks else {}
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat(max_tokens=9, stream=True, **options))
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
    assert answer.text.endswith("data: [DONE]\n\n")
    assert sum("simulated" in str(event["choices"]) for event in events) == 9
    assert [event["usage"]["completion_tokens"] for event in events if event["usage"]] == ([9] if asks else [])
    assert booked(setup) == counted(setup)


async def test_who_leaves_in_the_middle_pays_what_the_upstream_made(setup):
    setup.upstream.pace_seconds = 0.002
    async with (
        setup.client() as client,
        client.stream("POST", CHAT, json=setup.chat(max_tokens=50, stream=True)) as answer,
    ):
        async for _ in answer.aiter_bytes():
            break
    await setup.quiet()
    assert booked(setup) == counted(setup)
    assert [(record.outcome, record.tokens_out) for record in setup.records] == [("client_gone", 50)]


async def test_everything_else_in_the_body_passes_through(setup):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "x": [1.50, None, "ü"]}}}]
    sent = setup.chat(tools=tools, response_format={"type": "json_object"}, temperature=0.25, seed=2**60, max_tokens=3)
    async with setup.client() as client:
        await client.post(CHAT, json=sent)
    assert setup.upstream.bodies[-1] == sent


async def test_an_answer_that_nobody_bounded_is_bounded(setup):
    async with setup.client() as client:
        await client.post(CHAT, json=setup.chat())
    assert setup.upstream.bodies[-1]["max_tokens"] == 256


async def test_a_member_that_comes_twice_goes_on_once(setup):
    async with setup.client() as client:
        body = b'{"model":"nothing","model":"sim","messages":[],"max_tokens":9,"max_tokens":2}'
        answer = await client.post(CHAT, content=body)
    assert answer.status_code == 200 and setup.upstream.bodies[-1]["max_tokens"] == 2


async def test_embeddings_have_no_output(setup):
    async with setup.client() as client:
        answer = await client.post("/v1/embeddings", json={"model": "sim", "input": "a b c"})
    assert answer.json()["data"][0]["embedding"] == [0.1, 0.2]
    assert booked(setup) == counted(setup)


async def test_an_upstream_that_never_says_its_usage_is_counted_by_events(setup):
    async with setup.client() as client:
        await client.post(CHAT, json=setup.chat("sim-mute", max_tokens=11, stream=True))
    (record,) = setup.spooled()
    assert (record.tokens_out, record.counted_by) == (11, "estimate")


FAILURES = [
    ("sim-busy", 503, "model_overloaded"),
    ("sim-broken", 502, "upstream_failed"),
    ("sim-locked", 502, "upstream_failed"),
    ("sim-cut", 502, "upstream_failed"),
    ("sim-refuses", 400, "simulated"),
]


@pytest.mark.parametrize(("model", "status", "code"), FAILURES)
async def test_what_its_upstream_failed_is_told_and_costs_nothing(setup, model, status, code):
    before = setup.free()
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat(model, max_tokens=5))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert setup.free() == before
    assert all(record.outcome == "upstream_failed" for record in setup.spooled())


@pytest.mark.parametrize("model", ["sim-cut", "sim-garbled", "sim-endless"])
async def test_a_stream_that_breaks_says_so_and_costs_nothing(setup, model):
    before = setup.free()
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat(model, max_tokens=5, stream=True))
    last = json.loads(answer.text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert last["error"]["code"] == "upstream_failed"
    assert setup.free() == before
    await setup.quiet()


async def test_what_waits_of_all_streams_together_is_bounded(setup):
    setup.gateway.max_buffered_bytes = 1024**2
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat("sim-endless", max_tokens=5, stream=True))
    assert "larger than can be read now" in answer.text
    await setup.quiet()
    assert setup.gateway.buffered_bytes == 0


async def test_an_upstream_that_is_silent_times_out(setup):
    url = f"http://127.0.0.1:{setup.upstream_port}/v1"
    setup.knows(setup.key(), upstreams=[Upstream("ups_1", url, first_byte_seconds=0.2)])
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat("sim-silent"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")


async def test_a_usage_below_zero_is_not_believed(setup):
    async with setup.client() as client:
        await client.post(CHAT, json=setup.chat("sim-liar", max_tokens=6, stream=True))
    assert [(record.tokens_out, record.counted_by) for record in setup.spooled()] == [(6, "estimate")]


async def test_a_usage_that_no_context_can_hold_is_not_believed(setup):
    before = setup.free()
    async with setup.client() as client:
        await client.post(CHAT, json=setup.chat("sim-boaster", max_tokens=6, stream=True))
    assert [(record.tokens_out, record.counted_by) for record in setup.spooled()] == [(6, "estimate")]
    assert 0 < before - setup.free() < setup.cost(1_000, 1_000)


@pytest.mark.parametrize(
    ("path", "body", "answers"),
    [
        ("/v1/completions", {"prompt": ["a", "b", "c"], "max_tokens": 10}, 3),
        ("/v1/completions", {"prompt": [1, 2, 3], "max_tokens": 10}, 1),
        ("/v1/completions", {"prompt": [[1], [2]], "max_tokens": 10, "best_of": 4}, 8),
        (CHAT, {"messages": [], "max_tokens": 10, "n": 5}, 5),
    ],
)
async def test_what_is_held_bounds_every_answer_that_is_asked_for(setup, path, body, answers):
    setup.upstream.pace_seconds = 0.2
    async with setup.client() as client:
        asking = asyncio.create_task(client.post(path, json={"model": "sim", "stream": True} | body))
        while not setup.gateway.journal.running:
            await asyncio.sleep(0.001)
        held = setup.gateway.budgets.open_leases()[0]
        assert held.amount - held.free >= answers * 10 * setup.price.output_per_million
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_picture_is_held_for_as_the_largest_there_can_be(setup):
    before = setup.gateway.budgets.open_leases()[0].free
    setup.upstream.pace_seconds = 0.05
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]
    async with (
        setup.client() as client,
        client.stream("POST", CHAT, json={"model": "sim", "messages": picture, "max_tokens": 3, "stream": True}),
    ):
        held = before - setup.gateway.budgets.open_leases()[0].free
    assert held >= 131_072 * setup.price.input_per_million


REFUSED = ["background", "previous_response_id", "conversation", "priority", "chat_template", "kv_transfer_params"]


@pytest.mark.parametrize("member", REFUSED)
async def test_what_would_reach_around_the_gateway_is_refused(setup, member):
    async with setup.client() as client:
        answer = await client.post(CHAT, json=setup.chat() | {member: "resp_1"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, member)


async def test_nothing_is_stored_at_an_upstream(setup):
    async with setup.client() as client:
        await client.post(CHAT, json=setup.chat(store=True))
    assert setup.upstream.bodies[-1]["store"] is False


async def test_a_request_that_makes_an_upstream_fail_does_not_rest_it_for_others(setup):
    async with setup.client() as client:
        for _ in range(8):
            assert (await client.post(CHAT, json=setup.chat("sim-broken"))).status_code == 502
        assert (await client.post(CHAT, json=setup.chat())).status_code == 200


async def test_another_upstream_answers_when_the_first_cannot_be_reached(setup):
    there = f"http://127.0.0.1:{setup.upstream_port}/v1"
    setup.knows(setup.key(), upstreams=[Upstream("ups_away", "http://127.0.0.1:9/v1"), Upstream("ups_there", there)])
    async with setup.client() as client:
        answers = [await client.post(CHAT, json=setup.chat()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {record.upstream_id for record in setup.spooled()} == {"ups_there"}


async def test_a_slow_reader_holds_its_upstream_back(setup):
    wanted = setup.chat(max_tokens=100_000, stream=True)  # 20 MB: more than all the sockets between hold
    small = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)])
    async with setup.client(transport=small) as client, client.stream("POST", CHAT, json=wanted) as answer:
        (seen,) = setup.upstream.counted.values()
        before = -1
        while seen.tokens_out != before:
            before = seen.tokens_out
            await asyncio.sleep(0.5)
        assert seen.tokens_out < 100_000
        text = b"".join([part async for part in answer.aiter_bytes()])
    assert text.endswith(b"data: [DONE]\n\n")
    assert booked(setup) == counted(setup)


async def test_two_hundred_at_once_with_money_for_one(setup):
    setup.gateway.budgets._of.clear()
    wanted = setup.chat(max_tokens=100)
    purse = setup.cost(len(json.dumps(wanted, separators=(",", ":"))) + 256, 100)
    setup.gateway.budgets.add(setup.lease(purse, "lease_small"))
    async with setup.client() as client:
        answers = await asyncio.gather(*(client.post(CHAT, json=wanted) for _ in range(200)))
    assert sorted(answer.status_code for answer in answers) == [200] + [402] * 199
    assert purse - setup.free() == sum(setup.cost(one.tokens_in, one.tokens_out) for one in setup.spooled())


async def test_too_many_requests_a_minute_are_told_when_to_come_again(setup):
    setup.knows(setup.key(KeyLimits(requests_per_minute=3)))
    async with setup.client() as client:
        answers = [await client.post(CHAT, json=setup.chat(max_tokens=1)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "3"
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "2"
    assert int(answers[3].headers["retry-after"]) >= 1


async def test_streams_at_once_are_limited(setup):
    setup.knows(setup.key(KeyLimits(streams=1)))
    setup.upstream.pace_seconds = 0.01
    async with setup.client() as client:
        async with client.stream("POST", CHAT, json=setup.chat(max_tokens=20, stream=True)):
            refused = await client.post(CHAT, json=setup.chat(stream=True))
            assert refused.json()["error"]["code"] == "too_many_streams"
        await setup.quiet()
        assert (await client.post(CHAT, json=setup.chat(max_tokens=1, stream=True))).status_code == 200


async def test_a_key_that_is_gone_from_the_snapshot_is_refused_at_once(setup):
    async with setup.client() as client:
        assert (await client.post(CHAT, json=setup.chat())).status_code == 200
        setup.knows()
        answer = await client.post(CHAT, json=setup.chat())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_models_are_those_of_the_key(setup):
    setup.knows(setup.key(models=["sim"]))
    async with setup.client() as client:
        listed = (await client.get("/v1/models")).json()
        hidden = await client.post(CHAT, json=setup.chat("sim-mute"))
    assert [model["id"] for model in listed["data"]] == ["sim"]
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "model_not_found")
