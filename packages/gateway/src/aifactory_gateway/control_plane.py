"""The gateway's few calls to the control plane. Words of HTTP stay in here; limits and timeouts are explicit."""

from __future__ import annotations

import ssl
from typing import Protocol, TypeVar

import httpx
import msgspec

from aifactory_protocol.gateway import (
    MAX_SNAPSHOT_BYTES,
    Lease,
    LeaseRequest,
    LeaseReturn,
    SnapshotAnswer,
    SnapshotRequest,
    UsageAnswer,
    UsageBatch,
)

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
T = TypeVar("T")


class CallFailed(Exception):
    """No usable answer: the control plane may or may not have taken it. `status` 0 when there was none at all."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class NoLease(Exception):
    """The control plane is there, and the account has not that much."""


class ControlPlane(Protocol):
    """Each may raise CallFailed, and may be called again with the same words."""

    async def snapshot(self, request: SnapshotRequest) -> SnapshotAnswer: ...

    async def lease(self, request: LeaseRequest) -> Lease:
        """Raises NoLease."""

    async def give_back(self, leases: LeaseReturn) -> None: ...

    async def usage(self, batch: UsageBatch) -> UsageAnswer: ...


class HttpControlPlane:
    """At `url`, over TLS that shows the gateway's certificate (`trust`; None: plain HTTP, for tests on loopback)."""

    def __init__(self, url: str, trust: ssl.SSLContext | None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            verify=trust if trust is not None else False,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": "aifactory-gateway"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def snapshot(self, request: SnapshotRequest) -> SnapshotAnswer:
        timeout = request.wait_seconds + ANSWER_SECONDS
        return _decoded(await self._call("/internal/v3/gateway/snapshot", request, timeout), SnapshotAnswer)

    async def lease(self, request: LeaseRequest) -> Lease:
        try:
            return _decoded(await self._call("/internal/v3/gateway/leases", request), Lease)
        except CallFailed as error:
            if error.status == 402:
                raise NoLease(str(error)) from error
            raise

    async def give_back(self, leases: LeaseReturn) -> None:
        await self._call("/internal/v3/gateway/leases/return", leases)

    async def usage(self, batch: UsageBatch) -> UsageAnswer:
        return _decoded(await self._call("/internal/v3/gateway/usage", batch), UsageAnswer)

    async def _call(self, path: str, body: object, timeout: float = ANSWER_SECONDS) -> bytes:
        limits = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        content, headers = msgspec.json.encode(body), {"Content-Type": "application/json"}
        try:
            async with self._http.stream("POST", path, content=content, headers=headers, timeout=limits) as answer:
                data = await _bounded(answer)
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            raise CallFailed(f"{path}: {type(error).__name__} {error}".strip()) from error
        if answer.status_code // 100 != 2:
            said = data[:300].decode(errors="replace")
            raise CallFailed(f"{path}: {answer.status_code} {said}", answer.status_code)
        return data


async def _bounded(answer: httpx.Response) -> bytes:
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > MAX_SNAPSHOT_BYTES:
            raise CallFailed(f"the answer has more than {MAX_SNAPSHOT_BYTES} bytes")
    return bytes(data)


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CallFailed(f"the answer is not what the protocol says: {error}") from error
