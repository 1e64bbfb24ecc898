"""A missed heartbeat opens an incident with cause and runbook, and the next one heard resolves it."""

import psycopg
import pytest

from aifactory.domains.observability import facade
from aifactory.domains.observability.runbooks import DOMAINS
from aifactory.domains.observability.schedules import resolve_incidents, watch_heartbeats
from aifactory.domains.platform_control.facade import ComponentView


@pytest.fixture
def processes(owner_url):
    """Our own processes beat, so that only what a test silences is missing. `processes(offset)`: when they last did."""

    def beat(offset) -> None:
        with psycopg.connect(owner_url) as connection:
            for kind in ("api", "worker"):
                connection.execute(
                    "insert into kernel.components (name, kind, pid, started_at, seen_at) values (%s, %s, 1, now() + %s, now() + %s) "
                    "on conflict (name) do update set seen_at = excluded.seen_at",
                    (f"{kind}-1", kind, offset, offset),
                )

    return beat


async def incidents(factory, state=None):
    query = {"state": state} if state else {}
    answer = await factory.http.get("/api/v3/admin/incidents", params=query, headers=factory.headers("operator"))
    assert answer.status_code == 200, answer.text
    return [
        item
        for item in answer.json()["items"]
        if item["flow_kind"] != "platform_control.component"
        or "-1" in item["subject_id"]
        or item["subject_id"] in ("api", "worker")
    ]


async def test_a_stuck_flow_tells_its_transitions_and_is_over_when_it_moves(factory):
    node = await factory.a_node()
    node.broken["sandbox.start"] = "silent"
    made = await factory.launches()
    await factory.work()
    stuck = await factory.allocation(made["id"])
    async with factory.database.tx("worker") as tx:
        flow = await tx.one("select id, state, entered_at from kernel.flows where subject_id = %s", (made["id"],))
        await tx.set_tenant(factory.demo)
        from aifactory.events.kernel import FlowDeadlineMissed

        missed = FlowDeadlineMissed(
            flow[0],
            "provisioning.allocation",
            made["id"],
            flow[1],
            flow[2].isoformat(),
            30.0,
            0,
            "waiting for the node",
        )
        await facade.open_for_missed_deadline(tx, missed)
    (found,) = await incidents(factory, "open")
    assert found["flow_state"] == stuck["state"] and found["tenant_id"] == factory.demo
    assert found["runbook_url"] == "/api/v3/runbooks/provisioning/allocation-stuck"
    detail = (await factory.get(f"/admin/incidents/{found['id']}", "operator")).json()
    moved = [step["what"].split(":")[0] for step in detail["timeline"] if step["kind"] == "transition"]
    assert moved[0] == "new → requested" and "placing" in moved[1]
    await factory.releases(made["id"])
    await factory.work()
    await resolve_incidents(factory.database)
    assert await incidents(factory, "open") == []


async def test_a_part_of_ours_without_a_heartbeat_is_an_incident_while_it_is_down(factory, owner_url, processes):
    processes(factory.database.offset)
    with psycopg.connect(owner_url) as connection:
        connection.execute("update kernel.components set seen_at = now() - interval '25 seconds' where kind = 'api'")
    await watch_heartbeats(factory.database)
    (found,) = await incidents(factory, "open")
    assert (found["subject_id"], found["flow_state"]) == ("api", "down")
    assert found["runbook_url"] == "/api/v3/runbooks/platform_control/process-silent"
    processes(factory.database.offset)
    await watch_heartbeats(factory.database)
    assert await incidents(factory, "open") == []


async def test_every_runbook_is_served_as_text_and_made_up_ones_are_not(factory):
    listed = (await factory.get("/runbooks", "operator")).json()["items"]
    assert len(listed) == len(list(DOMAINS.glob("*/runbooks/*.md"))) > 10
    for entry in listed:
        answer = await factory.http.get(entry["url"], headers=factory.headers("operator"))
        assert answer.headers["content-type"].startswith("text/markdown")
        assert answer.text.startswith(f"# {entry['title']}")
    for path in ("/runbooks/provisioning/none", "/runbooks/kernel/none", "/runbooks/provisioning/..%2fREADME"):
        assert (await factory.get(path, "operator")).status_code in (404, 422)
    assert (await factory.get("/runbooks")).status_code == 403


def test_what_is_well_or_has_incidents_of_its_own_opens_none(factory):
    from aifactory.domains.observability.incident import of_component

    now = factory.now()
    for part in (
        ComponentView("api-7", "api", "degraded", "silent for 30 s", None),
        ComponentView("flows", "flows", "degraded", "2 are late", None),
        ComponentView("events", "events", "ok", "none waits", None),
    ):
        assert of_component(part, now) is None
    assert of_component(ComponentView("events", "events", "degraded", "3 dead letters", None), now) is not None
