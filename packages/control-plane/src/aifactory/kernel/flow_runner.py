"""Runs flows: leases due rows under a growing fence, executes steps, stores every transition."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.events.kernel import FlowDeadlineMissed
from aifactory.kernel import crash
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, StaleFence, Wait
from aifactory.kernel.principal import Principal

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
POLL_SECONDS = 0.5
MAX_PARALLEL = 8
MAX_BACKOFF_SECONDS = 15.0

_COLUMNS = "id, kind, subject_id, tenant_id, state, desired, generation, fence, attempts, why, data, entered_at, deadline_at, deadline_reported"
_CLAIM = f"""
update kernel.flows set lease_owner = %(owner)s, lease_expires_at = kernel.now() + make_interval(secs => %(lease)s), fence = fence + 1
where id in (
  select id from kernel.flows
  where not ended and wake_at <= kernel.now() and kind = any(%(kinds)s) and (lease_expires_at is null or lease_expires_at <= kernel.now())
  order by wake_at limit %(limit)s for update skip locked)
returning {_COLUMNS}
"""
_LOCK = f"select {_COLUMNS} from kernel.flows where id = %s and fence = %s and not ended for update"
_GO = """
update kernel.flows set state = %(to)s, entered_at = t, deadline_at = t + make_interval(secs => %(deadline)s), deadline_reported = false,
  attempts = 0, why = %(why)s, data = %(data)s, ended = %(ended)s, wake_at = t,
  lease_expires_at = case when %(ended)s then null else t + make_interval(secs => %(lease)s) end
from (select coalesce(%(at)s::timestamptz, kernel.now()) as t) clock where id = %(id)s and fence = %(fence)s
"""
_TRANSITION = """
insert into kernel.flow_transitions (flow_id, seq, kind, subject_id, tenant_id, from_state, to_state, who, why, generation, fence, at, seconds, deadline_seconds)
select %(id)s, (select max(seq) + 1 from kernel.flow_transitions where flow_id = %(id)s), %(kind)s, %(subject)s, %(tenant)s, %(from)s, %(to)s,
  %(who)s, %(why)s, %(generation)s, %(fence)s, t, extract(epoch from t - %(entered)s::timestamptz), %(deadline)s from (select coalesce(%(at)s::timestamptz, kernel.now()) as t) clock
"""
_WAIT = """
update kernel.flows set wake_at = least(kernel.now() + make_interval(secs => %(seconds)s), case when deadline_reported or deadline_at <= kernel.now() then 'infinity' else deadline_at end),
  why = %(why)s, data = %(data)s, attempts = %(attempts)s, lease_owner = null, lease_expires_at = null
