"""Tokens through a real house: its own gateway process, keys, credit and bills. The model server behind it is SIMULATED where
its count of tokens must be known exactly, and SmolLM2 on llama.cpp where an answer must be real."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from house import House, until

from aifactory_sim.inference_upstream import InferenceUpstream

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("token_factory")]
PRICES = {"currency": "EUR", "input_price": "300", "output_price": "700.000001"}  # a request costs more than a cent
MODEL = {"name": "Simulated", "capabilities": ["chat"], "context_tokens": 8192, "max_output_tokens": 512}
SAY = [{"role": "user", "content": "one two three"}]
REAL = Path(__file__).parents[2] / ".model-server" / ".installed"


@dataclass
class ModelServer:
    """SIMULATED, in a thread of its own. `counted`: what it counted itself, by request."""

    behaviour: InferenceUpstream = field(default_factory=lambda: InferenceUpstream(pace_seconds=0.005))
    port: int = 0

    def run(self, started: threading.Event) -> None:
        async def serve() -> None:
            server, self.port = await self.behaviour.serve()
            started.set()
            await server.serve_forever()

        with suppress(asyncio.CancelledError):
            asyncio.run(serve())

    def totals(self, since: int) -> tuple[int, int]:
        """Of the requests after the first `since`."""
        seen = list(self.behaviour.counted.values())[since:]
        return sum(one.tokens_in for one in seen), sum(one.tokens_out for one in seen)


@dataclass
class Factory:
    house: House
    server: ModelServer
    keys: int = 0

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.house.ports[1]}/v1"

    def post(self, who: str, path: str, body: Any) -> dict[str, Any]:
        self.keys += 1
        answer = self.house.api(who).post(path, json=body, headers={"Idempotency-Key": f"token-factory-{self.keys}"})
        assert answer.is_success, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def key(self, who: str = "demo@example.com") -> tuple[str, str]:
        """(id, text) of a new one that the gateway has heard of."""
        made = self.post(who, "/keys", {"name": f"k{self.keys}", "scopes": ["inference.use"]})
        until(lambda: self.models(made["secret"]).status_code == 200, 10, "the gateway does not learn of the key")
        return made["id"], made["secret"]

    def models(self, secret: str) -> httpx.Response:
        return httpx.get(f"{self.gateway}/models", headers={"Authorization": f"Bearer {secret}"}, trust_env=False)

    def client(self, secret: str) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=self.gateway, api_key=secret, max_retries=0, http_client=httpx.Client(trust_env=False)
        )

    def used(self, key_id: str) -> tuple[int, int, int]:
        """(requests, tokens in, tokens out) as their tenant sees them."""
        rows = self.house.api("demo@example.com").get("/token-usage", params={"by": "key"}).json()["items"]
        mine = [row for row in rows if row["key_id"] == key_id]
        return (mine[0]["requests"], mine[0]["tokens_in"], mine[0]["tokens_out"]) if mine else (0, 0, 0)

    def billed(self, key_id: str) -> dict[str, tuple[int, Decimal]]:
        """sku -> (tokens, amount) on the bill that is not made yet."""
        lines = self.house.api("demo@example.com").get("/statement").json()["unbilled"]["lines"]
        mine = [line for line in lines if line["allocation_id"] == key_id]
        return {line["sku"]: (int(line["quantity"]), Decimal(line["exact_amount"]["amount"])) for line in mine}


@contextmanager
def opened(**environment: str) -> Iterator[Factory]:
    server, started = ModelServer(), threading.Event()
    threading.Thread(target=server.run, args=(started,), daemon=True).start()
    assert started.wait(10)
    house = House(slots=1, environment=environment)
    try:
        house.up()
        yield Factory(house, server)
    finally:
        house.stop()


@pytest.fixture(scope="module")
def factory() -> Iterator[Factory]:
    with opened() as made:
        at = {"url": f"http://127.0.0.1:{made.server.port}/v1", "usage_path": "/v1/usage/{request_id}"}
        upstream = made.post("admin@example.com", "/admin/upstreams", {"name": "simulated"} | at)["id"]
        for name, prices in (("sim", PRICES), ("dear", PRICES | {"output_price": "1000000"})):
            routes = [{"upstream_id": upstream, "upstream_model": "sim"}]
            made.post("admin@example.com", "/admin/models", MODEL | prices | {"id": name, "routes": routes})
        until(lambda: len(made.house.api("demo@example.com").get("/models").json()["items"]) == 2, 10, "no prices")
        yield made


def test_a_key_opens_the_gateway_until_it_is_revoked(factory: Factory) -> None:
    key_id, secret = factory.key()
    answer = factory.client(secret).chat.completions.create(model="sim", messages=SAY, max_tokens=3)  # type: ignore[arg-type]
    assert answer.usage and (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 3)
    with pytest.raises(openai.AuthenticationError):
        factory.client(secret[:-1] + "0").chat.completions.create(model="sim", messages=SAY)  # type: ignore[arg-type]
    deleted = factory.house.api("demo@example.com").delete(f"/keys/{key_id}", headers={"Idempotency-Key": "revoke-it"})
    assert deleted.is_success
    until(lambda: factory.models(secret).status_code == 401, 5, "the revoked key still opens the gateway")


def test_without_the_credit_for_the_longest_answer_nothing_is_asked(factory: Factory) -> None:
    _, secret = factory.key()
    before = factory.server.behaviour.requests
    with pytest.raises(openai.APIStatusError) as refused:
        factory.client(secret).chat.completions.create(model="dear", messages=SAY, max_tokens=512)  # type: ignore[arg-type]
    assert refused.value.status_code == 402
    assert factory.server.behaviour.requests == before


def ask(factory: Factory, secret: str, number: int) -> None:
    """Whole, streamed to its end, or left in the middle."""
    client = factory.client(secret)
    if number % 3 == 0:
        client.chat.completions.create(model="sim", messages=SAY, max_tokens=5 + number)  # type: ignore[arg-type]
        return
    stream = client.chat.completions.create(model="sim", messages=SAY, max_tokens=5 + number, stream=True)  # type: ignore[arg-type]
    for chunks, _ in enumerate(stream):
        if number % 3 == 2 and chunks == 2:
            stream.close()
            return


def together(factory: Factory, secret: str, numbers: range) -> None:
    def safely(number: int) -> None:
        with suppress(openai.APIError, httpx.HTTPError):
            ask(factory, secret, number)

    threads = [threading.Thread(target=safely, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def check_that_all_is_billed(factory: Factory, key_id: str, since: int) -> None:
    """What the model server counted is what the tenant sees and pays, to the last place."""
    until(lambda: factory.server.behaviour.open_requests == 0, 60, "the model server is still at work")
    tokens_in, tokens_out = factory.server.totals(since)
    requests = len(factory.server.behaviour.counted) - since
    wanted = (requests, tokens_in, tokens_out)
    until(lambda: factory.used(key_id) == wanted, 60, lambda: f"told {factory.used(key_id)}, counted {wanted}")
    until(lambda: factory.billed(key_id).get("sim.output", (0,))[0] == tokens_out, 30, "not booked")
    assert factory.billed(key_id) == {
        "sim.input": (tokens_in, tokens_in * Decimal("300") / 10**6),
        "sim.output": (tokens_out, (tokens_out * Decimal("700.000001") / 10**6).quantize(Decimal("1e-9"))),
    }
    assert factory.billed(key_id)["sim.output"][1] > Decimal("0.01")


def test_what_the_upstream_counted_is_what_is_billed(factory: Factory) -> None:
    key_id, secret = factory.key()
    since = len(factory.server.behaviour.counted)
    together(factory, secret, range(24))
    check_that_all_is_billed(factory, key_id, since)


def test_a_killed_gateway_loses_and_doubles_nothing(factory: Factory) -> None:
    key_id, secret = factory.key()
    since = len(factory.server.behaviour.counted)
    running = threading.Thread(target=together, args=(factory, secret, range(12)))
    running.start()
    until(lambda: len(factory.server.behaviour.counted) - since > 4, 20, "nothing is carried", pause_seconds=0.005)
    factory.house.kill("gateway")
    running.join(90)
    until(lambda: _is_ready(factory), 30, "the gateway does not come back")
    together(factory, secret, range(12, 18))
    check_that_all_is_billed(factory, key_id, since)


def _is_ready(factory: Factory) -> bool:
    try:
        return httpx.get(factory.gateway.removesuffix("/v1") + "/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_without_its_control_plane_it_serves_on_and_tells_later(factory: Factory) -> None:
    key_id, secret = factory.key()
    since = len(factory.server.behaviour.counted)
    together(factory, secret, range(2))
    stopped = [factory.house.pids()[name] for name in ("api", "worker")]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        together(factory, secret, range(3, 9))
        assert len(factory.server.behaviour.counted) - since == 8
        factory.house.kill("gateway")  # and it starts from what it knew
        until(lambda: _is_ready(factory), 30, "the gateway does not come back")
        together(factory, secret, range(9, 12))
        assert len(factory.server.behaviour.counted) - since == 11
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    check_that_all_is_billed(factory, key_id, since)


@contextmanager
def another_gateway(factory: Factory, name: str) -> Iterator[str]:
    """Enrolled as an operator does it; its address."""
    token = factory.post("admin@example.com", "/admin/gateway-tokens", {"gateway_name": name})["token"]
    words, state = [sys.executable, "-m", "aifactory_gateway"], f"--state-dir={factory.house.data_dir / name}"
    enrol = ["enrol", state, f"--url=https://127.0.0.1:{factory.house.ports[2]}", f"--name={name}"]
    subprocess.run([*words, *enrol], env={**os.environ, "AIF_BOOTSTRAP_TOKEN": token}, check=True, timeout=60)
    with subprocess.Popen([*words, "run", state, "--port=0"], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.readline().split()[1]
        finally:
            running.terminate()


def test_of_two_hundred_requests_at_three_gateways_for_which_the_credit_lasts_once_one_runs(factory: Factory) -> None:
    who = "other@example.com"
    _, secret = factory.key(who)
    available = Decimal(factory.house.api(who).get("/wallet").json()["available"]["amount"])
    price = {"currency": "EUR", "input_price": "0", "output_price": str(6_000 * available)}  # 100 tokens: 60 % of it
    upstream = factory.house.api("admin@example.com").get("/admin/upstreams").json()["items"][0]["id"]
    routes = [{"upstream_id": upstream, "upstream_model": "sim"}]
    factory.post("admin@example.com", "/admin/models", MODEL | price | {"id": "once", "routes": routes})
    with another_gateway(factory, "edge-2") as second, another_gateway(factory, "edge-3") as third:
        gateways = (factory.gateway, second, third)
        heads = {"Authorization": f"Bearer {secret}"}

        def known(gateway: str) -> bool:
            answer = httpx.get(f"{gateway}/models", headers=heads, trust_env=False)
            return answer.is_success and any(model["id"] == "once" for model in answer.json()["data"])

        for gateway in gateways:
            until(lambda gateway=gateway: known(gateway), 15, "a gateway does not learn of the model")
        before = len(factory.server.behaviour.counted)

        async def all_at_once() -> list[int]:
            body = {"model": "once", "messages": SAY, "max_tokens": 100}
            limits = httpx.Limits(max_connections=200)
            async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
                asked = [http.post(f"{gateways[n % 3]}/chat/completions", json=body, headers=heads) for n in range(200)]
                return [answer.status_code for answer in await asyncio.gather(*asked)]

        statuses = asyncio.run(all_at_once())
    assert sorted(set(statuses)) == [200, 402] and statuses.count(200) == 1
    assert len(factory.server.behaviour.counted) - before == 1


def test_no_prompt_and_no_key_is_in_any_log(factory: Factory) -> None:
    _, secret = factory.key()
    canary = "canary-7f3a91"
    client = factory.client(secret)
    client.chat.completions.create(model="sim", messages=[{"role": "user", "content": canary}], max_tokens=2)
    with suppress(openai.APIError):
        client.chat.completions.create(model=canary, messages=[{"role": "user", "content": canary}])
    time.sleep(1)
    for log in (factory.house.data_dir / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert secret not in text and canary not in text, log
    state = factory.house.data_dir / "gateway"
    kept = b"".join(file.read_bytes() for file in state.rglob("*") if file.is_file())
    assert secret.encode() not in kept and canary.encode() not in kept


def test_the_command_line_shows_models_and_talks_to_them(factory: Factory) -> None:
    shown = factory.house.cli("models", profile="nobody", check=True)
    assert re.search(r"^sim +Simulated +chat +8192 +300\.00 EUR +700\.000001 EUR$", shown.out, re.M), shown.out
    assert factory.gateway in shown.err
    factory.house.login("demo@example.com")
    said = factory.house.cli("chat", "sim", "hello", "there", "--max-tokens", "4", check=True)
    assert said.out.strip() == "simulated simulated simulated simulated"
    whole = factory.house.cli("chat", "sim", "hello", "-o", "json", check=True).json
    assert whole["usage"]["completion_tokens"] == 512  # what the catalogue bounds, when nobody else does
    unknown = factory.house.cli("chat", "nobody", "hello")
    assert (unknown.code, "model_not_found" in unknown.err) == (5, True)
    keys = factory.house.cli("keys", "list", "-o", "json", check=True).json["items"]
    assert len([key for key in keys if key["name"] == "aif chat"]) == 1


def test_an_operator_offers_and_withdraws_a_model_on_the_command_line(factory: Factory) -> None:
    factory.house.login("admin@example.com")

    def admin(*words: str) -> str:
        return factory.house.cli("admin", *words, profile="admin", check=True).out

    admin(
        "upstreams", "create", "by-hand", "--url", f"http://127.0.0.1:{factory.server.port}/v1", "--max-requests", "4"
    )
    prices = ("--input-price", "0.10", "--output-price", "0.30")
    limits = ("--context", "4096", "--max-output", "64")
    said = admin("models", "offer", "hand-1b", "--name", "By hand", "--upstream", "by-hand=sim", *prices, *limits)
    assert said.startswith("hand-1b is offered")
    factory.house.login("demo@example.com")
    until(lambda: "hand-1b" in factory.house.cli("models").out, 10, "its prices do not count")
    talk = ("chat", "hand-1b", "hello", "--max-tokens", "2")
    until(lambda: factory.house.cli(*talk).out.strip() == "simulated simulated", 10, "the gateway does not know it")
    shown = admin("models", "list")
    assert re.search(r"^hand-1b +By hand +offered +local +0\.10 EUR +0\.30 EUR +ups_\w+ as sim$", shown, re.M), shown
    refused = factory.house.cli("admin", "upstreams", "delete", "by-hand", profile="admin")
    assert (refused.code, "upstream_in_use" in refused.err) == (6, True)
    assert admin("models", "withdraw", "hand-1b").strip() == "hand-1b is withdrawn."
    until(lambda: factory.house.cli(*talk).code == 5, 10, "it is served although it was withdrawn")
    assert admin("upstreams", "delete", "by-hand").strip() == "by-hand is forgotten."
    assert re.search(r"^gw_\w+ +\S+ +local +enrolled +\d{4}-.* +\d+ of \d+$", admin("gateways", "list"), re.M)
    asked = factory.house.cli("admin", "gateways", "token", "edge-9", profile="admin", check=True)
    assert asked.out.startswith("aif_boot_") and "aifactory_gateway enrol" in asked.err


@pytest.mark.skipif(not REAL.exists(), reason="the model server is not installed: make models")
def test_the_house_answers_with_a_real_model_and_bills_what_it_counted() -> None:
    with opened(AIF_MODEL_SERVER="") as real:
        until(lambda: "models" in real.house.pids(), 30, "the model server does not start")
        until(lambda: real.house.api("demo@example.com").get("/models").json()["items"], 30, "no model is offered")
        key_id, secret = real.key()
        client = real.client(secret)

        def answers() -> Any:
            try:
                return client.chat.completions.create(model="smollm2-135m", messages=SAY, max_tokens=2).usage  # type: ignore[arg-type]
            except openai.APIStatusError:
                return None

        first = until(answers, 60, "the model does not answer")
        stream = client.chat.completions.create(
            model="smollm2-135m", messages=[{"role": "user", "content": "Name three colours."}], max_tokens=24,
            stream=True, stream_options={"include_usage": True}, temperature=0,
        )  # fmt: skip
        chunks = list(stream)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        last = chunks[-1].usage
        assert len(text.split()) > 3 and last and 3 < last.completion_tokens <= 24
        told = httpx.get(f"http://127.0.0.1:{_port_of_models(real.house)}/metrics", trust_env=False).text
        made = int(float(re.findall(r"^llamacpp:tokens_predicted_total (\S+)$", told, re.M)[0]))
        counted = (first.prompt_tokens + last.prompt_tokens, made)  # of prompts it counts apart what it had read before
        until(lambda: real.used(key_id)[1:] == counted, 30, lambda: f"{real.used(key_id)} {counted}")
        bill = {"smollm2-135m.input": counted[0], "smollm2-135m.output": counted[1]}
        until(lambda: {sku: tokens for sku, (tokens, _) in real.billed(key_id).items()} == bill, 30, "not booked")


def _port_of_models(house: House) -> int:
    words = Path(f"/proc/{house.pids()['models']}/cmdline").read_bytes().split(b"\0")
    return int(words[-2])
