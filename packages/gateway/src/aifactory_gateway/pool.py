"""The connections to one upstream: kept alive, bounded, with a short queue for those who come when all are taken."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from urllib.parse import urlsplit

from aifactory_gateway.link import Link, Taker
from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import Upstream

LOOK_SECONDS = 0.5
IDLE_LOOKS = 40
QUEUE_SECONDS = 10.0
QUEUE_LENGTH = 1_000
FAILURES_IN_A_ROW = 5
REST_LOOKS = 10


class CannotConnect(Exception):
    """No connection came about; nothing was sent."""


class Pool:
    """`busy`: requests that are with this upstream now."""

    def __init__(self, upstream: Upstream) -> None:
        parts = urlsplit(upstream.url)
        self.upstream = upstream
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._base = parts.path.rstrip("/")
        self._authority = parts.netloc.rpartition("@")[2]
        self._idle: deque[Link] = deque()
        self._looks = 0
        self._first_byte_looks = upstream.first_byte_seconds / LOOK_SECONDS
        self._between_looks = upstream.between_bytes_seconds / LOOK_SECONDS
        self._links: set[Link] = set()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._prefixes: dict[str, bytes] = {}
        self._failures = 0
        self._rests_until = 0
        self.busy = 0

    @property
    def is_well(self) -> bool:
        """False for some seconds after it failed again and again; then one request at a time finds out."""
        return self._failures < FAILURES_IN_A_ROW or (self._looks >= self._rests_until and self.busy == 0)

    def failed(self) -> None:
        self._failures += 1
        self._rests_until = self._looks + REST_LOOKS

    def succeeded(self) -> None:
        self._failures = 0

    def request(self, path: str, request_id: str, body: bytes) -> bytes:
        """The bytes of a POST. `path` below the upstream's address, such as `/chat/completions`."""
        prefix = self._prefixes.get(path)
        if prefix is None:
            lines = [f"POST {self._base}{path} HTTP/1.1", f"Host: {self._authority}", "Content-Type: application/json"]
            lines += ["Accept-Encoding: identity", "User-Agent: aifactory-gateway"]
            if self.upstream.secret:
                lines.append(f"Authorization: Bearer {self.upstream.secret}")
            prefix = self._prefixes[path] = "\r\n".join(lines).encode()
        return b"%b\r\nX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            prefix, request_id.encode(), len(body), body,
        )  # fmt: skip

    def take_idle(self) -> Link | None:
        """At once, or None: then `take` opens one. Each link taken is given back."""
        if self.busy >= self.upstream.max_requests:
            return None
        while self._idle:
            link = self._idle.pop()
            if link.is_open:
                self.busy += 1
                link.was_idle = True
                return link
        return None

    async def take(self) -> Link:
        """Raises CannotConnect, or Refusal 503 when all are taken and the queue is full or too slow."""
        while self.busy >= self.upstream.max_requests:
            await self._wait()
        link = self.take_idle()
        if link is not None:
            return link
        self.busy += 1
        try:
            return await self._open()
        except BaseException:
            self._leave()
            raise

    def give_back(self, link: Link) -> None:
        """The request is over; the link is kept when it can be."""
        if link.is_open:
            link.idle_since = self._looks
            self._idle.append(link)
        self._leave()

    def send(self, link: Link, request: bytes, taker: Taker) -> None:
        link.send(request, taker, self._first_byte_looks)

    def look(self) -> None:
        """Every LOOK_SECONDS: ends what is late, and what was idle for long."""
        self._looks += 1
        for link in list(self._links):
            link.look()
        idle = self._idle
        while idle and (self._looks - idle[0].idle_since > IDLE_LOOKS or not idle[0].is_open):
            idle.popleft().abort()

    def close(self) -> None:
        """Idle connections; those in use end with their request."""
        while self._idle:
            self._idle.pop().abort()

    async def _open(self) -> Link:
        loop = asyncio.get_running_loop()
        upstream = self.upstream
        try:
            async with asyncio.timeout(upstream.connect_seconds):
                _, link = await loop.create_connection(
                    lambda: Link(self._links.discard, self._between_looks),
                    self._host,
                    self._port,
                    ssl=self._tls,
                )
        except (OSError, TimeoutError) as error:
            raise CannotConnect(f"{type(error).__name__}: {error}") from error
        self._links.add(link)
        return link

    async def _wait(self) -> None:
        if len(self._queue) >= QUEUE_LENGTH:
            raise _overloaded()
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await turn
        except TimeoutError:
            raise _overloaded() from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake_next()  # it was our turn, and we do not take it
            raise
        finally:
            if turn in self._queue:
                self._queue.remove(turn)

    def _leave(self) -> None:
        self.busy -= 1
        self._wake_next()

    def _wake_next(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return


def _overloaded() -> Refusal:
    return Refusal(503, "model_overloaded", "Every place at this model is taken.", retry_after_seconds=2)