where id = %(id)s and fence = %(fence)s
"""


class FlowRunner:
    """Runs the flows of these classes. `who` names this worker in transitions; `ports` go to effects."""

    def __init__(
        self, database: Database, flows: Iterable[type[Flow]], who: str, ports: Mapping[str, Any] | None = None
    ) -> None:
        self._database = database
        self._flows = {flow.kind: flow() for flow in flows}
        self._who = who
        self._principal = Principal.service(who)
        self._context = EffectContext(database, ports or {})
        self._busy: set[asyncio.Task[None]] = set()

    async def run_forever(self) -> None:
        while True:
            try:
                claimed = await self.claim(MAX_PARALLEL - len(self._busy)) if len(self._busy) < MAX_PARALLEL else []
            except Exception as error:
                log.warning("cannot claim flows: %s", error)
                claimed = []
                await asyncio.sleep(POLL_SECONDS)
            for run in claimed:
                task = asyncio.create_task(self.drive(run))
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
            if not claimed:
                await self._rest()

    async def _rest(self) -> None:
        waiter = asyncio.create_task(self._database.wakeups.wait("flows", POLL_SECONDS))
        await asyncio.wait({waiter, *self._busy}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    async def run_until_idle(self, max_rounds: int = 1000) -> int:
        """For tests: drives everything that is due now; returns how many claims it took."""
        for rounds in range(max_rounds):
            claimed = await self.claim(MAX_PARALLEL)
            if not claimed:
                return rounds
            for run in claimed:
                await self.drive(run)
        raise RuntimeError("flows did not come to rest")

    async def claim(self, limit: int) -> list[FlowRun]:
        async with self._database.tx("worker", self._principal) as tx:
            return await tx.all(
                _CLAIM,
                {"owner": self._who, "lease": LEASE_SECONDS, "limit": limit, "kinds": list(self._flows)},
                into=FlowRun,
            )

    async def drive(self, run: FlowRun) -> None:
        """Steps until the flow waits, ends or fails; then the lease is free again."""
        current: FlowRun | None = run
        try:
            while current is not None:
                current = await asyncio.wait_for(self._advance(current), LEASE_SECONDS)
        except StaleFence:
            log.info("%s %s was taken over by another worker", run.kind, run.subject_id)
        except Exception as error:
            log.exception("step of %s %s failed", run.kind, run.subject_id)
            await self._failed(current or run, f"{type(error).__name__}: {error}"[:500])

    async def _advance(self, run: FlowRun) -> FlowRun | None:
        """One step. Returns the flow as it stands when it moved on and can continue, else None."""
        flow = self._flows[run.kind]
        step = flow.steps[flow.states(run.state)]
        seen, ran = None, not step.effect
        if step.effect and not await self._turned(flow, run):
            ran = True
            seen = await getattr(flow, step.effect)(self._context, run)
            crash.reach(f"{run.kind}:{run.state}:after_effect")
        async with self._database.tx("worker", self._principal) as tx:
            locked = await self._lock(tx, run)
            outcome = await self._decide(tx, flow, locked, seen, ran)
            locked.attempts = 0  # it worked
            following = await self._record(tx, flow, locked, outcome)
            crash.reach(f"{run.kind}:{run.state}:before_commit")
        crash.reach(f"{run.kind}:{run.state}:after_commit")
        return following

    async def _turned(self, flow: Flow, run: FlowRun) -> bool:
        """A flow whose wish has changed does not need the effect any more."""
        async with self._database.tx("worker", self._principal) as tx:
            return await flow.interrupt(tx, await self._lock(tx, run)) is not None

    async def _lock(self, tx: Tx, run: FlowRun) -> FlowRun:
        """The fence check: the row is locked for this step and still ours."""
        locked = await tx.one(_LOCK, (run.id, run.fence), into=FlowRun)
        if locked is None or locked.state != run.state:
            raise StaleFence(run.id)
        if locked.tenant_id:
            await tx.set_tenant(locked.tenant_id)
        return locked

    async def _decide(self, tx: Tx, flow: Flow, run: FlowRun, seen: Any, ran_effect: bool) -> Go | Wait:
        step = flow.steps[flow.states(run.state)]
        turned = await flow.interrupt(tx, run)
        if turned:
            return turned
        if run.deadline_at is not None and run.deadline_at <= await tx.now():
            await self._report_deadline(tx, run, step.deadline_seconds or 0)
            turned = await flow.overdue(tx, run)
            if turned:
                return turned
        if not ran_effect:
            return Wait(0.1, "the wish changed while the step began")
        method = getattr(flow, step.run)
        outcome: Go | Wait = await (method(tx, run, seen) if step.effect else method(tx, run))
        return outcome

    async def _report_deadline(self, tx: Tx, run: FlowRun, deadline_seconds: float) -> None:
        if run.deadline_reported:
            return
        await tx.run("update kernel.flows set deadline_reported = true where id = %s", (run.id,))
        await tx.emit(
            FlowDeadlineMissed(
                run.id,
                run.kind,
                run.subject_id,
                run.state,
                run.entered_at.isoformat(),
                deadline_seconds,
                run.attempts,
                run.why,
            ),
            run.subject_id,
            run.generation,
        )

    async def _record(self, tx: Tx, flow: Flow, run: FlowRun, outcome: Go | Wait) -> FlowRun | None:
        common = {"id": run.id, "fence": run.fence, "data": Jsonb(run.data), "why": outcome.why}
        if isinstance(outcome, Wait):
            changed = await tx.run(_WAIT, common | {"seconds": outcome.seconds, "attempts": run.attempts})
            return self._written(changed, run, None)
        common["at"] = outcome.at
        step = flow.steps[flow.states(run.state)]
        if outcome.state not in step.to:
            raise ValueError(f"{run.kind}: {run.state} may not go to {outcome.state}")
        ended = outcome.state in flow.terminal
        deadline = None if ended else flow.steps[outcome.state].deadline_seconds
        changed = await tx.run(
            _GO, common | {"to": str(outcome.state), "deadline": deadline, "ended": ended, "lease": LEASE_SECONDS}
        )
        self._written(changed, run, None)
        await tx.run(
            _TRANSITION,
            common
            | {
                "kind": run.kind,
                "subject": run.subject_id,
                "tenant": run.tenant_id,
                "from": run.state,
                "to": str(outcome.state),
                "who": self._who,
                "generation": run.generation,
                "entered": run.entered_at,
                "deadline": deadline,
            },
        )
        return None if ended else replace(run, state=str(outcome.state))

    @staticmethod
    def _written(changed: int, run: FlowRun, following: FlowRun | None) -> FlowRun | None:
        if changed != 1:
            raise StaleFence(run.id)
        return following

    async def _failed(self, run: FlowRun, error: str) -> None:
        """A failed step is tried again, later and later. Past the state's deadline the flow is asked whether it gives up."""
        flow = self._flows[run.kind]
        try:
            async with self._database.tx("worker", self._principal) as tx:
                locked = await self._lock(tx, run)
                locked.why, locked.attempts = error, locked.attempts + 1
                outcome = None
                if locked.deadline_at is not None and locked.deadline_at <= await tx.now():
                    await self._report_deadline(tx, locked, flow.steps[flow.states(locked.state)].deadline_seconds or 0)
                    outcome = await flow.overdue(tx, locked)
                await self._record(tx, flow, locked, outcome or self._back_off(locked))
                if outcome is not None:
                    await tx.run(
                        "update kernel.flows set lease_owner = null, lease_expires_at = null where id = %s", (run.id,)
                    )
        except StaleFence:
            log.info("%s %s was taken over by another worker", run.kind, run.subject_id)
        except Exception as failure:
            log.warning("cannot record the failure of %s, its lease runs out by itself: %s", run.id, failure)

    @staticmethod
    def _back_off(run: FlowRun) -> Wait:
        return Wait(min(MAX_BACKOFF_SECONDS, 0.25 * 2 ** min(run.attempts, 10)), run.why)
