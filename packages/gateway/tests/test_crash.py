"""kill -9 of a real gateway process under load: every request is booked once, with the tokens that its upstream counted."""

import asyncio
import base64
import json
import os
import random
import signal
import sys
from collections import Counter

import httpx
import pytest
import pytest_asyncio

from aifactory_protocol.gateway import Upstream

CHAT = "/v1/chat/completions"
CALLERS = 8


class Process:
    """`python -m aifactory_gateway run` on a state folder; started again on the same port after each kill."""

    def __init__(self, folder, url: str, pepper: bytes) -> None:
        folder.mkdir(exist_ok=True)
        identity = {
            "gateway_id": "gw_1",
            "gateway_name": "gw-test",
            "url": url,
            "pepper": base64.urlsafe_b64encode(pepper).decode(),
        }
        (folder / "gateway.json").write_text(json.dumps(identity))
        self._folder = folder
        self._child: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        words = [sys.executable, "-m", "aifactory_gateway", "run", f"--state-dir={self._folder}", f"--port={self.port}"]
        self._log = (self._folder / "log").open("ab")
        self._child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=self._log)
        line = (await asyncio.wait_for(self._child.stdout.readline(), 20)).decode()
        self.port = int(line.split(":")[2].split("/")[0])

    async def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self._child.pid, number)
        await asyncio.wait_for(self._child.wait(), 40)

    async def end(self) -> None:
        """However the test went."""
        if self._child is not None and self._child.returncode is None:
            await self.kill()

    def log(self) -> str:
        return (self._folder / "log").read_text()


@pytest_asyncio.fixture
async def process(setup, control_plane, tmp_path):
    made = Process(tmp_path / "gateway", control_plane.url, setup.pepper)
    yield made
    await made.end()


async def call_until(stop: asyncio.Event, setup, process: Process, seen: Counter, seed: int) -> None:
    """One caller after another request, whole, streamed, and streamed but left in the middle."""
    choice = random.Random(seed)
    while not stop.is_set():
        kind = choice.choice(("whole", "stream", "leave"))
        wanted = setup.chat(max_tokens=choice.randint(1, 30), stream=kind != "whole")
        setup.url = f"http://127.0.0.1:{process.port}"
        try:
            async with setup.client() as client, client.stream("POST", CHAT, json=wanted) as answer:
                seen[answer.status_code] += 1
                async for _ in answer.aiter_bytes():
                    if kind == "leave":
                        break
        except httpx.HTTPError:
            seen["cut"] += 1
            await asyncio.sleep(0.01)


async def more_answers(seen: Counter, count: int) -> None:
    wanted = seen[200] + count
    async with asyncio.timeout(60):
        while seen[200] < wanted:
            await asyncio.sleep(0.005)


async def all_told(control_plane, setup) -> None:
    """Until everything that reached the model server is booked."""
    async with asyncio.timeout(30):
        while setup.upstream.open_requests or setup.upstream.counted.keys() - control_plane.booked.keys():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.soak)])
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled(setup, control_plane, process, kills):
    url = f"http://127.0.0.1:{setup.upstream_port}/v1"
    upstream = Upstream("ups_1", url, usage_path="/usage/{request_id}")
    setup.upstream.pace_seconds = 0.002
    control_plane.lease_nanos = setup.cost(40_000, 20_000)
    control_plane.snapshot = setup.snapshot(1, [upstream], [setup.key()])
    before = control_plane.nanos
    await process.start()
    stop, seen = asyncio.Event(), Counter()
    callers = [asyncio.create_task(call_until(stop, setup, process, seen, seed)) for seed in range(CALLERS)]
    choice = random.Random(kills)
    for number in range(kills):
        await more_answers(seen, choice.randint(5, 25))
        control_plane.is_away = number % 3 == 2  # the control plane may be away while a gateway dies and starts
        await process.kill()
        await process.start()
        control_plane.is_away = False
    await more_answers(seen, 10)
    stop.set()
    await asyncio.gather(*callers)
    await all_told(control_plane, setup)
    await process.kill(signal.SIGTERM)
    counted = {id: (one.tokens_in, one.tokens_out) for id, one in setup.upstream.counted.items()}
    booked = {id: (one.tokens_in, one.tokens_out) for id, one in control_plane.booked.items()}
    assert {id: tokens for id, tokens in booked.items() if tokens != (0, 0)} == counted
    assert {one.outcome for one in control_plane.booked.values()} == {"ok", "client_gone", "interrupted"}
    assert seen["cut"] and seen.keys() <= {200, 503, "cut"}, seen
    leased = sum(lease.amount for lease in control_plane.leases.values())
    spent = sum(setup.cost(*tokens) for tokens in booked.values())
    assert 0 < spent <= leased == before - control_plane.nanos
    assert "Traceback" not in process.log()


async def test_prompts_and_keys_are_in_no_file_and_no_log(setup, control_plane, process, tmp_path):
    upstream = Upstream("ups_1", f"http://127.0.0.1:{setup.upstream_port}/v1", "upstream-canary")
    control_plane.snapshot = setup.snapshot(1, [upstream], [setup.key(secret="key-canary")])
    await process.start()
    setup.url = f"http://127.0.0.1:{process.port}"
    async with setup.client("key-canary") as client:
        for model in ("sim", "sim-broken", "sim-cut", "nothing"):
            message = [{"role": "user", "content": "prompt-canary"}]
            await client.post(CHAT, json={"model": model, "messages": message, "max_tokens": 3})
        await client.post(CHAT, content=b"{prompt-canary")
    await process.kill(signal.SIGTERM)
    files = {path.name: path.read_bytes() for path in (tmp_path / "gateway").rglob("*") if path.is_file()}
    found = {(name, word) for name, data in files.items() for word in (b"prompt-canary", b"key-canary") if word in data}
    assert not found
    assert {name for name, data in files.items() if b"upstream-canary" in data} == {"snapshot.json"}
    assert ((tmp_path / "gateway") / "snapshot.json").stat().st_mode & 0o077 == 0


async def test_without_an_identity_it_says_so(tmp_path):
    words = [sys.executable, "-m", "aifactory_gateway", "run", f"--state-dir={tmp_path}"]
    child = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert (child.returncode, "not enrolled" in said.decode()) == (3, True)


async def test_two_do_not_work_on_one_folder(setup, control_plane, process, tmp_path):
    control_plane.snapshot = setup.snapshot(1, [], [])
    await process.start()
    words = [sys.executable, "-m", "aifactory_gateway", "run", f"--state-dir={tmp_path / 'gateway'}", "--port=0"]
    child = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert (child.returncode, "another gateway" in said.decode()) == (4, True)
