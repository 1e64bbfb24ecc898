"""Reads whose query string is known: the same answers, refusals and headers as on the whole way through FastAPI."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from fastapi import Query, Response

from aifactory.api.app import build, limited
from aifactory.kernel.edge import Edge
from aifactory.kernel.known_queries import MAX_KNOWN
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.principal import Principal
from aifactory.kernel.reading import Belief
from aifactory.kernel.routes import IfMatch, Routes, TenantTx


@dataclass
class Decided:
    allowed: bool
    because: str = "you only look"
    code: str = "forbidden"


def toy_routes() -> Routes:
    router = Routes("toy", "/things")

    @router.get("/tagged", permission="toy.read")
    async def tagged(tx: TenantTx, page: PageQuery, kind: str = "any", tag: list[str] = Query([])) -> Response:
        who = await tx.value("select kernel.tenant()")
        tag.append("seen")
        return Response(f"{who} {page.limit} {kind} {len(tag)}", headers={"ETag": '"1"'})

    @router.get("/plain", permission="toy.read")
    async def plain(tx: TenantTx, page: PageQuery) -> Response:
        return Response(f"{await tx.value('select kernel.tenant()')} {page.limit}")

    @router.get("/headed", permission="toy.read")
    async def headed(tx: TenantTx, etag: IfMatch) -> Response:
        return Response(str(etag))

    @router.get("/{thing_id}", permission="toy.read")
    async def show(thing_id: str, tx: TenantTx) -> Response:
        return Response(thing_id)

    return router


async def authenticate(request) -> Principal:
    name = request.headers.get("x-who")
    return Principal(f"usr_{name}", "user", name, f"tnt_{name}") if name else Principal.anonymous()


@pytest.fixture
def app(database):
    edge = Edge(
        database, authenticate, lambda who, permission: Decided(who.name != "reader"), lambda request, who: None
    )
    return build("toy", [toy_routes()], edge)


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(limited(app, ["test"]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v3/things") as made:
        yield made


def known(app, path: str) -> int:
    return next(len(route.known._known) for route in app.routes if route.path == f"/api/v3/things{path}")


async def get(client, path: str, who: str = "a") -> httpx.Response:
    return await client.get(path, headers={"x-who": who})


async def test_a_known_query_answers_for_whoever_asks(client, app):
    answers = [(await get(client, "/plain?limit=7", who)).text for who in ("a", "b", "a")]
    assert answers == ["tnt_a 7", "tnt_b 7", "tnt_a 7"]
    assert known(app, "/plain") == 1
    assert (await get(client, "/plain?limit=8")).text == "tnt_a 8"


async def test_both_ways_give_the_same_heads(client):
    first, second = await get(client, "/plain"), await get(client, "/plain")
    varying = {"x-request-id"}
    assert {k: v for k, v in first.headers.items() if k not in varying} == {
        k: v for k, v in second.headers.items() if k not in varying
    }
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_known_query_does_not_let_in(client):
    assert (await get(client, "/plain")).status_code == 200
    assert (await client.get("/plain")).status_code == 401
    assert (await get(client, "/plain", "reader")).status_code == 403


async def test_a_wrong_query_is_refused_every_time(client, app):
    for _ in range(3):
        answer = await get(client, "/plain?limit=0")
        assert (answer.status_code, answer.json()["field"]) == (422, "limit")
    assert known(app, "/plain") == 0


async def test_other_methods_go_the_whole_way(client):
    assert (await get(client, "/plain")).status_code == 200
    answer = await client.post("/plain", headers={"x-who": "a"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_what_a_route_could_change_is_not_kept(client, app):
    assert [(await get(client, "/tagged?tag=x&kind=y")).text for _ in range(2)] == ["tnt_a 50 y 2"] * 2
    assert known(app, "/tagged") == 0


async def test_ids_in_the_path_are_told_apart(client):
    assert [(await get(client, f"/{name}")).text for name in ("one", "two", "one")] == ["one", "two", "one"]


def test_a_route_that_reads_headers_is_read_each_time(app):
    assert next(route for route in app.routes if route.path.endswith("/headed")).known is None


async def test_no_more_queries_are_kept_than_the_limit(client, app):
    for number in range(MAX_KNOWN + 10):
        assert (await get(client, f"/thing-{number}")).text == f"thing-{number}"
    assert known(app, "/{thing_id}") == MAX_KNOWN


async def remembering_client(database, holder: str):
    """An edge that remembers everybody; `holder` is what the database says of them now, "then" what it said before."""
    beliefs: dict[str, Belief] = {}

    def recall(request) -> Belief | None:
        name = request.headers.get("x-who", "")
        who = Principal(f"usr_{name}", "user", name, f"tnt_{name}")
        question = ("select %(holder)s::text as holder", {"holder": holder}, ("then",))
        return beliefs.setdefault(name, Belief(who, *question)) if name else None

    edge = Edge(database, authenticate, lambda who, permission: Decided(True), lambda request, who: None, recall)
    asked: list[str] = []
    router = Routes("toy", "/things")

    @router.get("/all", permission="toy.read")
    async def look(tx: TenantTx) -> Response:
        asked.append(tx.principal.id)
        return Response(str(await tx.value("select kernel.tenant()")))

    transport = httpx.ASGITransport(limited(build("toy", [router], edge), ["test"]))
    return httpx.AsyncClient(transport=transport, base_url="http://test/api/v3/things"), asked


async def test_equal_questions_of_one_person_share_a_read_and_nobody_elses(database):
    client, asked = await remembering_client(database, holder="then")
    answers = await asyncio.gather(*(get(client, "/all", "ab"[n % 2]) for n in range(40)))
    assert [answer.text for answer in answers] == [f"tnt_{'ab'[n % 2]}" for n in range(40)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 40
    assert len(asked) == 4, "for each of the two: one read that began at once, and one for all who came meanwhile"


async def test_a_shared_read_on_a_wrong_belief_is_made_afresh_by_each(database):
    client, asked = await remembering_client(database, holder="now somebody else")
    answers = await asyncio.gather(*(get(client, "/all", "ab"[n % 2]) for n in range(10)))
    assert [answer.text for answer in answers] == [f"tnt_{'ab'[n % 2]}" for n in range(10)]
    assert len(asked) >= 10
