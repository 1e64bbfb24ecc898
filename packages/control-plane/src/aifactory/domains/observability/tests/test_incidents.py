"""A stuck flow opens one incident that says why; the flow moving on resolves it."""

from dataclasses import replace

import pytest

from aifactory.domains.observability import facade
from aifactory.domains.observability.consumers import open_incident_on_missed_deadline
from aifactory.domains.observability.incident import cause_of, runbook_for
from aifactory.domains.observability.runbooks import IN_REPOSITORY
from aifactory.domains.observability.schedules import resolve_incidents
from aifactory.events import Envelope
from aifactory.events.kernel import FlowDeadlineMissed
from aifactory.kernel.consumers import deliver
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal

OPERATOR = Principal("usr_op", "user", "operator")
WORKER = Principal.service("test")
MISSED = FlowDeadlineMissed(
    flow_id="flow_1",
    kind="storage_network.volume",
    subject_id="vol_1",
    state="deleting",
    entered_at="2026-11-23T08:00:00+00:00",
    deadline_seconds=60.0,
    attempts=0,
    why="waiting for the node to erase it",
)


def an_envelope(event_id, missed=MISSED, tenant_id="tnt_a"):
    return Envelope(event_id, MISSED.TYPE, 1, missed.subject_id, 1, tenant_id, "2026-11-23T08:01:00Z", "", vars(missed))


async def told(database, event_id, missed=MISSED):
    assert await deliver(database, open_incident_on_missed_deadline, an_envelope(event_id, missed))


async def incidents(tx_as, state=None):
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        return (await facade.list_incidents(tx, state, Page())).items


def test_the_cause_is_a_sentence_with_the_flows_own_words():
    expected = "The volume vol_1 stayed in deleting for more than 60 s: waiting for the node to erase it"
    assert cause_of(MISSED) == expected
    assert "after 3 failed tries" in cause_of(replace(MISSED, attempts=3))


def test_the_domains_own_runbook_comes_before_the_general_one():
    assert runbook_for("storage_network.volume") == f"{IN_REPOSITORY}/storage_network/runbooks/volume-stuck.md"
    assert runbook_for("storage_network.nothing") == f"{IN_REPOSITORY}/platform_control/runbooks/flow-stuck.md"


async def test_a_stuck_flow_has_one_open_incident_however_often_it_is_told(database, tx_as):
    await told(database, "evt_1")
    await told(database, "evt_1")
    await told(database, "evt_2")
    (incident,) = await incidents(tx_as)
    assert (incident.state, incident.subject_id, incident.tenant_id) == ("open", "vol_1", "tnt_a")
    assert incident.runbook.endswith("volume-stuck.md")
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        assert (await facade.summary(tx)).open_count == 1
        assert await tx.value("select count(*) from kernel.outbox where type = 'observability.incident_opened'") == 1


async def a_flow(tx_as, state, ended=False):
    async with tx_as(role="worker", principal=WORKER) as tx:
        await tx.run(
            "insert into kernel.flows (id, kind, subject_id, state, wake_at, entered_at, created_at, ended) "
            "values ('flow_1', 'storage_network.volume', 'vol_1', %s, 'infinity', '2026-11-23T08:00:00Z', kernel.now(), %s)",
            (state, ended),
        )


@pytest.mark.parametrize(("state", "ended", "expected"), [("deleting", False, "open"), ("deleted", True, "resolved")])
async def test_an_incident_is_over_when_the_flow_moved_and_not_before(database, tx_as, state, ended, expected):
    await told(database, "evt_1")
    await a_flow(tx_as, state, ended)
    await resolve_incidents(database)
    await resolve_incidents(database)
    (incident,) = await incidents(tx_as)
    assert incident.state == expected
    if expected == "resolved":
        assert incident.resolution == "the flow moved on to deleted"
        assert await incidents(tx_as, "open") == []


async def test_an_unknown_incident_is_a_404(tx_as):
    with pytest.raises(Problem, match="not_found"):
        async with tx_as(role="operator", principal=OPERATOR) as tx:
            await facade.incident(tx, "inc_none")
