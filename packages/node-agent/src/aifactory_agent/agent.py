"""The running agent: polls, executes, reports, renews, watches. Each loop may fail and go on by itself."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Awaitable, Callable

from aifactory_agent import __version__, machine, readiness, recovery, sandbox, verbs
from aifactory_agent.control_plane import ControlPlane
from aifactory_agent.executor import Executor
from aifactory_agent.identity import NodeIdentity
from aifactory_agent.node import Node
from aifactory_agent.telemetry.collector import Collector
from aifactory_agent.telemetry.courier import LOOKS_PER_BATCH, Courier
from aifactory_outpost.calls import CallFailed
from aifactory_outpost.identity import NotEnrolled, NotTrusted, renewal_due, renewal_pause_seconds
from aifactory_protocol.enrolment import RenewRequest
from aifactory_protocol.tasks import PollRequest, TaskResult

POLL_WAIT_SECONDS = 20
NOTHING_NEW_PAUSE_SECONDS = 0.5
WATCH_SECONDS = 1.0
INVENTORY_SECONDS = 600
RENEWAL_CHECK_SECONDS = 30
FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 30.0
FINISH_SECONDS = 20
REFUSED_FOR_GOOD = (400, 404, 409, 410, 422)
log = logging.getLogger("aifactory_agent")


class Agent:
    """One agent process, from recovery to the end."""

    def __init__(self, node: Node, identity: NodeIdentity) -> None:
        self._node = node
        self._identity = identity
        self._enrolment = identity.enrolment()
        self._results = asyncio.Event()
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._end: BaseException | None = None
        self._collector = Collector(node)
        self._courier = Courier(self._collector, node.now)
        self._measured = asyncio.Event()
        self._control_plane = ControlPlane(self._enrolment.url, identity.tls(node.now()))
        self._executor = Executor(node, self._enrolment.node_id, identity.task_key(), identity.key(), self._on_result)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, or until the certificate has run out (raises NotEnrolled)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await asyncio.to_thread(recovery.mend, self._node)
        log.info("node %s is up with %s", self._enrolment.node_id, self._node.driver.name)
        loops = [
            asyncio.create_task(self._forever(step))
            for step in (
                *(self._report_inventory, self._poll, self._post_results, self._renew, self._watch),
                *(self._measure, self._send_telemetry),
            )
        ]
        try:
            await self._stop.wait()
        finally:
            for running in loops:
                running.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._executor.finish(FINISH_SECONDS)
            await self._control_plane.close()
        if self._end is not None:
            raise self._end

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step; after a failure wait longer and longer, with jitter so that a fleet does not knock in time."""
        backoff = FIRST_BACKOFF_SECONDS
        while not self._stop.is_set():
            try:
                await step()
                backoff = FIRST_BACKOFF_SECONDS
                continue
            except NotEnrolled as error:
                self._end = error
                self._stop.set()
                return
            except (CallFailed, NotTrusted) as error:
                log.warning("%s", error)
            except Exception:
                log.exception("unexpected, going on")
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    async def _poll(self) -> None:
        """One long poll, cut short when there is something new to say."""
        self._identity.valid_certificate(self._node.now())
        self._changed.clear()
        sandboxes = [record.report() for record in self._node.records.every() if record.state != "stopped"]
        request = PollRequest(self._node.boot_id, __version__, sandboxes, POLL_WAIT_SECONDS)
        polling = asyncio.create_task(self._control_plane.poll(request))
        news = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({polling, news}, return_when=asyncio.FIRST_COMPLETED)
            if not polling.done():
                return
            offered = polling.result().tasks
        finally:
            polling.cancel()
            news.cancel()
            await asyncio.gather(polling, news, return_exceptions=True)
        taken = [self._executor.take(signed) for signed in offered]
        if offered and not any(taken):
            await asyncio.sleep(NOTHING_NEW_PAUSE_SECONDS)

    async def _post_results(self) -> None:
        """Post whatever is waiting, oldest first; what is not acknowledged stays."""
        self._results.clear()
        for result in self._node.results.waiting():
            await self._deliver(result)
            self._node.results.acknowledged(result.task_id)
        for task_id, refusal in list(self._executor.refusals.items()):
            await self._deliver(refusal)
            self._executor.refusals.pop(task_id, None)
        self._node.results.prune(self._node.now())
        await self._results.wait()

    async def _deliver(self, result: TaskResult) -> None:
        try:
            await self._control_plane.post_result(result)
        except CallFailed as error:
            if error.status not in REFUSED_FOR_GOOD:
                raise
            log.error("the control plane does not want the result of %s: %s", result.task_id, error)

    async def _renew(self) -> None:
        """A new certificate at two thirds of the present one's life."""
        certificate = self._identity.valid_certificate(self._node.now())
        if renewal_due(certificate, self._node.now()):
            answer = await self._control_plane.renew(RenewRequest(self._identity.csr(self._enrolment.node_name)))
            self._identity.keep_certificate(answer.certificate_pem, self._identity.ca_file.read_text())
            old, self._control_plane = (
                self._control_plane,
                ControlPlane(self._enrolment.url, self._identity.tls(self._node.now())),
            )
            self._changed.set()
            log.info("certificate renewed until %s", self._identity.certificate().not_valid_after_utc.isoformat())
            await asyncio.sleep(0)
            await old.close()
            return
        await asyncio.sleep(renewal_pause_seconds(certificate, RENEWAL_CHECK_SECONDS))

    async def _report_inventory(self) -> None:
        await self._control_plane.inventory(await asyncio.to_thread(machine.inventory, self._node))
        readiness.tell_ready()
        await asyncio.sleep(INVENTORY_SECONDS)

    async def _watch(self) -> None:
        """Notice sandboxes that end on their own."""
        await asyncio.sleep(WATCH_SECONDS)
        for record in self._node.records.every():
            if record.state == "running" and not await asyncio.to_thread(sandbox.is_running, self._node, record):
                async with self._executor.alone_with(record.allocation_id, record.slot_index):
                    current = self._node.records.find(record.allocation_id)
                    if current is not None and current.state == "running":
                        await asyncio.to_thread(verbs.note_exit, self._node, current)
                self._changed.set()

    async def _measure(self) -> None:
        """Look at the node and its sandboxes a few times, then have it sent at once: what was seen first is not young any more."""
        for _ in range(LOOKS_PER_BATCH):
            await asyncio.sleep(self._node.settings.telemetry_seconds)
            await asyncio.to_thread(self._collector.look)
        self._measured.set()

    async def _send_telemetry(self) -> None:
        """Measuring goes on while this waits for an answer."""
        await self._measured.wait()
        self._measured.clear()
        await self._courier.deliver(self._control_plane.telemetry)

    def _on_result(self) -> None:
        self._results.set()
        self._changed.set()
