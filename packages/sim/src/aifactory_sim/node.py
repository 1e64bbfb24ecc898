"""One simulated node: its own key and certificate, its long poll, its tasks and their signed answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aifactory_agent.control_plane import ControlPlane
from aifactory_agent.enrol import enrol
from aifactory_agent.identity import NodeIdentity
from aifactory_agent.telemetry.courier import LOOKS_PER_BATCH, Courier
from aifactory_outpost.calls import CallFailed
from aifactory_outpost.identity import NotTrusted, renewal_due
from aifactory_protocol import TaskRefused, sign_result, verify_task
from aifactory_protocol.enrolment import RenewRequest
from aifactory_protocol.tasks import PollRequest, SignedTask, Task, TaskArgs, TaskResult
from aifactory_sim import __version__
from aifactory_sim.door import Doors
from aifactory_sim.faults import LONG_SECONDS, Active, Fault
from aifactory_sim.fleet import Machine
from aifactory_sim.memory import MemoryFile
from aifactory_sim.meter import Meter
from aifactory_sim.verbs import Done, Failed, Verbs

POLL_WAIT_SECONDS = 25
INVENTORY_SECONDS = 600
RENEWAL_CHECK_SECONDS = 30
PAUSE_SECONDS = 0.5
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 15.0
REFUSED_FOR_GOOD = (400, 404, 409, 410, 422)
log = logging.getLogger("aifactory_sim.node")


class Node:
    """`run()` it. `reported` is set once the control plane has its inventory."""

    def __init__(self, machine: Machine, folder: Path, url: str, telemetry_seconds: float = 5) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.machine = machine
        self.reported = asyncio.Event()
        self._has_measured = False
        self.identity = NodeIdentity(folder)
        self._url = url
        self._file = MemoryFile(folder / "memory.json")
        self.memory = self._file.read()
        self._doors = Doors()
        self._verbs = Verbs(machine, self.memory, self._doors)
        self._meter = Meter(machine, self.memory)
        self._courier = Courier(self._meter, lambda: datetime.now(UTC))
        self._telemetry_seconds = telemetry_seconds
        self._alone = asyncio.Lock()
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._answers = asyncio.Event()
        self._news = asyncio.Event()
        self._faults_changed = asyncio.Event()

    # -- identity

    async def enrol(self, token: str) -> None:
        await enrol(self.identity, self._url, token, self.machine.name, self.machine.inventory())

    # -- life

    async def run(self) -> None:
        """Until cancelled; raises NotEnrolled when its certificate has run out."""
        await self._reopen()
        self._enrolment = self.identity.enrolment()
        self._task_key, self._key = self.identity.task_key(), self.identity.key()
        self._control_plane = self._connect()
        steps = (self._report, self._poll, self._deliver, self._renew, self._measure)
        try:
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(self._forever(step))
        finally:
            for task in self._in_hand.values():
                task.cancel()
            await self._doors.close_all()
            await self._control_plane.close()

    def _connect(self) -> ControlPlane:
        return ControlPlane(self._url, self.identity.tls(datetime.now(UTC)))

    async def _reopen(self) -> None:
        """The doors that were open when the simulator ended; one whose port is taken now has ended with it."""
        for active in list(self.memory.faults.values()):
            self._end_in_time(active)
        for box in self.memory.sandboxes.values():
            if box.running:
                try:
                    await self._doors.open(box, self.machine)
                except OSError as error:
                    log.warning("%s: the door of %s cannot open again: %s", self.machine.name, box.allocation_id, error)
                    box.running = False

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            await self._while_down()
            try:
                await step()
                backoff = FIRST_BACKOFF_SECONDS
                continue
            except (CallFailed, NotTrusted) as error:
                log.warning("%s: %s", self.machine.name, error)
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    async def _report(self) -> None:
        await self._control_plane.inventory(self.machine.inventory())
        self.reported.set()
        await asyncio.sleep(INVENTORY_SECONDS)

    async def _poll(self) -> None:
        """One long poll, cut short when the node has something new to say."""
        self.identity.valid_certificate(datetime.now(UTC))
        self._news.clear()
        sandboxes = [box.report() for box in self.memory.sandboxes.values()]
        request = PollRequest(self.memory.boot_id, f"sim-{__version__}", sandboxes, POLL_WAIT_SECONDS)
        polling = asyncio.ensure_future(self._control_plane.poll(request))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({polling, news}, return_when=asyncio.FIRST_COMPLETED)
            if not polling.done() or self.is_down:
                return
            taken = [self._take(signed) for signed in polling.result().tasks]
        finally:
            for one in (polling, news):
                one.cancel()
            await asyncio.gather(polling, news, return_exceptions=True)
        if taken and not any(taken):
            await asyncio.sleep(PAUSE_SECONDS)

    async def _deliver(self) -> None:
        """Answers wait here while the control plane, or a fault, does not let them through."""
        self._answers.clear()
        for task_id in list(self.memory.unanswered):
            if Fault.LOST_REPLY in self.memory.faults or self.is_down:
                break
            try:
                await self._control_plane.post_result(self.memory.answers[task_id])
            except CallFailed as error:
                if error.status not in REFUSED_FOR_GOOD:
                    raise
                log.warning("%s: %s", self.machine.name, error)
            self.memory.delivered(task_id)
            self._save()
        await self._answers.wait()

    async def _renew(self) -> None:
        certificate = self.identity.valid_certificate(datetime.now(UTC))
        if not renewal_due(certificate, datetime.now(UTC)):
            await asyncio.sleep(RENEWAL_CHECK_SECONDS)
            return
        answer = await self._control_plane.renew(RenewRequest(self.identity.csr(self.machine.name)))
        self.identity.keep_certificate(answer.certificate_pem, self.identity.ca_file.read_text())
        old, self._control_plane = self._control_plane, self._connect()
        self._news.set()
        await asyncio.sleep(0)
        await old.close()

    async def _measure(self) -> None:
        """A few looks, then a batch, as a real agent does. The first waits for a moment, so that not all nodes send at once."""
        if not self._has_measured:
            self._has_measured = True
            await asyncio.sleep(random.uniform(0, LOOKS_PER_BATCH * self._telemetry_seconds))
        for _ in range(LOOKS_PER_BATCH):
            await asyncio.sleep(self._telemetry_seconds)
            if Fault.NO_TELEMETRY not in self.memory.faults and not self.is_down:
                self._meter.look(datetime.now(UTC))
        if not self.is_down:
            await self._courier.deliver(self._control_plane.telemetry)

    # -- tasks

    def _take(self, signed: SignedTask) -> bool:
        """False when it is in hand already: what is not answered yet is offered, and signed, anew every few seconds."""
        try:
            task, _ = self._verify(signed)
        except TaskRefused as refused:
            self._keep_busy(signed.digest, self._refuse(refused))
            return True
        if task.id in self._in_hand:
            return False
        self._keep_busy(task.id, self._handle(signed))
        return True

    def _keep_busy(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._in_hand[name] = asyncio.create_task(work)
        self._in_hand[name].add_done_callback(lambda _: self._in_hand.pop(name, None))

    def _verify(self, signed: SignedTask) -> tuple[Task, TaskArgs]:
        """Like a real agent does, before any effect."""
        return verify_task(
            signed,
            self._task_key,
            node_id=self._enrolment.node_id,
            now=datetime.now(UTC),
            last_generation=lambda subject: self.memory.generations.get(subject, 0),
        )

    async def _handle(self, signed: SignedTask) -> None:
        """One at a time; the same task again gets the same answer."""
        async with self._alone:
            try:
                task, args = self._verify(signed)
            except TaskRefused as refused:
                await self._refuse(refused)
                return
            if task.id in self.memory.answers:
                self.memory.deliver_again(task.id)
            else:
                self.memory.generations[task.subject_id] = task.generation
                await self._dawdle()
                self.memory.keep(sign_result(await self._carry_out(task, args), self._key))
            self._save()
            self._answers.set()

    async def _carry_out(self, task: Task, args: TaskArgs) -> TaskResult:
        try:
            done: Done = await self._verbs.carry_out(args, task.generation)
            return TaskResult(task.id, task.generation, "done", output=done.output, evidence=done.evidence)
        except Failed as failed:
            code, detail, evidence = failed.code, failed.detail, failed.evidence
        except Exception as error:
            log.exception("%s: %s ended in a bug of the simulator", self.machine.name, task.verb)
            code, detail, evidence = "internal", f"{type(error).__name__}: {error}", []
        return TaskResult(task.id, task.generation, "failed", code, detail[:4_000], evidence=evidence)

    async def _refuse(self, refused: TaskRefused) -> None:
        """Told at once and not remembered: a refusal changes nothing here."""
        log.warning("%s: refused a task: %s %s", self.machine.name, refused.code, refused.detail)
        if refused.task is None:
            return
        result = TaskResult(refused.task.id, refused.task.generation, "refused", refused.code, refused.detail[:4_000])
        with contextlib.suppress(CallFailed):
            await self._control_plane.post_result(sign_result(result, self._key))

    async def _dawdle(self) -> None:
        """As long as the machine is slow, a task takes longer; it goes on at once when that is over."""
        slow = self.memory.faults.get(Fault.SLOW)
        if slow is None:
            return
        ends = asyncio.get_running_loop().time() + (slow.seconds or LONG_SECONDS[Fault.SLOW])
        while Fault.SLOW in self.memory.faults and (left := ends - asyncio.get_running_loop().time()) > 0:
            self._faults_changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._faults_changed.wait(), left)

    # -- faults

    @property
    def is_down(self) -> bool:
        return Fault.REBOOT in self.memory.faults

    async def set_fault(self, fault: Fault, seconds: float | None) -> None:
        """From now on. A machine that reboots ends what runs on it at once."""
        self.memory.faults[fault] = Active(fault, seconds)
        if fault is Fault.REBOOT:
            await self._doors.close_all()
            for box in self.memory.sandboxes.values():
                box.running = False
            self.memory.boot_id = uuid4().hex
        self._end_in_time(self.memory.faults[fault])
        self._faults_moved()

    def _end_in_time(self, active: Active) -> None:
        if active.fault is Fault.REBOOT and active.seconds is not None:
            asyncio.get_running_loop().call_later(active.seconds, self.clear_fault, active.fault)

    def clear_fault(self, fault: Fault) -> None:
        if self.memory.faults.pop(fault, None) is not None:
            self._faults_moved()

    def _faults_moved(self) -> None:
        self._save()
        for event in (self._faults_changed, self._news, self._answers):
            event.set()

    async def _while_down(self) -> None:
        while self.is_down:
            self.reported.set()  # nobody need wait for a machine that is down
            self._faults_changed.clear()
            await self._faults_changed.wait()

    def _save(self) -> None:
        self._file.write(self.memory)
