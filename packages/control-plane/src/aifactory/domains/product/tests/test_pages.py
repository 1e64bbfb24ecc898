"""The pages over the real facades and a real database; only the credential is a header."""

from pathlib import Path

import httpx
import pytest

from aifactory.api.app import build
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.domains.product.manifest import MANIFEST
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Grant, Principal
from aifactory.kernel.settings import Settings
from aifactory.manifests import MANIFESTS

DEMO = Principal(
    iam.DEMO.user_id, "user", "demo", iam.DEMO.tenant_id, (Grant("tenant_admin", f"tenant:{iam.DEMO.tenant_id}"),)
)
VIEWER = Principal(
    iam.DEMO.user_id,
    "user",
    "viewer",
    iam.DEMO.tenant_id,
    (Grant("viewer", f"tenant:{iam.DEMO.tenant_id}"),),
    grant_version=2,
)
PEOPLE = {"demo": DEMO, "viewer": VIEWER}


async def authenticate(request) -> Principal:
    return PEOPLE.get(request.headers.get("x-test-as", ""), Principal.anonymous())


@pytest.fixture
async def pages(database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    init_secrets(tmp_path / "secrets")
    monkeypatch.setenv("AIF_SECRETS_DIR", str(tmp_path / "secrets"))
    settings = Settings("unused", "", tmp_path / "secrets", tmp_path)
    iam.use_installation(iam.Installation.of(settings))
    for manifest in reversed(MANIFESTS):
        if manifest.seed:
            async with database.tx("worker", Principal.service("seeder")) as tx:
                await manifest.seed(tx)
    app = build("test", MANIFEST.routers, Edge(database, authenticate, iam.decide_anywhere, lambda request, who: None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api/v3/pages") as client:
        yield client


async def test_anyone_reads_the_price_page(pages):
    answer = await pages.get("/catalog")
    assert answer.headers["cache-control"].startswith("public")
    body = answer.json()
    assert [region["id"] for region in body["regions"]] == ["local"]
    assert "local.cpu.1" in {item["sku"] for item in body["items"]} and body["as_of"]


async def test_home_shows_credit_to_those_who_may_see_money(pages):
    rich = (await pages.get("/home", headers={"x-test-as": "demo"})).json()
    assert rich["wallet"]["available"] == {"amount": "100.00", "currency": "EUR"}
    poor = (await pages.get("/home", headers={"x-test-as": "viewer"})).json()
    assert poor["wallet"] is None and poor["allocations"] == {"items": [], "next_cursor": None}


async def test_launch_brings_everything_that_the_form_needs(pages):
    body = (await pages.get("/launch", headers={"x-test-as": "demo"})).json()
    assert [project["name"] for project in body["projects"]] == ["default"]
    assert {quota["resource"] for quota in body["quotas"]} >= {"allocations", "volume_gb"}
    assert body["catalog"] and body["ssh_keys"] == [] and body["volumes"]["items"] == []


async def test_a_page_that_did_not_change_is_not_sent_again(pages):
    first = await pages.get("/home", headers={"x-test-as": "demo"})
    again = await pages.get("/home", headers={"x-test-as": "demo", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"].startswith("private")


async def test_an_etag_belongs_to_its_reader(pages):
    mine = await pages.get("/catalog", headers={"x-test-as": "demo"})
    theirs = await pages.get("/catalog", headers={"x-test-as": "viewer", "If-None-Match": mine.headers["etag"]})
    assert theirs.status_code == 200


async def test_visitors_have_no_home_and_foreign_allocations_are_not_there(pages):
    assert (await pages.get("/home")).status_code == 401
    answer = await pages.get("/allocation/alloc_00000000000000000000000000", headers={"x-test-as": "demo"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
