"""An instance from its launch to its end, in the order in which it happens.

    starting → (web: verifying →) running → stopping → exited | stopped | failed

The node starts and stops it by signed orders; how it is doing is looked at through its sandbox's door. Every end goes
through `stopping`, for there the node forgets the instance's key and tells the last of its output. Where the allocation
has ended there is no sandbox any more, so nothing is left to stop.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.domains.app_platform import access_key, catalogue
from aifactory.domains.app_platform.instance import KIND, Instance, State, was_busy
from aifactory.domains.app_platform.output import Output
from aifactory.domains.app_platform.parameters import command_of, fill
from aifactory.domains.app_platform.ports import APP_DOOR, DoorAddress, Look
from aifactory.domains.app_platform.store import instances as store
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.provisioning.facade import NodeAnswer, Sandbox
from aifactory.events.app_platform import InstanceEnded, InstanceStarted
from aifactory.kernel.db import Tx
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, Step, Wait
from aifactory.kernel.principal import Principal

ANSWER_SECONDS = 15
KNOCK_SECONDS = 0.5
START, STOP = 1, 2  # generations of the two orders: after the second the node refuses the first
_GIVEN_UP = {
    State.STARTING: ("start_timeout", "The node did not start the app in time."),
    State.VERIFYING: ("does_not_listen", "The app runs, but did not begin to listen in time."),
}


class RunInstance(Flow):
    kind = KIND
    states: type[StrEnum] = State
    initial = State.STARTING
    steps = {
        State.STARTING: Step(
            "start",
            to=(State.VERIFYING, State.RUNNING, State.STOPPING),
            deadline_seconds=60,
            undo="app.stop at a higher generation, after which the node refuses the start",
        ),
        State.VERIFYING: Step(
            "verify",
            to=(State.RUNNING, State.STOPPING),
            deadline_seconds=120,
            undo="none needed: looking changes nothing",
            effect="look",
        ),
        State.RUNNING: Step(
            "watch", to=(State.STOPPING,), deadline_seconds=None, undo="app.stop ends all it started", effect="look"
        ),
        State.STOPPING: Step(
            "stop",
            to=(State.EXITED, State.STOPPED, State.FAILED),
            deadline_seconds=60,
            undo="none: an app that was stopped is launched anew",
        ),
    }
    terminal = frozenset({State.EXITED, State.STOPPED, State.FAILED})
    resting = frozenset({State.RUNNING})

    async def interrupt(self, tx: Tx, run: FlowRun) -> Go | None:
        if run.desired == "stopped" and run.state in (State.STARTING, State.VERIFYING, State.RUNNING):
            return Go(State.STOPPING, run.why)
        return None

    async def overdue(self, tx: Tx, run: FlowRun) -> Go | None:
        """Stopping is never given up: an app that may still run is not called stopped."""
        if run.state not in _GIVEN_UP:
            return None
        code, detail = _GIVEN_UP[State(run.state)]
        return _failed(run, code, f"{detail} Last: {run.why}")

    async def start(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Orders the start once, and waits for the node's word."""
        row = await store.lock(tx, run.subject_id)
        sandbox = await provisioning.sandbox(tx, row.allocation_id)
        if not sandbox.runs:
            return _failed(run, "allocation_ended", f"Allocation {row.allocation_id} ended before the app started.")
        answer = await self._order_start(tx, run, row, sandbox)
        if not answer.finished:
            return Wait(ANSWER_SECONDS, f"waiting for node {sandbox.node_id} to start the app")
        if not answer.done:
            return _failed(run, answer.code, answer.detail)
        if row.kind == "web":
            await store.enter(tx, row.id, State.VERIFYING)
            return Go(State.VERIFYING, "the node says that it runs")
        return await self._run(tx, row)

    async def _order_start(self, tx: Tx, run: FlowRun, row: Instance, sandbox: Sandbox) -> NodeAnswer:
        app = await catalogue.manifest(tx, row.app, row.app_version)
        values = row.parameters
        args: dict[str, Any] = {
            "instance_id": row.id,
            "allocation_id": row.allocation_id,
            "command": command_of(app.command, values),
            "access_key": access_key.public(row.id),
            "environment": {name: fill(value, values) for name, value in app.environment.items()},
            "programs": app.needs.programs,
            "how_to_get": app.needs.how_to_get,
            "web": app.web is not None,
        }
        return await provisioning.order_in_sandbox(tx, run, sandbox.node_id, "app.start", row.id, START, args)

    async def look(self, ctx: EffectContext, run: FlowRun) -> Look:
        """Asks the app's sandbox, outside any transaction."""
        async with ctx.database.tx("worker", Principal.service(KIND)) as tx:
            await tx.set_tenant(run.tenant_id)
            row = await store.lock(tx, run.subject_id)
            sandbox = await provisioning.sandbox(tx, row.allocation_id)
            offset = await store.output_end(tx, row.id)
        if not sandbox.runs:
            return Look(None, "its allocation has ended")
        address = DoorAddress(sandbox.host, sandbox.port, sandbox.host_key)
        return await ctx.ports[APP_DOOR].look(address, row.id, offset)  # type: ignore[no-any-return]

    async def verify(self, tx: Tx, run: FlowRun, seen: Look) -> Go | Wait:
        """A web app runs once it listens."""
        row = await store.lock(tx, run.subject_id)
        over = await self._over(tx, run, row, seen)
        if over is not None:
            return over
        if not seen.listens:
            return Wait(KNOCK_SECONDS, seen.why or "waiting for the app to listen")
        return await self._run(tx, row)

    async def watch(self, tx: Tx, run: FlowRun, seen: Look) -> Go | Wait:
        """Keeps what it printed, notices its end, and stops it when nobody has used it for long enough."""
        row = await store.lock(tx, run.subject_id)
        over = await self._over(tx, run, row, seen)
        if over is not None:
            return over
        now = await tx.now()
        if seen.state is None:
            return Wait(_pause(row, now), seen.why)
        looked_at = datetime.fromisoformat(run.data.get("looked_at") or now.isoformat())
        active = was_busy(row.cpu_milliseconds, seen.cpu_milliseconds, (now - looked_at).total_seconds())
        run.data["looked_at"] = now.isoformat()
        await store.seen(tx, row.id, seen.cpu_milliseconds, active=active)
        idle = (now - (row.last_active_at or now)).total_seconds()
        if not active and row.autostop_minutes is not None and idle >= row.autostop_minutes * 60:
            why = f"nobody used it for {row.autostop_minutes} minutes"
            await store.request_stop(tx, row.id, "idle")
            await tx.audit("instance.stop", row.id, project_id=row.project_id, reason=why)
            return Go(State.STOPPING, why)
        return Wait(_pause(row, now), "running")

    async def _over(self, tx: Tx, run: FlowRun, row: Instance, seen: Look) -> Go | None:
        """What ends it from the side of the sandbox; also keeps the output that was seen."""
        if not (await provisioning.sandbox(tx, row.allocation_id)).runs:
            return Go(State.STOPPING, "its allocation has ended")
        if seen.output.data:
            await store.keep_output(tx, row.id, (await store.output(tx, row.id)).then(seen.output))
        if seen.state == "absent":
            return _failed(run, "app_lost", "Its sandbox does not know the app any more.")
        if seen.state == "exited":
            run.data |= {"outcome": str(State.EXITED), "exit_code": seen.exit_code}
            return Go(State.STOPPING, f"it ended by itself with {seen.exit_code}")
        return None

    async def _run(self, tx: Tx, row: Instance) -> Go:
        await store.enter(tx, row.id, State.RUNNING)
        await tx.emit(InstanceStarted(row.id, row.project_id, row.allocation_id), row.id, row.generation + 1)
        return Go(State.RUNNING, "it listens" if row.kind == "web" else "the node started it")

    async def stop(self, tx: Tx, run: FlowRun) -> Go | Wait:
        """Has the node end it and forget its key; only the node's word, or the end of its allocation, is believed."""
        row = await store.lock(tx, run.subject_id)
        await store.enter(tx, row.id, State.STOPPING)
        sandbox = await provisioning.sandbox(tx, row.allocation_id)
        if not sandbox.runs:
            return await self._end(tx, run, row, "its allocation has ended")
        args = {"instance_id": row.id, "allocation_id": row.allocation_id}
        answer = await provisioning.order_in_sandbox(tx, run, sandbox.node_id, "app.stop", row.id, STOP, args)
        if not answer.finished:
            return Wait(ANSWER_SECONDS, f"waiting for node {sandbox.node_id} to stop the app")
        if not answer.done:
            return Wait(
                ANSWER_SECONDS, f"node {sandbox.node_id} could not stop it: {answer.code} {answer.detail}"[:300]
            )
        await self._keep_tail(tx, row, answer.output)
        code = answer.output.get("exit_code")
        if isinstance(code, int) and not isinstance(code, bool):
            run.data.setdefault("exit_code", code % 2**31)
        return await self._end(tx, run, row, run.why)

    async def _keep_tail(self, tx: Tx, row: Instance, told: dict[str, Any]) -> None:
        """The end of its output, which nobody had looked at yet. What was replaced as not UTF-8 has another length."""
        tail, end = told.get("tail"), told.get("output_end")
        if not isinstance(tail, str) or not isinstance(end, int) or not 0 <= end < 2**53:
            return
        data = tail.encode()[-end:] if end else b""
        known = await store.output(tx, row.id)
        await store.keep_output(tx, row.id, known.then(Output(data, end - len(data))))

    async def _end(self, tx: Tx, run: FlowRun, row: Instance, why: str) -> Go:
        outcome = State(run.data.get("outcome", State.STOPPED))
        exit_code, failure = run.data.get("exit_code"), run.data.get("failure")
        await store.end(tx, row.id, outcome, exit_code, failure)
        reason = failure["code"] if failure else row.stop_reason or why
        event = InstanceEnded(row.id, row.project_id, row.allocation_id, str(outcome), exit_code, reason[:300])
        await tx.emit(event, row.id, row.generation + 2)
        return Go(outcome, why)


def _failed(run: FlowRun, code: str, detail: str) -> Go:
    run.data |= {"outcome": str(State.FAILED), "failure": {"code": code or "failed", "detail": detail[:1000]}}
    return Go(State.STOPPING, f"{code}: {detail}"[:300])


def _pause(row: Instance, now: datetime) -> float:
    """Seconds to the next look: often while it is young, when its owner is watching too."""
    age = (now - (row.started_at or now)).total_seconds()
    return 1.0 if age < 15 else 3.0 if age < 120 else 10.0
