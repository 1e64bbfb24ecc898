"""The gateway's few calls to the control plane."""

from __future__ import annotations

import ssl
from typing import Protocol

from aifactory_gateway.identity import USER_AGENT
from aifactory_outpost.calls import CallFailed, Calls, decoded
from aifactory_protocol.enrolment import RenewRequest, RenewResponse
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

CONNECT_SECONDS = 5.0  # a request may wait for a lease
ANSWER_SECONDS = 15.0


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
        self._calls = _calls(url, trust)

    async def close(self) -> None:
        await self._calls.close()

    async def reconnect(self, url: str, trust: ssl.SSLContext | None) -> None:
        """Calls go there from now on. Returns when those under way on the old connections have their answers."""
        old, self._calls = self._calls, _calls(url, trust)
        await old.close_when_quiet()

    async def renew(self, request: RenewRequest) -> RenewResponse:
        """The next certificate."""
        return decoded(await self._call("/internal/v3/gateway/renew", request), RenewResponse)

    async def snapshot(self, request: SnapshotRequest) -> SnapshotAnswer:
        timeout = request.wait_seconds + ANSWER_SECONDS
        return decoded(await self._call("/internal/v3/gateway/snapshot", request, timeout), SnapshotAnswer)

    async def lease(self, request: LeaseRequest) -> Lease:
        try:
            return decoded(await self._call("/internal/v3/gateway/leases", request), Lease)
        except CallFailed as error:
            if error.status == 402:
                raise NoLease(str(error)) from error
            raise

    async def give_back(self, leases: LeaseReturn) -> None:
        await self._call("/internal/v3/gateway/leases/return", leases)

    async def usage(self, batch: UsageBatch) -> UsageAnswer:
        return decoded(await self._call("/internal/v3/gateway/usage", batch), UsageAnswer)

    async def _call(self, path: str, body: object, timeout_seconds: float = ANSWER_SECONDS) -> bytes:
        return await self._calls.call("POST", path, body, timeout_seconds, MAX_SNAPSHOT_BYTES)


def _calls(url: str, trust: ssl.SSLContext | None) -> Calls:
    return Calls(url, trust, USER_AGENT, CONNECT_SECONDS)
