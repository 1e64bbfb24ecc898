"""The flow kernel, driven in-process against a real PostgreSQL."""

from enum import StrEnum

import pytest

from aifactory.kernel import flow as flows
from aifactory.kernel.flow import EffectContext, Flow, FlowRun, Go, StaleFence, Step, Wait
from aifactory.kernel.flow_runner import FlowRunner


class State(StrEnum):
    FIRST = "first"
    SECOND = "second"
    DONE = "done"


class Walk(Flow):
    kind = "test.walk"
    states = State
    initial = State.FIRST
    steps = {
        State.FIRST: Step(
            "begin", to=(State.SECOND, State.DONE), deadline_seconds=30, undo="none: nothing happened yet"
        ),
        State.SECOND: Step("finish", to=(State.DONE,), deadline_seconds=30, undo="none", effect="look"),
    }
    terminal = frozenset({State.DONE})

    async def interrupt(self, tx, run):
        return Go(State.DONE, "cancelled") if run.desired == "cancelled" else None

    async def begin(self, tx, run: FlowRun) -> Go | Wait:
        run.data["begun"] = run.data.get("begun", 0) + 1
        if run.data.get("fail"):
            raise RuntimeError("broken on purpose")
        return Go(State.SECOND) if run.data.get("go") else Wait(60, "nobody said go")

    async def look(self, ctx: EffectContext, run: FlowRun):
        ctx.ports["seen"].append(run.subject_id)

    async def finish(self, tx, run: FlowRun, seen) -> Go:
        return Go(State.DONE, "seen")


async def begin(tx_as, subject="s1", **data):
    async with tx_as("tnt_a") as tx:
        await flows.start(tx, Walk, subject, "tnt_a", data)


async def state_of(tx_as, subject="s1"):
    async with tx_as("tnt_a") as tx:
        return await tx.value("select state from kernel.flows where subject_id = %s", (subject,))


async def test_a_flow_walks_to_its_end_and_keeps_every_transition(database, tx_as):
    await begin(tx_as, go=True)
    looked: list[str] = []
    await FlowRunner(database, [Walk], "w1", {"seen": looked}).run_until_idle()
    async with tx_as("tnt_a") as tx:
        history = await flows.transitions(tx, Walk.kind, "s1")
    assert [t.to_state for t in history] == ["first", "second", "done"]
    assert looked == ["s1"]


async def test_an_effect_that_returns_nothing_still_counts_as_done(database, tx_as):
    await begin(tx_as, go=True)
    await FlowRunner(database, [Walk], "w1", {"seen": []}).run_until_idle()
    assert await state_of(tx_as) == "done"


async def test_a_waiting_flow_moves_when_its_wish_changes(database, tx_as):
    await begin(tx_as)
    runner = FlowRunner(database, [Walk], "w1", {"seen": []})
    await runner.run_until_idle()
    assert await state_of(tx_as) == "first"
    async with tx_as("tnt_a") as tx:
        assert await flows.intend(tx, Walk.kind, "s1", "cancelled", "changed my mind") == 2
    await runner.run_until_idle()
    assert await state_of(tx_as) == "done"


async def test_a_worker_that_lost_its_lease_changes_nothing(database, tx_as):
    await begin(tx_as, go=True)
    slow, quick = (
        FlowRunner(database, [Walk], "slow", {"seen": []}),
        FlowRunner(database, [Walk], "quick", {"seen": []}),
    )
    (held,) = await slow.claim(1)
    async with tx_as(role="worker") as tx:
        await tx.run("update kernel.flows set lease_expires_at = kernel.now() - interval '1 second'")
    (taken,) = await quick.claim(1)
    assert taken.fence == held.fence + 1
    with pytest.raises(StaleFence):
        await slow._advance(held)
    await quick.drive(taken)
    async with tx_as("tnt_a") as tx:
        assert {t.who for t in await flows.transitions(tx, Walk.kind, "s1") if t.seq > 1} == {"quick"}


async def test_a_failing_step_backs_off_and_says_why(database, tx_as):
    await begin(tx_as, fail=True)
    await FlowRunner(database, [Walk], "w1").run_until_idle()
    async with tx_as(role="worker") as tx:
        attempts, why, leased = await tx.one("select attempts, why, lease_owner is not null from kernel.flows")
    assert attempts == 1 and "broken on purpose" in why and not leased


async def test_a_missed_deadline_is_reported_once(database, tx_as):
    await begin(tx_as)
    runner = FlowRunner(database, [Walk], "w1")
    await runner.run_until_idle()
    async with tx_as(role="worker") as tx:
        await tx.run("update kernel.flows set deadline_at = kernel.now() - interval '1 second', wake_at = kernel.now()")
    await runner.run_until_idle()
    async with tx_as(role="worker") as tx:
        await tx.run("update kernel.flows set wake_at = kernel.now()")
    await runner.run_until_idle()
    async with tx_as(role="worker") as tx:
        rows = await tx.all(
            "select payload->>'state', payload->>'why' from kernel.outbox where type = 'kernel.flow_deadline_missed'"
        )
    assert rows == [("first", "nobody said go")]


async def test_another_tenant_cannot_see_or_turn_a_flow(tx_as):
    await begin(tx_as)
    async with tx_as("tnt_b") as tx:
        assert await flows.transitions(tx, Walk.kind, "s1") == []
        with pytest.raises(Exception, match="not_found"):
            await flows.intend(tx, Walk.kind, "s1", "cancelled", "not mine")


def test_the_table_of_a_flow_is_checked():
    assert flows.check_table(Walk) == []
    assert flows.crash_points([Walk]) == [
        "test.walk:first:before_commit",
        "test.walk:first:after_commit",
        "test.walk:second:before_commit",
        "test.walk:second:after_commit",
        "test.walk:second:after_effect",
    ]
