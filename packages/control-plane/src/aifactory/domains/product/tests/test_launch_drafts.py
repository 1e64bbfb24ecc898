"""Launches while they are filled in, over the real routes and database; only the credential is a header."""

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import psycopg
import pytest

from aifactory.api.app import build
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.domains.product import launch_drafts
from aifactory.domains.product.manifest import MANIFEST
from aifactory.kernel.edge import Edge
from aifactory.kernel.principal import Grant, Principal
from aifactory.kernel.settings import Settings

API = "/api/v3/launch-drafts"
FORM = {"sku": "local.cpu.1", "name": "first", "keyIds": ["sshk_1"]}


def somebody(user_id: str, tenant_id: str, role: str = "member", **more) -> Principal:
    return Principal(user_id, "user", role, tenant_id, (Grant(role, f"tenant:{tenant_id}"),), **more)


PEOPLE = {
    "demo": somebody("usr_demo", "tnt_a"),
    "colleague": somebody("usr_colleague", "tnt_a", "tenant_admin"),
    "key of demo": somebody("usr_demo", "tnt_a", key_id="key_1"),
    "viewer": somebody("usr_viewer", "tnt_a", "viewer"),
    "other": somebody("usr_other", "tnt_b"),
}


async def authenticate(request) -> Principal:
    return PEOPLE.get(request.headers.get("x-test-as", ""), Principal.anonymous())


