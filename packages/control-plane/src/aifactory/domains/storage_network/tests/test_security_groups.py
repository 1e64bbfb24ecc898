"""Security groups over the real routes and database; only the credential is a name."""

import httpx
import pytest

from aifactory.api.app import build
from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.storage_network import security_groups
from aifactory.domains.storage_network.manifest import MANIFEST
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Grant, Principal

API = "/api/v3/security-groups"


def somebody(person, role: str, on: str) -> Principal:
    return Principal(person.user_id, "user", role, person.tenant_id, (Grant(role, on),))


class Tenants:
    """`await tenants.ask("member", "POST", body={"name": "first"})`: members of one tenant, and the "other" one."""

    def __init__(self, database) -> None:
        self.database = database
        self.asked = 0
        self.people = {
            role: somebody(iam.DEMO, role, f"tenant:{iam.DEMO.tenant_id}")
            for role in ("viewer", "member", "tenant_admin")
        }
        self.people["other"] = somebody(iam.OTHER, "tenant_admin", f"tenant:{iam.OTHER.tenant_id}")
        edge = Edge(database, self._who, iam.decide_anywhere, lambda request, who: None)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(build("public", list(MANIFEST.routers), edge)), base_url="http://api"
        )

    async def _who(self, request) -> Principal:
        return self.people[request.headers["X-Test-As"]]

    async def ask(self, who: str, method: str, path: str = "", body=None) -> httpx.Response:
        self.asked += 1
        headers = {"X-Test-As": who, "Idempotency-Key": f"asked-{self.asked:04}"}
        return await self.http.request(method, API + path, json=body, headers=headers)

    async def make(self, name: str = "first", who: str = "member", **more) -> dict:
        answer = await self.ask(who, "POST", body={"name": name, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def told(self) -> list[str]:
        """The events of security groups, oldest first."""
        async with self.database.tx("operator") as tx:
            statement = "select type from kernel.outbox where type like 'storage_network.security_group_%' order by occurred_at, id"
            return [row[0].split(".")[1] for row in await tx.all(statement)]

    async def new_project(self) -> str:
        async with self.database.tx("tenant", self.people["tenant_admin"], iam.DEMO.tenant_id) as tx:
            return (await iam.create_project(tx, "second")).id


@pytest.fixture
async def tenants(database):
    async with database.tx("worker", Principal.service("admin")) as tx:
        await IAM.seed(tx)
    made = Tenants(database)
    yield made
    await made.http.aclose()


async def test_a_member_makes_one_finds_it_and_deletes_it(tenants):
    made = await tenants.make("first", labels={"for": "tests"})
    assert (made["state"], made["name"], made["labels"]) == ("active", "first", {"for": "tests"})
    listed = (await tenants.ask("member", "GET")).json()
    assert listed == {"items": [made], "next_cursor": None}
    shown = await tenants.ask("member", "GET", f"/{made['id']}")
    assert (shown.json(), shown.headers["ETag"]) == (made, 'W/"1"')
    assert [(await tenants.ask("member", "DELETE", f"/{made['id']}")).status_code for _ in range(2)] == [204, 204]
    assert (await tenants.ask("member", "GET")).json()["items"] == []
    assert (await tenants.ask("member", "GET", f"/{made['id']}")).json()["state"] == "deleted"
    assert await tenants.told() == ["security_group_created", "security_group_deleted"]


async def test_a_name_is_taken_once_in_a_project_and_free_again_after_deletion(tenants):
    made = await tenants.make("first")
    refused = await tenants.ask("member", "POST", body={"name": "first"})
    assert (refused.status_code, refused.json()["code"]) == (409, "security_group_name_taken")
    await tenants.make("first", project_id=await tenants.new_project())
    await tenants.ask("member", "DELETE", f"/{made['id']}")
    assert (await tenants.make("first"))["id"] != made["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "Not-Small"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "ok", "colour": "red"}, "colour"),
        ({"name": "ok", "labels": ["a"]}, "labels"),
    ],
)
async def test_bad_input_is_refused_with_its_field_and_changes_nothing(tenants, body, field):
    answer = await tenants.ask("member", "POST", body=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await tenants.ask("member", "GET")).json()["items"] == []


async def test_a_project_has_a_limited_number(tenants, monkeypatch):
    monkeypatch.setattr(security_groups, "MOST", 1)
    await tenants.make("first")
    refused = await tenants.ask("member", "POST", body={"name": "second"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_security_groups")


async def test_who_may_only_look_changes_nothing(tenants):
    made = await tenants.make()
    assert (await tenants.ask("viewer", "GET", f"/{made['id']}")).status_code == 200
    for method, path, body in (("POST", "", {"name": "second"}), ("DELETE", f"/{made['id']}", None)):
        assert (await tenants.ask("viewer", method, path, body)).status_code == 403
    assert (await tenants.ask("viewer", "GET")).json()["items"] == [made]


async def test_another_tenant_sees_nothing_and_deletes_nothing(tenants):
    made = await tenants.make()
    assert (await tenants.ask("other", "GET")).json()["items"] == []
    for method in ("GET", "DELETE"):
        assert (await tenants.ask("other", method, f"/{made['id']}")).status_code == 404
    assert (await tenants.ask("member", "GET", f"/{made['id']}")).json()["state"] == "active"


async def test_whoever_is_in_one_project_sees_and_changes_only_that(tenants):
    project = await tenants.new_project()
    tenants.people["guest"] = somebody(iam.DEMO, "member", f"project:{project}")
    mine, theirs = await tenants.make("mine", "guest", project_id=project), await tenants.make("theirs")
    assert [one["id"] for one in (await tenants.ask("guest", "GET")).json()["items"]] == [mine["id"]]
    assert (await tenants.ask("guest", "DELETE", f"/{theirs['id']}")).status_code == 403


async def test_long_lists_come_in_pages_newest_first(tenants):
    made = [await tenants.make(f"number-{number}") for number in range(3)]
    first = (await tenants.ask("member", "GET", "?limit=2")).json()
    last = (await tenants.ask("member", "GET", f"?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in (*first["items"], *last["items"])] == [one["id"] for one in reversed(made)]
    assert last["next_cursor"] is None
