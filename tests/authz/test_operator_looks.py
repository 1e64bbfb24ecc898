"""An operator who looks at what is a tenant's leaves a record that the tenant sees; the platform's own leaves none.

You added a route for operators? It is recorded by itself. If it shows the platform's own data only, declare it with
`platform_data=True` and add it here, in review.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from authz.house_of_two import House, open_house

from aifactory.manifests import MANIFESTS

PLATFORM_DATA = {
    "/api/v3/admin/certificates",
    "/api/v3/admin/dead-letters",  # the list says which consumer failed, not on what
    "/api/v3/admin/gateways",
    "/api/v3/admin/gateways/{gateway_id}",
    "/api/v3/admin/health",
    "/api/v3/admin/incidents",
    "/api/v3/admin/ledger/trial-balance",
    "/api/v3/admin/models",
    "/api/v3/admin/models/{model_id}",
    "/api/v3/admin/nodes",
    "/api/v3/admin/nodes/{node_id}",
    "/api/v3/admin/nodes/{node_id}/events",
    "/api/v3/admin/prices",
    "/api/v3/admin/slots",
    "/api/v3/admin/slots/{slot_id}",
    "/api/v3/admin/tenants",
    "/api/v3/admin/upstreams",
    "/api/v3/admin/upstreams/{upstream_id}",
    "/api/v3/domains",
    "/api/v3/runbooks",
    "/api/v3/runbooks/{domain}/{name}",
    "/api/v3/slos",
}


@pytest_asyncio.fixture(scope="module")
async def house(postgres_server, tmp_path_factory) -> AsyncIterator[House]:
    name = postgres_server.fresh()
    folder = Path(tmp_path_factory.mktemp("looks"))
    async with open_house(postgres_server.url(name, "aif_api_login"), postgres_server.url(name), folder) as opened:
        yield opened
    postgres_server.drop(name)


def looks(house: House) -> list[tuple[str, str]]:
    """(target, route) of what tenant A's log says about operators, oldest first; forgets what it told."""
    with psycopg.connect(house.owner_url) as connection:
        told = connection.execute(
            "select target_id, details ->> 'route' from kernel.audit "
            "where action = 'operator.read' and tenant_id = %s order by occurred_at, id",
            (house.objects["tenant"],),
        ).fetchall()
        connection.execute("alter table kernel.audit disable trigger user")
        connection.execute("delete from kernel.audit where action = 'operator.read'")
    return told


def test_what_counts_as_the_platforms_own_was_reviewed():
    routes = [route for m in MANIFESTS for router in m.routers for route in router.routes]
    assert {route.path for route in routes if route.access.platform_data} == PLATFORM_DATA


@pytest.mark.parametrize(
    ("path", "route", "about"),
    [
        ("/telemetry?allocation_id={allocation}", "/telemetry", "allocation"),
        ("/evidence?id={allocation}", "/evidence", "allocation"),
        ("/admin/tenants/{tenant}", "/admin/tenants/{{tenant_id}}", "tenant"),
        ("/admin/tenants/{tenant}/quotas", "/admin/tenants/{{tenant_id}}/quotas", "tenant"),
        ("/admin/audit?target={allocation}", "/admin/audit", "allocation"),
        ("/admin/audit/verify?tenant_id={tenant}", "/admin/audit/verify", "tenant"),
    ],
)
async def test_a_look_is_in_the_tenants_own_log(house, path, route, about):
    for _ in range(2):  # pages ask again by themselves: one record a minute is enough
        answer = await house.ask("platform_admin", "GET", "/api/v3" + path.format(**house.objects))
        assert answer.status_code == 200, answer.text
    shown = (await house.ask("tenant_admin", "GET", "/api/v3/audit?action=operator.read")).json()["items"]
    assert [(entry["actor_name"], entry["actor_kind"]) for entry in shown] == [("operator", "user")]
    assert looks(house) == [(house.objects[about], "GET /api/v3" + route.format())]


async def test_another_tenant_is_not_told_what_was_looked_for(house):
    """One search that shows both tenants: neither log names what was asked for."""
    answer = await house.ask("platform_admin", "GET", "/api/v3/evidence?kinds=audit&id=")
    tenants = {item["tenant_id"] for item in answer.json()["items"]}
    assert len(tenants) > 1
    assert looks(house) == [(house.objects["tenant"], "GET /api/v3/evidence")]


async def test_lists_of_the_platforms_own_leave_no_record(house):
    for path in sorted(PLATFORM_DATA):
        if "{" not in path:
            await house.ask("platform_admin", "GET", path)
    assert looks(house) == []


async def test_a_tenants_own_reading_leaves_no_record(house):
    await house.ask("tenant_admin", "GET", f"/api/v3/evidence?id={house.objects['allocation']}")
    assert looks(house) == []


async def test_an_answer_that_cannot_be_recorded_is_not_given(house):
    with psycopg.connect(house.owner_url) as connection:
        connection.execute("revoke insert on kernel.audit from aif_operator")
    answer = await house.ask("platform_admin", "GET", f"/api/v3/admin/tenants/{house.objects['tenant']}")
    with psycopg.connect(house.owner_url) as connection:
        connection.execute("grant insert on kernel.audit to aif_operator")
    assert answer.status_code == 500 and house.objects["tenant"] not in answer.text
