"""The agent's few calls to the control plane. Words of HTTP stay in here; limits and timeouts are explicit."""

from __future__ import annotations

import ssl
from typing import TypeVar

import httpx
import msgspec

from aifactory_protocol.enrolment import BootstrapRequest, BootstrapResponse, RenewRequest, RenewResponse
from aifactory_protocol.inventory import Inventory
from aifactory_protocol.tasks import PollRequest, PollResponse, TaskResult
from aifactory_protocol.telemetry import TelemetryAnswer, TelemetryBatch

ANSWER_BYTES = 8 * 1024**2
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
T = TypeVar("T")


class CallFailed(Exception):
    """The call brought no usable answer. `status` is 0 when there was none at all."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class ControlPlane:
    """One connection pool to `url`; close it when the certificate changes."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            verify=trust,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept": "application/json", "User-Agent": "aifactory-agent"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ca(self) -> str:
        """The CA in PEM: not to be believed before its fingerprint is checked."""
        return (await self._call("GET", "/internal/v3/ca", None)).decode(errors="replace")

    async def bootstrap(self, request: BootstrapRequest) -> BootstrapResponse:
        """Exchange a bootstrap token for an identity."""
        return _decode(await self._call("POST", "/internal/v3/bootstrap", request), BootstrapResponse)

    async def renew(self, request: RenewRequest) -> RenewResponse:
        """The next certificate."""
        return _decode(await self._call("POST", "/internal/v3/renew", request), RenewResponse)

    async def inventory(self, inventory: Inventory) -> None:
        """Report the machine."""
        await self._call("POST", "/internal/v3/inventory", inventory)

    async def poll(self, request: PollRequest) -> PollResponse:
        """Wait for tasks."""
        timeout = request.wait_seconds + ANSWER_SECONDS
        return _decode(await self._call("POST", "/internal/v3/poll", request, timeout), PollResponse)

    async def post_result(self, result: TaskResult) -> None:
        """Deliver a result; no exception means that the control plane has it."""
        await self._call("POST", f"/internal/v3/tasks/{result.task_id}/result", result)

    async def telemetry(self, batch: TelemetryBatch) -> TelemetryAnswer:
        """Tell what was measured; no exception means that the control plane has seen it."""
        return _decode(await self._call("POST", "/internal/v3/telemetry", batch), TelemetryAnswer)

    async def _call(self, method: str, path: str, body: object | None, timeout: float = ANSWER_SECONDS) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        limits = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        try:
            async with self._http.stream(method, path, content=content, headers=headers, timeout=limits) as answer:
                data = await _bounded(answer)
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            raise CallFailed(f"{method} {path}: {type(error).__name__} {error}".strip()) from error
        if answer.status_code // 100 != 2:
            said = data[:500].decode(errors="replace")
            raise CallFailed(f"{method} {path}: {answer.status_code} {said}", answer.status_code)
        return data


async def _bounded(answer: httpx.Response) -> bytes:
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > ANSWER_BYTES:
            raise CallFailed(f"the answer has more than {ANSWER_BYTES} bytes")
    return bytes(data)


def _decode(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CallFailed(f"the answer is not what the protocol says: {error}") from error