class Browser:
    """Keeps the draft's cookie by itself, because httpx sends no Secure cookie over http."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http, self.token, self.sent, self.cookie = http, "", 0, SimpleCookie()

    async def ask(self, method: str, path: str = "", form=None, who: str = "", if_match: str = "") -> httpx.Response:
        self.sent += 1
        headers = {"x-test-as": who, "Idempotency-Key": f"key-{id(self)}-{self.sent}"}
        headers |= {"Cookie": f"{launch_drafts.VISITOR_COOKIE}={self.token}"} if self.token else {}
        headers |= {"If-Match": if_match} if if_match else {}
        answer = await self.http.request(method, API + path, json={"form": form} if form else None, headers=headers)
        for line in answer.headers.get_list("set-cookie"):
            self.cookie = SimpleCookie(line)
            self.token = self.cookie[launch_drafts.VISITOR_COOKIE].value
        return answer


@pytest.fixture
async def http(database, tmp_path: Path):
    init_secrets(tmp_path / "secrets")
    iam.use_installation(iam.Installation.of(Settings("unused", "", tmp_path / "secrets", tmp_path)))
    app = build("test", MANIFEST.routers, Edge(database, authenticate, iam.decide_anywhere, lambda request, who: None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
def browser(http) -> Browser:
    return Browser(http)


async def test_a_visitors_draft_survives_the_sign_in_and_is_claimed_once(browser, owner_url):
    assert (await browser.ask("PUT", "/visitor", FORM)).json()["draft"]["form"] == FORM
    assert (await browser.ask("GET", "/visitor")).json()["draft"]["form"] == FORM
    held = Browser(browser.http)
    held.token = browser.token
    claimed = (await browser.ask("POST", "/claim", who="demo")).json()["draft"]
    assert (claimed["form"], claimed["tenant_id"], browser.token) == (FORM, "tnt_a", "")
    assert (await held.ask("POST", "/claim", who="demo")).json() == {"draft": None}
    assert (await held.ask("GET", "/visitor")).json() == {"draft": None}
    assert (await browser.ask("GET", f"/{claimed['id']}", who="demo")).json()["form"] == FORM
    with psycopg.connect(owner_url) as connection:
        acts = connection.execute("select action, actor_id from kernel.audit").fetchall()
    assert acts == [("launch_draft.claim", "usr_demo")]


async def test_the_secret_is_in_a_cookie_that_scripts_cannot_read_and_nowhere_else(browser, owner_url):
    answer = await browser.ask("PUT", "/visitor", FORM)
    morsel = browser.cookie[launch_drafts.VISITOR_COOKIE]
    assert morsel["httponly"] and morsel["secure"] and morsel["samesite"] == "strict" and not morsel["domain"]
    assert len(browser.token) == 43 and browser.token not in answer.text
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute("select v::text from product.visitor_drafts v").fetchall()
    assert len(rows) == 1 and browser.token not in rows[0][0]


async def test_another_browser_sees_nothing_and_a_made_up_secret_is_never_taken_over(browser):
    await browser.ask("PUT", "/visitor", FORM)
    stranger = Browser(browser.http)
    assert (await stranger.ask("GET", "/visitor")).json() == {"draft": None}
    stranger.token = "x" * 43
    assert (await stranger.ask("POST", "/claim", who="other")).json() == {"draft": None}
    stranger.token = "x" * 43
    await stranger.ask("PUT", "/visitor", FORM)
    assert stranger.token != "x" * 43


async def test_a_browser_keeps_one_draft_and_can_throw_it_away(browser, owner_url):
    await browser.ask("PUT", "/visitor", FORM)
    first = browser.token
    await browser.ask("PUT", "/visitor", FORM | {"name": "second"})
    assert browser.token == first
    assert (await browser.ask("GET", "/visitor")).json()["draft"]["form"]["name"] == "second"
    assert (await browser.ask("DELETE", "/visitor")).status_code == 204 and browser.token == ""
    with psycopg.connect(owner_url) as connection:
        assert connection.execute("select count(*) from product.visitor_drafts").fetchone() == (0,)


async def test_a_visitors_draft_that_lay_too_long_is_not_given_out_and_is_deleted(browser, database, owner_url):
    await browser.ask("PUT", "/visitor", FORM)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("update product.visitor_drafts set expires_at = kernel.now()")
        assert (await browser.ask("GET", "/visitor")).json() == {"draft": None}
        await launch_drafts.forget_expired(database)
        assert connection.execute("select count(*) from product.visitor_drafts").fetchone() == (0,)


async def test_visitors_can_fill_only_so_much(browser, monkeypatch):
    monkeypatch.setattr(launch_drafts, "MOST_OF_VISITORS", 1)
    await browser.ask("PUT", "/visitor", FORM)
    refused = await Browser(browser.http).ask("PUT", "/visitor", FORM)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_drafts")
    assert (await browser.ask("PUT", "/visitor", FORM)).status_code == 200


async def test_a_draft_belongs_to_its_owner_alone(browser):
    made = (await browser.ask("POST", "", FORM, who="demo")).json()
    for who in ("colleague", "key of demo", "other"):
        for method in ("GET", "DELETE", "PUT"):
            answer = await browser.ask(method, f"/{made['id']}", FORM if method == "PUT" else None, who, "*")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (who, method)
        assert (await browser.ask("GET", "", who=who)).json()["items"] == []
    assert (await browser.ask("GET", f"/{made['id']}", who="demo")).json() == made
    assert (await browser.ask("POST", "", FORM, who="viewer")).status_code == 403
    assert (await browser.ask("POST", "", FORM)).status_code == 401


async def test_the_newer_of_two_tabs_is_not_overwritten(browser):
    made = await browser.ask("POST", "", FORM, who="demo")
    path = f"/{made.json()['id']}"
    saved = await browser.ask("PUT", path, FORM | {"name": "second"}, "demo", made.headers["etag"])
    assert saved.json()["generation"] == 2 and saved.json()["form"]["name"] == "second"
    late = await browser.ask("PUT", path, FORM | {"name": "late"}, "demo", made.headers["etag"])
    assert (late.status_code, late.json()["code"]) == (412, "stale_etag")
    assert (await browser.ask("PUT", path, FORM, "demo")).status_code == 428


async def test_the_twenty_last_changed_are_kept(browser):
    for number in range(22):
        await browser.ask("POST", "", {"name": str(number)}, who="demo")
    items = (await browser.ask("GET", "", who="demo")).json()["items"]
    assert [item["form"]["name"] for item in items] == [str(number) for number in range(21, 1, -1)]
    assert (await browser.ask("DELETE", f"/{items[0]['id']}", who="demo")).status_code == 204
    assert (await browser.ask("GET", f"/{items[0]['id']}", who="demo")).status_code == 404


@pytest.mark.parametrize(
    "form",
    [
        {"publicKey": "-----BEGIN OPENSSH PRIVATE KEY-----"},
        {f"f{number}": "x" * 8000 for number in range(3)},
        {"name": "x" * 9000},
        {"name": "a\x00b"},
        {"name": {"deep": "er"}},
        {"no spaces": "x"},
        {f"f{number}": "x" for number in range(41)},
    ],
    ids=["private key", "too large", "long text", "NUL", "deep", "odd name", "many fields"],
)
async def test_what_is_too_much_or_must_not_be_kept_is_refused_for_everybody(browser, form):
    for answer in (await browser.ask("PUT", "/visitor", form), await browser.ask("POST", "", form, who="demo")):
        assert answer.status_code == 422 and answer.json()["field"].startswith("form"), answer.text
    assert (await browser.ask("GET", "/visitor")).json() == {"draft": None}
