"""What people do with models in the portal, step by step: for the journey and for the pictures."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
from browser import Watched
from playwright.sync_api import Locator, expect

from aifactory_sim.inference_upstream import InferenceUpstream

PROMPT = [{"role": "user", "content": "one two three"}]
SIMULATED = {
    "Name": "Simulated", "Id": "sim", "Price in, EUR": "300", "Price out, EUR": "700.000001", "Context, in tokens": "8,192",
    "Longest answer, in tokens": "512", "Description - optional": "Says one word.", "Served by Its name there": "sim",
}  # fmt: skip


@dataclass
class Counted:
    """What the answers said that they used."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


def simulated_model_server() -> int:
    """The port of one, in a thread of its own for as long as this process lives."""
    behaviour, started, port = InferenceUpstream(pace_seconds=0.001), threading.Event(), []

    async def serve() -> None:
        server, at = await behaviour.serve()
        port.append(at)
        started.set()
        with suppress(asyncio.CancelledError):
            await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    assert started.wait(10)
    return port[0]


def add_upstream(visit: Watched, name: str, url: str) -> None:
    """From the page of the upstreams."""
    dialog = visit.page.get_by_role("dialog")
    visit.page.get_by_role("button", name="Add upstream").click()
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("textbox", name="Address").fill(url)
    dialog.get_by_role("button", name="Add upstream").click()


def write_offer(visit: Watched, upstream: str, model: dict[str, str]) -> None:
    """The form of a new model, filled in and not sent yet."""
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    visit.go("/admin/models?new=1")
    for label, text in model.items():
        dialog.get_by_role("textbox", name=label, exact=True).fill(text)
    dialog.get_by_role("button", name="Upstream").first.click()
    page.get_by_role("option", name=upstream).click()


def send_offer(visit: Watched) -> None:
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Offer a model").click()
    expect(dialog).to_have_count(0)


def make_key(visit: Watched, name: str) -> str:
    """By the link of the models' page, which says what the key is for. Its secret."""
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    visit.go("/models")
    page.get_by_role("link", name="an API key").click()
    dialog.get_by_role("textbox", name="Name").fill(name)
    expect(dialog).to_contain_text("inference.use")
    dialog.get_by_role("button", name="Create key").click()
    return page.get_by_role("region", name="API key").inner_text()


def call(gateway: str, secret: str, model: str, times: int) -> Counted:
    counted = Counted()
    with httpx.Client(headers={"Authorization": f"Bearer {secret}"}, trust_env=False, timeout=30) as http:
        _wait_until_known(http, gateway, model)
        for _ in range(times):
            body = {"model": model, "messages": PROMPT, "max_tokens": 500}
            used = http.post(f"{gateway}/chat/completions", json=body).raise_for_status().json()["usage"]
            counted.requests += 1
            counted.tokens_in += used["prompt_tokens"]
            counted.tokens_out += used["completion_tokens"]
    return counted


def _wait_until_known(http: httpx.Client, gateway: str, model: str) -> None:
    for _ in range(300):
        answer = http.get(f"{gateway}/models")
        if answer.is_success and any(one["id"] == model for one in answer.json()["data"]):
            return
        time.sleep(0.1)
    raise AssertionError("the gateway does not learn of the key and the model")


def row(visit: Watched, text: str) -> Locator:
    return visit.page.get_by_role("row").filter(has_text=text).last
