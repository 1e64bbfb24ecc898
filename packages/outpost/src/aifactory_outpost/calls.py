"""Calls to the control plane: JSON over HTTPS. Words of HTTP stay in here; limits and timeouts are explicit."""

from __future__ import annotations

import asyncio
import ssl
from typing import TypeVar

import httpx
import msgspec

ANSWER_BYTES = 8 * 1024**2
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
_SAID_BYTES = 500
T = TypeVar("T")


class CallFailed(Exception):
    """No usable answer: the call may or may not have been taken. `status` is 0 when there was no answer at all."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class Calls:
    """One connection pool to `url`; a new certificate needs another. `trust` None: plain HTTP, for tests on loopback."""

    def __init__(
        self, url: str, trust: ssl.SSLContext | None, user_agent: str, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        if trust is None and not url.startswith("http://"):
            raise ValueError(f"{url} without anybody to trust")
        self._connect_seconds = connect_seconds
        self._under_way = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            verify=trust if trust is not None else False,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": user_agent},
        )

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        await self._http.aclose()

    async def close_when_quiet(self) -> None:
        """Close once the calls under way have their answers. Whoever calls this begins no new ones here."""
        try:
            await self._is_quiet.wait()
        finally:
            await self.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
        most_bytes: int = ANSWER_BYTES,
    ) -> bytes:
        """The body of a 2xx answer, at most `most_bytes`. `body` goes as JSON; None: none. Raises CallFailed."""
        self._under_way += 1
        self._is_quiet.clear()
        try:
            return await self._called(method, path, body, timeout_seconds, most_bytes)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._is_quiet.set()

    async def _called(
        self, method: str, path: str, body: object | None, timeout_seconds: float, most_bytes: int
    ) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        limits = httpx.Timeout(timeout_seconds, connect=self._connect_seconds)
        try:
            async with self._http.stream(method, path, content=content, headers=headers, timeout=limits) as answer:
                data = await _bounded(answer, most_bytes)
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            raise CallFailed(f"{method} {path}: {type(error).__name__} {error}".strip()) from error
        if answer.status_code // 100 != 2:
            said = data[:_SAID_BYTES].decode(errors="replace")
            raise CallFailed(f"{method} {path}: {answer.status_code} {said}", answer.status_code)
        return data


def decoded(data: bytes, kind: type[T]) -> T:
    """What the answer says; raises CallFailed when the protocol does not."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CallFailed(f"the answer is not what the protocol says: {error}") from error


async def _bounded(answer: httpx.Response, most_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > most_bytes:
            raise CallFailed(f"the answer has more than {most_bytes} bytes")
    return bytes(data)
