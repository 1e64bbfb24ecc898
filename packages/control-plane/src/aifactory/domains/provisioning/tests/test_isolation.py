"""Tenants see their own, operators what is theirs to see, visitors only what is public."""

import psycopg
import pytest

from aifactory.domains.provisioning.tests.conftest import SSH_KEY

TENANT_TABLES = ("provisioning.allocations", "provisioning.placements", "storage_network.volumes")
NOT_FOR_TENANTS = (
    "provisioning.nodes",
    "provisioning.slots",
    "provisioning.tasks",
    "provisioning.bootstrap_tokens",
    "provisioning.sanitization_evidence",
)


@pytest.fixture
async def launched(factory):
    await factory.a_node()
    made = await factory.launches(volumes=[{"name": "data", "size_gb": 3}])
    await factory.work()
    return made


async def test_a_foreign_id_answers_exactly_like_one_that_never_existed(factory, launched):
    allocation, volume = launched["id"], launched["volumes"][0]["id"]
    foreign, absent = factory.other, "0" * 26

    def same(one, two, id_one, id_two):
        assert (one.status_code, two.status_code) == (404, 404)
        drop = {"request_id"}
        first = {k: v for k, v in one.json().items() if k not in drop}
        second = {k: v for k, v in two.json().items() if k not in drop}
        assert str(first).replace(id_one, "ID") == str(second).replace(id_two, "ID")

    for path in ("", "/events"):
        one = await factory.get(f"/allocations/{allocation}{path}", foreign)
        two = await factory.get(f"/allocations/alloc_{absent}{path}", foreign)
        same(one, two, allocation, f"alloc_{absent}")
    one = await factory.post(f"/allocations/{allocation}/release", {}, foreign)
    two = await factory.post(f"/allocations/alloc_{absent}/release", {}, foreign)
    same(one, two, allocation, f"alloc_{absent}")
    for method in (factory.get, factory.delete):
        same(
            await method(f"/volumes/{volume}", foreign),
            await method(f"/volumes/vol_{absent}", foreign),
            volume,
            f"vol_{absent}",
        )
    body = {"sku": "local.cpu.1", "ssh_public_key": SSH_KEY}
    one = await factory.post("/allocations", body | {"volumes": [{"id": volume}]}, foreign)
    two = await factory.post("/allocations", body | {"volumes": [{"id": f"vol_{absent}"}]}, foreign)
    same(one, two, volume, f"vol_{absent}")
    assert (await factory.allocation(allocation))["state"] == "active"


async def test_lists_hold_only_the_callers_own(factory, launched):
    assert (await factory.get("/allocations", factory.other)).json() == {"items": [], "next_cursor": None}
    assert (await factory.get("/volumes", factory.other)).json() == {"items": [], "next_cursor": None}
    mine = (await factory.get("/allocations")).json()["items"]
    assert [item["id"] for item in mine] == [launched["id"]] and mine[0]["running_cost"]["currency"] == "EUR"


async def test_lists_page_by_keyset_and_filter(factory, launched):
    made = [launched["id"]] + [(await factory.launches(name=f"n{number}"))["id"] for number in range(4)]
    seen, cursor = [], ""
    while cursor is not None:
        page = (await factory.get(f"/allocations?limit=2{cursor and '&cursor=' + cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    named = (await factory.get("/allocations?name=n2")).json()["items"]
    assert [item["id"] for item in named] == [made[3]]
    active = (await factory.get("/allocations?state=active")).json()["items"]
    assert [item["id"] for item in active] == [launched["id"]]
    assert (await factory.get("/allocations?cursor=nonsense")).json()["code"] == "invalid_cursor"
    assert (await factory.get("/allocations?state=nonsense")).status_code == 422


async def test_list_and_show_tell_the_same(factory, launched):
    shown = await factory.allocation(launched["id"])
    listed = (await factory.get("/allocations")).json()["items"][0]
    times = ("created_at", "updated_at", "activated_at")
    assert listed.keys() == shown.keys()
    assert {k: v for k, v in listed.items() if k not in times} == {k: v for k, v in shown.items() if k not in times}


@pytest.mark.parametrize("path", ["/admin/nodes", "/admin/slots", "/admin/nodes/node_x", "/admin/slots/slot_x"])
async def test_the_fleet_is_for_operators(factory, path):
    assert (await factory.get(path)).status_code == 403
    assert (await factory.http.get(f"/api/v3{path}")).status_code == 401
    assert (await factory.get(path, "operator")).status_code in (200, 404)


async def test_visitors_see_catalogue_and_offers_only(factory):
    await factory.a_node()
    item = (await factory.http.get("/api/v3/catalog")).json()["items"][0]
    assert (item["sku"], item["available"], item["capacity"]) == ("local.cpu.1", 2, 2)
    assert item["resources"] == {"vcpus": 1.0, "memory_gb": 1.0, "gpus": 0}
    offer = (await factory.http.get("/api/v3/offers?sku=local.cpu.1")).json()["items"][0]
    assert (offer["rank"], offer["reason"], offer["next_free_at"]) == (1, "what you asked for", None)
    assert (await factory.http.get("/api/v3/offers?sku=nothing")).status_code == 404
    assert (await factory.http.get("/api/v3/catalog?region=nowhere")).status_code == 404
    for path in ("/allocations", "/volumes"):
        assert (await factory.http.get(f"/api/v3{path}")).status_code == 401


async def test_no_context_means_no_rows_and_no_writing_into_another_tenant(factory, launched):
    for table in TENANT_TABLES:
        async with factory.database.tx("tenant") as tx:
            assert await tx.value(f"select count(*) from {table}") == 0
        async with factory.database.tx("worker") as tx:
            assert await tx.value(f"select count(*) from {table}") == 0
        async with factory.database.tx("tenant", tenant_id=factory.other) as tx:
            assert await tx.value(f"select count(*) from {table}") == 0
        async with factory.database.tx("worker", tenant_id=factory.demo) as tx:
            assert await tx.value(f"select count(*) from {table}") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with factory.database.tx("tenant", tenant_id=factory.demo) as tx:
            await tx.run("update provisioning.allocations set tenant_id = %s", (factory.other,))


@pytest.mark.parametrize("table", NOT_FOR_TENANTS)
async def test_tenants_do_not_read_the_fleets_tables(factory, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with factory.database.tx("tenant", tenant_id=factory.demo) as tx:
            await tx.value(f"select count(*) from {table}")


async def test_evidence_cannot_be_edited(factory, launched, owner_url):
    with psycopg.connect(owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("update provisioning.sanitization_evidence set ok = true")
