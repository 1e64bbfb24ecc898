"""Promises are counted from what really happened, and the report says how fast the budget is being spent."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.domains import _checked
from aifactory.domains.platform_control.slos import report
from aifactory.domains.platform_control.slos.measurement import measure
from aifactory.domains.platform_control.slos.requests import RequestCounts
from aifactory.domains.platform_control.store.slos import TotalsRow
from aifactory.domains.platform_control.views import DomainView, SloView
from aifactory.events.platform_control import CertificateRevoked
from aifactory.kernel import routes
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Principal

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OPERATOR = Principal("usr_op", "user", "operator")
SUCCEED = SloView("succeed", "…", "requests", 0.99)
SOON = SloView("soon", "…", "latency", 0.9, limit_seconds=0.1)
PAGES = SloView("pages", "…", "requests", 0.9, only="/api/v3/pages/")


def a_domain(*slos: SloView, name: str = "billing") -> DomainView:
    return DomainView(name, "t", "w", "team", "o", "c", "s", [], [], list(slos))


def totals(good: int, total: int, **windows: int) -> TotalsRow:
    same = {
        f"{kind}_{window}": value
        for window in ("1h", "6h", "3d", "30d")
        for kind, value in (("good", good), ("total", total))
    }
    return TotalsRow("billing", "succeed", NOW, **(same | windows))


async def counted(tx_as):
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        rows = await tx.all(
            "select domain, slo, sum(good)::int, sum(total)::int from platform_control.slo_counts group by 1, 2"
        )
    return {(domain, slo): (good, total) for domain, slo, good, total in rows}


async def test_answers_are_counted_by_the_promises_that_they_are_about(database, tx_as):
    counts = RequestCounts([a_domain(SUCCEED, SOON), a_domain(PAGES, name="product")])
    counts.observe("billing", "/api/v3/wallet", 200, 0.05)
    counts.observe("billing", "/api/v3/wallet", 404, 0.5)
    counts.observe("billing", "/api/v3/wallet", 503, 0.05)
    counts.observe("billing", "/internal/v3/x", 500, 9.0)
    counts.observe("iam", "/api/v3/pages/home", 500, 0.01)
    await counts.flush(database)
    await counts.flush(database)
    assert await counted(tx_as) == {
        ("billing", "succeed"): (2, 3),
        ("billing", "soon"): (2, 3),
        ("product", "pages"): (0, 1),
    }
    counts.observe("billing", "/api/v3/wallet", 200, 0.05)
    await counts.flush(database)
    assert (await counted(tx_as))["billing", "succeed"] == (3, 4)


async def test_looks_at_the_event_loop_are_counted(database, tx_as):
    awake = SloView("awake", "…", "loop_late", 0.9, limit_seconds=0.05)
    counts = RequestCounts([a_domain(SUCCEED, awake)])
    for late in (0.0, 0.05, 0.051):
        counts.observe_loop(late)
    await counts.flush(database)
    assert await counted(tx_as) == {("billing", "awake"): (2, 3)}


async def test_what_cannot_be_written_is_written_next_time(database, tx_as, owner_url):
    counts = RequestCounts([a_domain(SUCCEED)])
    counts.observe("billing", "/api/v3/wallet", 200, 0.05)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("revoke insert on platform_control.slo_counts from aif_worker")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await counts.flush(database)
        owner.execute("grant insert on platform_control.slo_counts to aif_worker")
    counts.observe("billing", "/api/v3/wallet", 500, 0.05)
    await counts.flush(database)
    assert (await counted(tx_as))["billing", "succeed"] == (1, 2)


async def test_every_answer_of_a_real_route_is_observed_refusals_and_breakdowns_included(database, monkeypatch):
    router = routes.Routes("billing", "/seen")

    @router.get("/{kind}", permission=routes.PUBLIC, tx=False)
    async def seen(kind: str) -> dict[str, str]:
        if kind == "broken":
            raise RuntimeError("a bug")
        return {"kind": kind}

    @router.get("/closed/door", permission=routes.SIGNED_IN, tx=False)
    async def closed() -> None:
        return None

    async def anonymous(request):
        return Principal.anonymous()

    got = []
    monkeypatch.setattr(routes, "OBSERVERS", [lambda *answer: got.append(answer)])
    app = FastAPI()
    app.state.edge = Edge(database, anonymous, lambda who, what: None, lambda request, who: None)
    app.router.routes.extend(router.routes)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        for path in ("fine", "broken", "closed/door"):
            await client.get(f"/api/v3/seen/{path}")
    assert [(domain, path, status) for domain, path, status, _ in got] == [
        ("billing", "/api/v3/seen/{kind}", 200), ("billing", "/api/v3/seen/{kind}", 500), ("billing", "/api/v3/seen/closed/door", 401),
    ]  # fmt: skip
    assert all(seconds >= 0 for *_, seconds in got)


async def test_events_and_flows_are_counted_from_their_histories(database, tx_as, owner_url):
    async with tx_as(role="worker", principal=OPERATOR) as tx:
        quick, slow, _ = [
            await tx.emit(CertificateRevoked("cert_1", "ab", "node_1", "x"), "cert_1", n) for n in range(3)
        ]
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update kernel.outbox set occurred_at = kernel.now() - interval '10 minutes'")
        owner.execute("update kernel.outbox set sent_at = occurred_at + interval '1 second' where id = %s", (quick,))
        owner.execute("update kernel.outbox set sent_at = occurred_at + interval '9 seconds' where id = %s", (slow,))
        owner.execute(
            "insert into kernel.inbox select 'x.take', 'evt_' || n, kernel.now() from generate_series(1, 4) n"
        )
        owner.execute(
            "insert into kernel.dead_letters values ('dlq_1', 'x.take', 'evt_1', 'x', null, 'e', 5, kernel.now())"
        )
        transitions = [
            ("f1", 1, None, "placing", 0, 30), ("f1", 2, "placing", "active", 10, None),
            ("f2", 1, None, "placing", 0, 30), ("f2", 2, "placing", "active", 90, None),
        ]  # fmt: skip
        for flow, seq, before, state, seconds, deadline in transitions:
            owner.execute(
                "insert into kernel.flow_transitions (flow_id, seq, kind, subject_id, from_state, to_state, who, why, generation, "
                "fence, at, seconds, deadline_seconds) values (%s, %s, 'provisioning.allocation', 's', %s, %s, 'w', '', 1, 0, kernel.now(), %s, %s)",
                (flow, seq, before, state, seconds, deadline),
            )
        for flow, age in (("f1", 10), ("f2", 90)):
            owner.execute(
                "insert into kernel.flows (id, kind, subject_id, state, wake_at, entered_at, created_at) values "
                "(%s, 'provisioning.allocation', %s, 'active', kernel.now(), kernel.now(), kernel.now() - make_interval(secs => %s))",
                (flow, flow, age),
            )
    await measure(database)
    await measure(database)
    found = await counted(tx_as)
    assert found["platform_control", "Events arrive"] == (1, 3), "one in time, one late, one never"
    assert found["platform_control", "Consumers take what happened"] == (3, 4)
    assert found["provisioning", "Work keeps its deadlines"] == (1, 2)
    assert found["provisioning", "A launch ends quickly, well or badly"] == (1, 2)


async def test_what_was_written_before_the_first_relay_ever_ran_is_not_late(database, tx_as, owner_url):
    async with tx_as(role="worker", principal=OPERATOR) as tx:
        first, second, third = [
            await tx.emit(CertificateRevoked("cert_1", "ab", "node_1", "x"), "cert_1", n) for n in range(3)
        ]
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for event, occurred, sent in ((first, 600, 540), (second, 590, 538), (third, 500, 480)):
            owner.execute(
                "update kernel.outbox set occurred_at = kernel.now() - make_interval(secs => %s), "
                "sent_at = kernel.now() - make_interval(secs => %s) where id = %s",
                (occurred, sent, event),
            )
    await measure(database)
    good, total = (await counted(tx_as))["platform_control", "Events arrive"]
    assert (good, total) == (2, 3), "the two of the set-up were sent as soon as there was a relay, the third was late"


async def test_the_report_has_every_promise_of_every_domain_also_the_unmeasured(tx_as):
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        shown = await facade.slo_report(tx)
    promised = {(view.name, slo.name) for view in facade.domains().items for slo in view.slos}
    assert {(item.domain, item.name) for item in shown.items} == promised
    assert {item.state for item in shown.items} == {"no_data", "not_measured"}
    measured = {item.domain for item in shown.items if item.measure == "requests"}
    assert measured == {view.name for view in facade.domains().items}, "every domain counts its requests"


@pytest.mark.parametrize(
    ("row", "state", "burn_1h", "left"),
    [
        (totals(1000, 1000), "ok", 0.0, 1.0),
        (totals(995, 1000), "ok", 0.5, 0.5),
        (totals(999, 1000, good_1h=80, total_1h=100), "burning", 20.0, 0.9),
        (totals(999, 1000, good_3d=98, total_3d=100), "burning", 0.1, 0.9),
        (totals(980, 1000), "exhausted", 2.0, -1.0),
        (totals(0, 1), "too_few", None, None),
        (totals(0, 50), "burning", 100.0, None),
        (totals(98, 99), "too_few", 1.01, None),
        (totals(99, 100), "burning", 1.0, 0.0),
        (totals(995, 1000, good_1h=0, total_1h=0), "ok", None, 0.5),
        (totals(999, 1000, good_1h=5, total_1h=6), "ok", None, 0.9),
        (totals(999, 1000, good_1h=6, total_1h=7), "ok", 14.29, 0.9),
        (totals(999, 1000, good_1h=5, total_1h=7), "burning", 28.57, 0.9),
    ],
)
def test_burn_and_what_is_left_of_the_budget(row, state, burn_1h, left):
    (item,) = report.judge([a_domain(SUCCEED)], [row])
    assert (item.state, item.windows[0].burn, item.budget_left) == (state, burn_1h, left)
    assert (item.current is None) == (row.total_30d < item.needed) and item.needed == 100


@pytest.mark.parametrize(
    "slo",
    [
        replace(SUCCEED, target=None), replace(SUCCEED, target=1.0), replace(SOON, limit_seconds=None),
        SloView("x", "…", target=0.9), SloView("x", "…", "flow_reaches", 0.9, only="a.b", limit_seconds=1.0),
        SloView("x", "…", "wished", 0.9),
    ],
)  # fmt: skip
def test_a_promise_that_cannot_be_counted_is_refused_at_the_start(slo):
    with pytest.raises(ValueError, match=slo.name):
        _checked(slo)
