"""The clients that people have: OpenAI's, Azure's class of it, and Anthropic's, unchanged, against a simulated model server."""

import asyncio
import os

import anthropic
import httpx
import openai
import pytest
import pytest_asyncio

SAY = [{"role": "user", "content": "hello"}]
TOOL = {"name": "weather", "description": "of a place", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """The clients read the environment of whoever runs them."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest_asyncio.fixture
async def client(setup):
    async with openai.AsyncOpenAI(base_url=f"{setup.url}/v1", api_key=setup.secret, max_retries=0) as made:
        yield made


@pytest_asyncio.fixture
async def claude(setup):
    async with anthropic.AsyncAnthropic(base_url=setup.url, api_key=setup.secret, max_retries=0) as made:
        yield made


async def test_openai_whole_and_streamed(client):
    answer = await client.chat.completions.create(model="sim", messages=SAY, max_tokens=4)
    assert (answer.usage.completion_tokens, answer._request_id[:4]) == (4, "req_")
    stream = await client.chat.completions.create(
        model="sim", messages=SAY, max_tokens=4, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "simulated " * 4
    assert chunks[-1].usage.completion_tokens == 4


async def test_openai_lists_models_and_embeds(client):
    assert "sim" in [model.id async for model in client.models.list()]
    assert (await client.models.retrieve("sim")).id == "sim"
    assert len((await client.embeddings.create(model="sim", input="x")).data[0].embedding) == 2


async def test_openai_tools_come_back(client):
    function = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    answer = await client.chat.completions.create(model="sim", messages=SAY, tools=[function])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, answer.choices[0].finish_reason) == ("weather", "tool_calls")


ERRORS = [
    ("nothing", openai.NotFoundError),
    ("sim-broken", openai.InternalServerError),
    ("sim-cut", openai.InternalServerError),
    ("sim-busy", openai.InternalServerError),
    ("sim-refuses", openai.BadRequestError),
]


@pytest.mark.parametrize(("model", "error"), ERRORS)
async def test_openai_errors(client, model, error):
    with pytest.raises(error):
        await client.chat.completions.create(model=model, messages=SAY)


async def test_openai_with_a_wrong_key(setup):
    async with openai.AsyncOpenAI(base_url=f"{setup.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()


async def test_openai_learns_that_a_stream_broke(client):
    with pytest.raises(openai.APIError, match="failed"):
        async for _ in await client.chat.completions.create(model="sim-cut", messages=SAY, stream=True):
            pass


async def test_openai_cancels(setup, client):
    setup.upstream.pace_seconds = 0.01
    stream = await client.chat.completions.create(model="sim", messages=SAY, max_tokens=20, stream=True)
    await anext(aiter(stream))
    await stream.close()
    await setup.quiet()
    assert [(one.outcome, one.tokens_out) for one in setup.spooled()] == [("client_gone", 20)]


async def test_azures_class(setup):
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=setup.url, api_key=setup.secret, api_version="2024-10-21", max_retries=0
    ) as client:
        answer = await client.chat.completions.create(model="sim", messages=SAY, max_tokens=3)
        assert answer.usage.completion_tokens == 3
        assert (await client.embeddings.create(model="sim", input="x")).usage.prompt_tokens == 1
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="nothing", messages=SAY)


async def test_azures_address_names_the_model_alone(setup):
    async with setup.client() as client:
        body = {"messages": SAY, "max_tokens": 2}
        answer = await client.post("/openai/deployments/sim/chat/completions?api-version=1", json=body)
    assert answer.status_code == 200 and setup.upstream.bodies[-1]["model"] == "sim"


async def test_anthropic_whole(setup, claude):
    answer = await claude.messages.create(model="sim", max_tokens=4, messages=SAY, system="be brief")
    assert (answer.content[0].text, answer.stop_reason) == ("simulated " * 4, "max_tokens")
    assert answer.usage.output_tokens == 4
    assert [message["role"] for message in setup.upstream.bodies[-1]["messages"]] == ["system", "user"]


async def test_anthropic_streamed(claude):
    async with claude.messages.stream(model="sim", max_tokens=4, messages=SAY) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        answer = await stream.get_final_message()
    assert (text, answer.usage.output_tokens, answer.stop_reason) == ("simulated " * 4, 4, "max_tokens")


@pytest.mark.parametrize("streams", [False, True])
async def test_anthropic_tools_there_and_back(setup, claude, streams):
    wanted = {"model": "sim", "max_tokens": 50, "messages": SAY, "tools": [TOOL], "tool_choice": {"type": "any"}}
    if streams:
        async with claude.messages.stream(**wanted) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await claude.messages.create(**wanted)
    used = answer.content[-1]
    assert (used.type, used.name, used.input, answer.stop_reason) == (
        "tool_use",
        "weather",
        {"place": "sea"},
        "tool_use",
    )
    result = {"type": "tool_result", "tool_use_id": used.id, "content": "windy"}
    told = [*SAY, {"role": "assistant", "content": [used.model_dump(include={"type", "id", "name", "input"})]}]
    await claude.messages.create(model="sim", max_tokens=2, messages=[*told, {"role": "user", "content": [result]}])
    _, said, heard = setup.upstream.bodies[-1]["messages"]
    assert said["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"place":"sea"}'}
    assert heard == {"role": "tool", "tool_call_id": used.id, "content": "windy"}


async def test_anthropic_images_pass(setup, claude):
    source = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    await claude.messages.create(model="sim", max_tokens=2, messages=[{"role": "user", "content": parts}])
    (message,) = setup.upstream.bodies[-1]["messages"]
    assert message["content"][0] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}


BAD = [
    ({"max_tokens": 0}, anthropic.BadRequestError),
    ({"model": "nothing"}, anthropic.NotFoundError),
    ({"model": "sim-broken"}, anthropic.InternalServerError),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, anthropic.BadRequestError),
]


@pytest.mark.parametrize(("more", "error"), BAD)
async def test_anthropic_errors_are_its_own(claude, more, error):
    with pytest.raises(error) as raised:
        await claude.messages.create(**{"model": "sim", "max_tokens": 2, "messages": SAY, **more})
    assert raised.value.body["type"] == "error"


async def test_anthropic_learns_that_a_stream_broke(claude):
    with pytest.raises(anthropic.APIStatusError, match="failed"):
        async with claude.messages.stream(model="sim-cut", max_tokens=8, messages=SAY) as stream:
            async for _ in stream.text_stream:
                pass


async def test_a_hundred_clients_at_once_each_get_their_own_answer(setup):
    async def one(number: int) -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            heads = {"Authorization": f"Bearer {setup.secret}"}
            body = setup.chat(max_tokens=number, stream=number % 2 == 0)
            answer = await http.post(f"{setup.url}/v1/chat/completions", json=body, headers=heads)
            return answer.text.count("simulated ")

    assert await asyncio.gather(*(one(number) for number in range(1, 101))) == list(range(1, 101))
