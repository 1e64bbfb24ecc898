"""All simulated nodes in one process: who still needs a token, enrolling them, and running them until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path

from aifactory_agent import readiness
from aifactory_agent.identity import NodeIdentity
from aifactory_outpost.identity import NotEnrolled
from aifactory_sim.control import Control
from aifactory_sim.fleet import Machine
from aifactory_sim.node import Node

AT_ONCE = 8
FIRST_REPORT_SECONDS = 60.0
log = logging.getLogger("aifactory_sim")


def needs_token(folder: Path, url: str) -> bool:
    """Whether the node of this folder has no certificate that is valid now, for this control plane."""
    identity = NodeIdentity(folder)
    try:
        identity.valid_certificate(datetime.now(UTC))
        return identity.enrolment().url != url
    except NotEnrolled:
        return True


class Household:
    """`folder` holds one folder a node, and the control socket's address."""

    def __init__(self, machines: list[Machine], folder: Path, url: str, telemetry_seconds: float = 5) -> None:
        self.nodes = {
            machine.name: Node(machine, folder / machine.name, url, telemetry_seconds) for machine in machines
        }
        self._folder, self._url = folder, url

    async def enrol(self, tokens: dict[str, str]) -> None:
        """Each with its own token and key, a few at once. Raises NotEnrolled for one that has none."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            if name not in tokens:
                raise NotEnrolled(f"{name} needs a bootstrap token")
            async with gate:
                await self.nodes[name].enrol(tokens[name])

        await asyncio.gather(*(one(name) for name in self._wanting()))

    def _wanting(self) -> list[str]:
        return [name for name, node in self.nodes.items() if needs_token(node.identity.folder, self._url)]

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises NotEnrolled as soon as one node's certificate has run out."""
        control = await Control.start(self.nodes, self._folder)
        stopping = asyncio.create_task(stop.wait())
        running = [asyncio.create_task(node.run()) for node in self.nodes.values()]
        telling = asyncio.create_task(self._tell_ready())
        try:
            await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*running, stopping, telling):
                task.cancel()
            ends = await asyncio.gather(*running, stopping, telling, return_exceptions=True)
            await control.stop()
        for end in ends:
            if isinstance(end, BaseExceptionGroup) and end.subgroup(NotEnrolled):
                raise NotEnrolled(str(end.subgroup(NotEnrolled).exceptions[0]))  # type: ignore[union-attr]
            if isinstance(end, Exception):
                raise end

    async def _tell_ready(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_REPORT_SECONDS):
                await asyncio.gather(*(node.reported.wait() for node in self.nodes.values()))
        log.info("%d simulated nodes are up", len(self.nodes))
        readiness.tell_ready()
