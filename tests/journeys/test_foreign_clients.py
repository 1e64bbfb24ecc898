"""Clients that are not ours and are not in our environment, unchanged, against a real small model in a real house: OpenAI's for
JavaScript and LangChain's class. `make test-peers`: each is fetched into a folder of its own. Those for Python that we have
anyway (OpenAI's, Azure's class of it, Anthropic's) are here too, with what the model server counted as the judge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from house import REPOSITORY, House, until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]
JAVASCRIPT, LANGCHAIN = "openai@7.59.0", "langchain-openai==1.7.4"
CLIENTS = Path(__file__).parent / "clients"
BUILD = REPOSITORY / ".build"
MODEL = "smollm2-135m"
ASK = [{"role": "user", "content": "Name three colours."}]
TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}}


class Inference:
    """A house that serves the small model, and a key for it."""

    def __init__(self, house: House) -> None:
        self.house = house
        until(lambda: "models" in house.pids(), 30, "the model server is not installed: make models")
        demo = house.api("demo@example.com")
        until(lambda: demo.get("/models").json()["items"], 30, "no model is offered")
        made = demo.post("/keys", json={"name": "clients"}, headers={"Idempotency-Key": "foreign-clients"}).json()
        self.key_id, self.key = made["id"], made["secret"]
        self.root = f"http://127.0.0.1:{house.ports[1]}"
        until(self.answers, 60, "the model does not answer", pause_seconds=0.5)

    def answers(self) -> bool:
        body = {"model": MODEL, "messages": ASK, "max_tokens": 1}
        heads = {"Authorization": f"Bearer {self.key}"}
        asked = httpx.post(f"{self.root}/v1/chat/completions", json=body, headers=heads, timeout=60, trust_env=False)
        return asked.is_success

    def run(self, *words: str) -> dict[str, Any]:
        """What that program saw of it."""
        told = {
            "BASE": f"{self.root}/v1",
            "KEY": self.key,
            "MODEL": MODEL,
            "NODE_PATH": str(BUILD / "clients-js/node_modules"),
        }
        environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", **told}
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]

    def booked(self) -> int:
        """Tokens of answers that were told."""
        rows = self.house.api("demo@example.com").get("/token-usage", params={"by": "key"}).json()["items"]
        return sum(row["tokens_out"] for row in rows)

    def counted(self) -> int:
        """Tokens that the model server made since it began."""
        words = Path(f"/proc/{self.house.pids()['models']}/cmdline").read_bytes().split(b"\0")
        told = httpx.get(f"http://127.0.0.1:{int(words[-2])}/metrics", trust_env=False).text
        return int(float(re.findall(r"^llamacpp:tokens_predicted_total (\S+)$", told, re.M)[0]))


@pytest.fixture(scope="module")
def inference() -> Iterator[Inference]:
    house = House(slots=1, environment={"AIF_MODEL_SERVER": ""})
    try:
        house.up()
        yield Inference(house)
    finally:
        house.stop()


def test_openais_client_for_javascript(inference: Inference) -> None:
    folder = BUILD / "clients-js"
    if not (folder / "node_modules/openai").exists():
        words = ["npm", "install", "--prefix", str(folder), JAVASCRIPT, "--no-audit", "--no-fund", "--silent"]
        subprocess.run(words, check=True, timeout=300)
    script = shutil.copy(CLIENTS / "openai.mjs", folder / "openai.mjs")  # where `import` finds the client
    seen = inference.run("node", str(script))
    assert seen["whole"].strip() and seen["streamed"].strip()
    assert 1 < seen["usage"] <= 16 and 1 < seen["streamedUsage"] <= 16
    assert seen["json"][0] == "length" or isinstance(json.loads(seen["json"][1]), dict | list)
    assert seen["left"] is True
    assert seen["unknown"] == ["NotFoundError", 404, "model_not_found"]
    assert seen["wrongKey"] == ["AuthenticationError", 401]
    assert MODEL in seen["models"]


def test_langchains_class(inference: Inference) -> None:
    python = BUILD / "clients-py/bin/python"
    if not python.exists():
        uv = shutil.which("uv") or str(REPOSITORY / ".tools/bin/uv")
        subprocess.run([uv, "venv", "-q", str(BUILD / "clients-py")], check=True, timeout=60)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), LANGCHAIN], check=True, timeout=300)
    seen = inference.run(str(python), str(CLIENTS / "langchain.py"))
    assert seen["whole"].strip() and seen["streamed"].strip()
    assert 1 < seen["usage"] <= 16 and 1 < seen["streamed_usage"] <= 16
    assert seen["unknown"][1] == 404


def test_openais_azures_and_anthropics_for_python(inference: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)  # Anthropic's client reads them
    http = httpx.Client(trust_env=False, timeout=60)
    ours = openai.OpenAI(base_url=f"{inference.root}/v1", api_key=inference.key, max_retries=0, http_client=http)
    azure = openai.AzureOpenAI(
        azure_endpoint=inference.root, api_key=inference.key, api_version="2025-01-01", max_retries=0, http_client=http
    )
    for client in (ours, azure):
        whole = client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=16)  # type: ignore[call-overload]
        assert whole.choices[0].message.content.strip() and 1 < whole.usage.completion_tokens <= 16
        pieces = client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=16, stream=True)  # type: ignore[call-overload]
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices).strip()
    with pytest.raises(openai.NotFoundError):
        ours.chat.completions.create(model="nobody", messages=ASK)  # type: ignore[call-overload]
    tools = [{"type": "function", "function": TOOL}]
    called = ours.chat.completions.create(model=MODEL, messages=ASK, tools=tools, max_tokens=32)  # type: ignore[call-overload]
    assert called.choices[0].finish_reason in ("tool_calls", "stop", "length")
    claude = anthropic.Anthropic(base_url=inference.root, api_key=inference.key, max_retries=0)
    answer = claude.messages.create(model=MODEL, max_tokens=16, messages=ASK)  # type: ignore[arg-type]
    assert answer.content[0].text.strip() and 1 < answer.usage.output_tokens <= 16  # type: ignore[union-attr]
    with claude.messages.stream(model=MODEL, max_tokens=16, messages=ASK) as stream:  # type: ignore[arg-type]
        assert "".join(stream.text_stream).strip()


def test_what_they_all_used_is_what_the_model_server_made(inference: Inference) -> None:
    """The last of this file: also of those who left in the middle."""
    until(
        lambda: inference.booked() == inference.counted(), 60, lambda: f"{inference.booked()} of {inference.counted()}"
    )
    assert inference.counted() > 50
