"""The edge with a toy domain behind it: commits, refusals, replays, limits."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from pydantic import BaseModel

from aifactory.api.app import build, limited
from aifactory.kernel.edge import Edge
from aifactory.kernel.errors import Problem, conflict, forbidden
from aifactory.kernel.principal import Principal
from aifactory.kernel.routes import PUBLIC, Db, IfMatch, Routes, TenantTx, check_etag


class Thing(BaseModel):
    name: str
    secret: str | None = None


@dataclass
class Decided:
    allowed: bool
    because: str = "you only look"
    code: str = "forbidden"


def toy_routes() -> Routes:
    router = Routes("toy", "/things")

    @router.get("", permission=PUBLIC)
    async def look(tx: TenantTx) -> dict[str, int]:
        return {"audited": await tx.value("select count(*) from kernel.audit")}

    @router.post("", permission="toy.write", status_code=201, secret_fields=("secret",))
    async def make(body: Thing, tx: TenantTx) -> Thing:
        await tx.audit("toy.made", body.name)
        if body.name == "taken":
            raise conflict("name_taken", "There is one already.")
        if body.name == "broken":
            raise RuntimeError("a bug")
        return Thing(name=body.name, secret="s3cret")

    @router.put("/{thing_id}", permission="toy.write")
    async def change(thing_id: str, etag: IfMatch, tx: TenantTx) -> dict[str, str]:
        check_etag(etag, 7)
        return {"id": thing_id}

    @router.post("/outside", permission="toy.write", tx=False, idempotent=False)
    async def outside(db: Db) -> dict[str, bool]:
        return {"pool": db.pool is not None}

    return router


async def authenticate(request) -> Principal:
    name = request.headers.get("x-who")
    return Principal(f"usr_{name}", "user", name, "tnt_a") if name else Principal.anonymous()


def verify_csrf(request, principal) -> None:
    if request.headers.get("x-forged"):
        raise forbidden("csrf", "the request did not come from the portal")


@pytest.fixture
async def client(database):
    edge = Edge(database, authenticate, lambda who, permission: Decided(who.name == "writer"), verify_csrf)
    app = limited(build("toy", [toy_routes()], edge), ["test"])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
    ) as made:
        yield made


def writer(key: str = "key-00000001", **more: str) -> dict[str, str]:
    return {"x-who": "writer", "Idempotency-Key": key} | more


async def audited(database, decision: str) -> list[str]:
    async with database.tx("worker") as tx:
        return [
            row[0]
            for row in await tx.all(
                "select target_id from kernel.audit where decision = %s order by occurred_at", (decision,)
            )
        ]


def test_a_route_without_permission_cannot_be_declared():
    with pytest.raises(TypeError, match="permission"):
        Routes("toy", "/x").get("")(lambda: None)


async def test_the_answer_is_committed_before_it_is_sent(client, database):
    answer = await client.post("/api/v3/things", json={"name": "one"}, headers=writer())
    assert answer.status_code == 201
    assert await audited(database, "allowed") == ["one"]


async def test_nobody_and_the_wrong_one_are_refused(client, database):
    assert (await client.post("/api/v3/things", json={"name": "one"})).json()["code"] == "unauthenticated"
    refused = await client.post("/api/v3/things", json={"name": "one"}, headers=writer() | {"x-who": "reader"})
    assert refused.status_code == 403 and "you only look" in refused.json()["detail"]
    forged = await client.post("/api/v3/things", json={"name": "one"}, headers=writer(**{"x-forged": "1"}))
    assert forged.status_code == 403
    assert await audited(database, "allowed") == []
    assert len(await audited(database, "denied")) == 2


async def test_a_refusal_rolls_back_and_leaves_only_its_record(client, database):
    answer = await client.post("/api/v3/things", json={"name": "taken"}, headers=writer())
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert await audited(database, "allowed") == []
    assert len(await audited(database, "denied")) == 1


async def test_a_bug_answers_500_without_its_inside_and_changes_nothing(client, database):
    answer = await client.post("/api/v3/things", json={"name": "broken"}, headers=writer())
    assert answer.status_code == 500 and "a bug" not in answer.text and answer.json()["request_id"].startswith("req_")
    assert await audited(database, "allowed") == []


async def test_the_same_key_and_body_replay_without_the_secret(client, database):
    first = await client.post("/api/v3/things", json={"name": "one"}, headers=writer())
    again = await client.post("/api/v3/things", json={"name": "one"}, headers=writer())
    assert first.json() == {"name": "one", "secret": "s3cret"}
    assert again.json() == {"name": "one", "secret": None, "code": "secret_already_shown"}
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert await audited(database, "allowed") == ["one"]


async def test_the_same_key_with_another_body_is_refused(client):
    await client.post("/api/v3/things", json={"name": "one"}, headers=writer())
    answer = await client.post("/api/v3/things", json={"name": "two"}, headers=writer())
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_refused_request_may_be_sent_again_under_its_key(client):
    assert (await client.post("/api/v3/things", json={"name": "taken"}, headers=writer())).status_code == 409
    assert (await client.post("/api/v3/things", json={"name": "free"}, headers=writer())).status_code == 201


async def test_twenty_twins_at_once_have_one_effect(client, database):
    answers = await asyncio.gather(
        *(client.post("/api/v3/things", json={"name": "one"}, headers=writer()) for _ in range(20))
    )
    assert {a.status_code for a in answers} == {201}
    assert await audited(database, "allowed") == ["one"]


@pytest.mark.parametrize(
    ("request_", "status", "code", "field"),
    [
        ({"headers": {"x-who": "writer"}, "json": {"name": "a"}}, 400, "idempotency_key_required", "Idempotency-Key"),
        ({"headers": writer("short"), "json": {"name": "a"}}, 400, "idempotency_key_required", "Idempotency-Key"),
        ({"headers": writer(), "json": {}}, 422, "missing", "name"),
        ({"headers": writer(), "json": {"name": 5}}, 422, "string_type", "name"),
        ({"headers": writer() | {"content-type": "application/json"}, "content": b"{"}, 422, "json_invalid", None),
        (
            {"headers": writer() | {"content-type": "application/json"}, "content": b"[" * 40 + b"]" * 40},
            400,
            "body_too_deep",
            None,
        ),
        ({"headers": writer(), "content": b"x" * (1024 * 1024 + 1)}, 413, "body_too_large", None),
        ({"headers": writer() | {"host": "evil.example"}, "json": {"name": "a"}}, 421, "unknown_host", "Host"),
    ],
)
async def test_bad_input_is_told_apart(client, database, request_, status, code, field):
    answer = await client.post("/api/v3/things", **request_)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert body["todo"]
    assert field is None or body["field"] == field
    assert await audited(database, "allowed") == []


async def test_unknown_paths_and_methods_are_problems_too(client):
    assert (await client.get("/api/v3/nothing")).json()["code"] == "no_such_route"
    answer = await client.patch("/api/v3/things")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    spelt_out = await client.patch("/api/v3/things/outside")
    assert (spelt_out.status_code, spelt_out.headers["allow"]) == (405, "POST")


async def test_edits_say_which_state_they_change(client):
    assert (await client.put("/api/v3/things/t", headers=writer())).status_code == 428
    assert (
        await client.put("/api/v3/things/t", headers=writer("key-0000002", **{"If-Match": 'W/"6"'}))
    ).status_code == 412
    assert (
        await client.put("/api/v3/things/t", headers=writer("key-0000003", **{"If-Match": 'W/"7"'}))
    ).status_code == 200


async def test_a_route_with_outside_effects_gets_the_database_instead(client):
    assert (await client.post("/api/v3/things/outside", headers={"x-who": "writer"})).json() == {"pool": True}


def test_problems_carry_what_to_do():
    body = Problem(409, "x", "X", "y", todo="z", offers=[]).body("req_1")
    assert body["todo"] == "z" and body["offers"] == [] and body["type"].endswith("/x")
