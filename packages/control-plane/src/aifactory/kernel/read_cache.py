"""A cache of page read models in Redis or Valkey. It makes pages cheap, never right: PostgreSQL is asked whenever it hesitates.

An entry belongs to one reader (principal, tenant, grant version) and to the stamps of its tenant and of the platform as
they were before the page was read. Whatever publishes an event sets a new stamp once it is committed, so an entry is
only served while nothing was published since; and never for longer than KEEP_SECONDS, which bounds how old a page can be
when a stamp was lost on the way or a change publishes nothing. `as_of` in the page says when it was read.

Every call has a budget of a few milliseconds. After some failures in a row the cache is left alone for a while (the
breaker is open). Flushed, stopped, slow or gone, the answer is what the database says.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from fastapi import Request, Response

from aifactory.kernel import outbox
from aifactory.kernel.ids import Ids
from aifactory.kernel.principal import Principal
from aifactory.kernel.settings import Settings

log = logging.getLogger(__name__)
BUDGET_SECONDS = 0.05  # a busy event loop alone takes more than a few milliseconds to come back to an answer
CONNECT_SECONDS = 0.05
KEEP_SECONDS = 3
STAMP_SECONDS = 3600
MAX_ENTRY_BYTES = 256 * 1024
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 2.0
MAX_OWED = 1000
PLATFORM = "platform"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Counts:
    """Since this process started. Ages are of pages that this process kept itself: clocks of others cannot be compared."""

    hits: int = 0
    misses: int = 0
    skipped: int = 0  # the breaker was open
    failures: int = 0
    oldest_seconds: float = 0.0
    aged: int = 0  # hits whose age is known
    aged_seconds: float = 0.0  # their ages together


@dataclass(frozen=True)
class Place:
    """Where a page of one reader is kept, and the stamps under which it may be put there (None: not this time)."""

    key: str
    stamps: tuple[str, str] | None


@dataclass(frozen=True)
class Kept:
    headers: dict[str, str]
    body: bytes


class ReadCache:
    """One per process. Nothing here raises: what goes wrong is counted, and the caller asks the database."""

    def __init__(self, url: str, ids: Ids | None = None) -> None:
        import redis.asyncio as redis  # only an installation with a cache pays for the client
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            max_connections=64,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._ids = ids or Ids()
        self._me = self._ids.new("cache")
        self._failed = 0
        self._closed_until = 0.0
        self._owed: set[str] = set()  # stamps that could not be set: nothing is served from here before they are
        self.counts = Counts()

    @property
    def open(self) -> bool:
        """The breaker is open: the cache is left alone."""
        return asyncio.get_running_loop().time() < self._closed_until

    async def look(self, who: Principal, address: str) -> tuple[Kept | None, Place | None]:
        """What is kept for this reader, and where to put the page after it was read; (None, None): leave the cache alone."""
        key, names = _key(who, address), _stamp_names(who)
        found = await self._within_budget(lambda: self._look(key, names))
        if found is None:
            return None, None
        kept, place = found
        if kept is None:
            self.counts.misses += 1
        return kept, place

    async def put(self, place: Place, kept: Kept) -> None:
        if place.stamps is None or len(kept.body) > MAX_ENTRY_BYTES:
            return
        loop_at = asyncio.get_running_loop().time()
        head = json.dumps({"stamps": place.stamps, "headers": kept.headers, "at": loop_at, "by": self._me})
        value = head.encode() + b"\n" + kept.body
        await self._within_budget(lambda: self._client.set(place.key, value, ex=KEEP_SECONDS))

    async def changed(self, tenant_id: str | None) -> None:
        """Something of this tenant (None: of the platform) is committed: what was kept before is not served again."""
        self._owe(tenant_id or PLATFORM)
        await self._within_budget(self._pay)

    async def close(self) -> None:
        await self._client.aclose()

    # -- with the server

    async def _look(self, key: str, names: Sequence[str]) -> tuple[Kept | None, Place]:
        if self._owed:
            await self._pay()
        answer: list[Any] = await self._client.mget([*names, key])
        *stamps, value = answer
        if None in stamps:
            return None, Place(key, await self._first_stamps(names, stamps))
        now = (stamps[0].decode(), stamps[1].decode())
        kept = self._judge(value, now) if value is not None else None
        return kept, Place(key, now)

    async def _first_stamps(self, names: Sequence[str], stamps: Sequence[bytes | None]) -> tuple[str, str] | None:
        """After a flush: new ones, before the page is read. None when another was quicker; next time then."""
        made: list[str] = []
        for name, stamp in zip(names, stamps, strict=True):
            new = self._ids.new("stp")
            if stamp is None and not await self._client.set(name, new, nx=True, ex=STAMP_SECONDS):
                return None
            made.append(new if stamp is None else stamp.decode())
        return made[0], made[1]

    def _judge(self, value: bytes, stamps: tuple[str, str]) -> Kept | None:
        head, _, body = value.partition(b"\n")
        facts: dict[str, Any] = json.loads(head)
        if tuple(facts["stamps"]) != stamps:
            return None
        self.counts.hits += 1
        if facts["by"] == self._me:
            age = asyncio.get_running_loop().time() - facts["at"]
            self.counts.oldest_seconds = round(max(self.counts.oldest_seconds, age), 3)
            self.counts.aged, self.counts.aged_seconds = self.counts.aged + 1, self.counts.aged_seconds + age
        return Kept(facts["headers"], body)

    async def _pay(self) -> bool:
        names = sorted(self._owed)
        async with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.set(_stamp(name), self._ids.new("stp"), ex=STAMP_SECONDS)
            await pipeline.execute()
        self._owed.difference_update(names)
        return True

    def _owe(self, name: str) -> None:
        """Too many to remember: what was kept for them ends by itself within KEEP_SECONDS."""
        if len(self._owed) < MAX_OWED:
            self._owed.add(name)

    async def _within_budget(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        if self.open:
            self.counts.skipped += 1
            return None
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                answer = await ask()
        except Exception as error:
            self._note_failure(error)
            return None
        self._failed = 0
        return answer

    def _note_failure(self, error: Exception) -> None:
        self.counts.failures += 1
        self._failed += 1
        if self._failed >= FAILURES_TO_OPEN:
            self._failed = FAILURES_TO_OPEN - 1  # the next try after the pause decides alone
            self._closed_until = asyncio.get_running_loop().time() + OPEN_SECONDS
            log.warning("read cache left alone for %s s: %s %s", OPEN_SECONDS, type(error).__name__, error)


_current: list[ReadCache] = []


def use(cache: ReadCache | None) -> None:
    """This process keeps pages there from now on (None: nowhere), and tells it of every published event."""
    _current[:] = [cache] if cache else []
    outbox.OBSERVERS[:] = [cache.changed] if cache else []


def open_if_configured(settings: Settings) -> None:
    """AIF_REDIS_URL: `redis://host:6379/0`, `rediss://…`, `unix:///path`. Empty: no cache, every page is read."""
    use(ReadCache(settings.redis_url) if settings.redis_url else None)


async def leave() -> None:
    cache = current()
    use(None)
    if cache:
        await cache.close()


def current() -> ReadCache | None:
    return _current[0] if _current else None


def kept(endpoint: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
    """Put under a page's route: answers from the cache when it can. The endpoint takes `request` and `tx` by name."""

    @wraps(endpoint)
    async def from_cache(*args: P.args, **kwargs: P.kwargs) -> Response:
        cache, request, tx = current(), kwargs["request"], kwargs["tx"]
        if cache is None or not isinstance(request, Request):
            return await endpoint(*args, **kwargs)
        address = f"{request.url.path}?{request.url.query}"
        found, place = await cache.look(tx.principal, address)  # type: ignore[attr-defined]
        if found is not None:
            return _answer(request, found)
        response = await endpoint(*args, **kwargs)
        if place is not None and response.status_code == 200:
            headers = {
                name: response.headers[name] for name in ("etag", "cache-control", "vary") if name in response.headers
            }
            await cache.put(place, Kept(headers, bytes(response.body)))
        return response

    return from_cache


def _answer(request: Request, kept: Kept) -> Response:
    if kept.headers.get("etag", "?") in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=kept.headers)
    return Response(kept.body, headers=kept.headers, media_type="application/json")


def _key(who: Principal, address: str) -> str:
    reader = json.dumps([who.id, who.kind, who.tenant_id, who.grant_version, who.key_id, who.scopes, address])
    return f"aif:page:{hashlib.sha256(reader.encode()).hexdigest()}"


def _stamp_names(who: Principal) -> tuple[str, str]:
    return _stamp(PLATFORM), _stamp(who.tenant_id or PLATFORM)


def _stamp(name: str) -> str:
    return f"aif:stamp:{name}"
