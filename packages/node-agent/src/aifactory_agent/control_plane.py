"""The agent's few calls to the control plane."""

from __future__ import annotations

import ssl

from aifactory_outpost.calls import ANSWER_SECONDS, Calls, decoded
from aifactory_protocol.enrolment import BootstrapRequest, BootstrapResponse, RenewRequest, RenewResponse
from aifactory_protocol.inventory import Inventory
from aifactory_protocol.tasks import PollRequest, PollResponse, TaskResult
from aifactory_protocol.telemetry import TelemetryAnswer, TelemetryBatch

USER_AGENT = "aifactory-agent"


class ControlPlane:
    """Close it when the certificate changes. Each call raises CallFailed."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self._calls = Calls(url, trust, USER_AGENT)

    async def close(self) -> None:
        """Close all connections."""
        await self._calls.close()

    async def bootstrap(self, request: BootstrapRequest) -> BootstrapResponse:
        """Exchange a bootstrap token for an identity."""
        return decoded(await self._calls.call("POST", "/internal/v3/bootstrap", request), BootstrapResponse)

    async def renew(self, request: RenewRequest) -> RenewResponse:
        """The next certificate."""
        return decoded(await self._calls.call("POST", "/internal/v3/renew", request), RenewResponse)

    async def inventory(self, inventory: Inventory) -> None:
        """Report the machine."""
        await self._calls.call("POST", "/internal/v3/inventory", inventory)

    async def poll(self, request: PollRequest) -> PollResponse:
        """Wait for tasks."""
        timeout = request.wait_seconds + ANSWER_SECONDS
        return decoded(await self._calls.call("POST", "/internal/v3/poll", request, timeout), PollResponse)

    async def post_result(self, result: TaskResult) -> None:
        """Deliver a result; no exception means that the control plane has it."""
        await self._calls.call("POST", f"/internal/v3/tasks/{result.task_id}/result", result)

    async def telemetry(self, batch: TelemetryBatch) -> TelemetryAnswer:
        """Tell what was measured; no exception means that the control plane has seen it."""
        return decoded(await self._calls.call("POST", "/internal/v3/telemetry", batch), TelemetryAnswer)
