"""Apps in a real house: a command runs in the tenant's own sandbox, as the tenant, on the tenant's volume."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from browser import chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("apps")]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def allocation(running_house: House) -> str:
    """An active allocation of the demo tenant with a volume at /volumes/data."""
    running_house.login("demo@example.com")
    words = [
        "allocations",
        "create",
        "--sku",
        "local.cpu.1",
        "--name",
        "apps",
        "--ssh-key",
        str(running_house.ssh_key()),
    ]
    running_house.cli(*words, "--volume", "data:1", "--wait", check=True)
    yield "apps"
    running_house.cli("allocations", "release", "apps", "--wait", check=True)


def test_a_batch_command_runs_on_the_tenants_volume_with_logs_and_exit_code(running_house: House, allocation: str):
    script = "id -un; hostname; echo 41 > /volumes/data/number; cat /volumes/data/number; echo problem >&2; exit 9"
    ran = running_house.cli(
        "-o", "json", "instances", "create", "command", "--allocation", allocation, "--name", "first",
        "--set", f"command={script}", "--wait", check=True,
    ).json  # fmt: skip
    assert (ran["state"], ran["exit_code"], ran["kind"]) == ("exited", 9, "batch")
    said = running_house.cli("instances", "logs", ran["id"], check=True).out.splitlines()
    assert said[0] == "tenant" and said[-2:] == ["41", "problem"]
    told = running_house.cli("-o", "json", "instances", "events", ran["id"], check=True).json["items"]
    assert [step["to_state"] for step in told] == ["starting", "running", "stopping", "exited"]


def test_what_runs_can_be_stopped_and_its_output_stays(running_house: House, allocation: str):
    words = ["instances", "create", "command", "--allocation", allocation, "--name", "long", "--set"]
    made = running_house.cli("-o", "json", *words, "command=echo begun; sleep 600", check=True).json
    until(lambda: "begun" in running_house.cli("instances", "logs", made["id"]).out, 30, "its output does not appear")
    ended = running_house.cli("-o", "json", "instances", "stop", "long", "--wait", check=True).json
    assert (ended["state"], ended["exit_code"]) == ("stopped", 143)
    assert "begun" in running_house.cli("instances", "logs", made["id"], check=True).out


def test_another_tenant_sees_none_of_it(running_house: House, allocation: str):
    words = ("instances", "create", "command", "--allocation", allocation, "--set", "command=true", "--wait")
    made = running_house.cli("-o", "json", *words, check=True).json["id"]
    mine = running_house.api("demo@example.com").get("/instances").json()["items"]
    theirs = running_house.api("other@example.com")
    assert mine[0]["id"] == made and theirs.get("/instances").json()["items"] == []
    for part in ("", "/logs", "/events"):
        assert theirs.get(f"/instances/{mine[0]['id']}{part}").status_code == 404


def test_the_smoke_checks_of_apps_hold(running_house: House):
    assert running_house.cli("smoke", "app_platform").code == 0


def opened(house: House, instance_id: str, profile: str = "demo") -> str:
    return house.cli("instances", "open", instance_id, profile=profile, check=True).out.strip()


@pytest.fixture(scope="module")
def terminal(running_house: House, allocation: str) -> dict:
    """A running web terminal of the demo tenant."""
    words = ["instances", "create", "terminal", "--allocation", allocation, "--name", "shell", "--wait"]
    made = running_house.cli("-o", "json", *words, check=True).json
    assert made["state"] == "running", made
    return made


class Visitor:
    """A browser without a picture: HTTP to an instance's origin, by whatever name, on loopback."""

    def __init__(self, url: str) -> None:
        self.origin, _, self.path = url.partition("/.aif/")
        self.host = self.origin.removeprefix("http://")
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.host.rpartition(':')[2]}", trust_env=False, timeout=20
        )
        self.cookie = ""

    def get(self, path: str, **fields: str) -> httpx.Response:
        heads = {"Host": self.host} | ({"Cookie": f"__Host-aif_app={self.cookie}"} if self.cookie else {})
        return self.client.get(path, headers=heads | {name.replace("_", "-"): value for name, value in fields.items()})

    def enter(self) -> httpx.Response:
        answer = self.get("/.aif/" + self.path)
        self.cookie = answer.headers.get("set-cookie", "").partition("__Host-aif_app=")[2].partition(";")[0]
        return answer

    def asks_for_a_websocket(self, origin: str | None = None) -> int:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        answer = self.get(
            "/shell", **upgrade, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==", Origin=origin or self.origin
        )
        return answer.status_code


def test_a_ticket_lets_one_browser_in_once_and_its_cookie_is_the_instances_own(running_house: House, terminal: dict):
    visitor = Visitor(opened(running_house, terminal["id"]))
    assert visitor.get("/").status_code == 404
    entered = visitor.enter()
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert part in entered.headers["set-cookie"]
    assert "Domain" not in entered.headers["set-cookie"]
    page = visitor.get("/")
    assert page.status_code == 200 and "<title>Terminal</title>" in page.text
    assert "frame-ancestors" in page.headers["content-security-policy"]
    assert Visitor(visitor.origin + "/.aif/" + visitor.path).enter().status_code == 404  # used up


def test_nobody_elses_cookie_ticket_or_page_gets_in_websockets_included(running_house: House, terminal: dict):
    mine = Visitor(opened(running_house, terminal["id"]))
    mine.enter()
    running_house.login("other@example.com")
    words = [
        "allocations",
        "create",
        "--sku",
        "local.cpu.1",
        "--name",
        "theirs",
        "--ssh-key",
        str(running_house.ssh_key()),
    ]
    running_house.cli(*words, "--wait", profile="other", check=True)
    try:
        words = ["instances", "create", "terminal", "--allocation", "theirs", "--wait"]
        other = running_house.cli("-o", "json", *words, profile="other", check=True).json
        theirs = Visitor(opened(running_house, other["id"], profile="other"))
        theirs.enter()
        assert theirs.get("/").status_code == 200
        theirs.host, theirs.origin = mine.host, mine.origin
        assert theirs.get("/").status_code == 404
        assert theirs.asks_for_a_websocket() == 404
        assert running_house.cli("instances", "open", terminal["id"], profile="other").code == 5
    finally:
        running_house.cli("allocations", "release", "theirs", "--wait", profile="other", check=True)
    nobody = Visitor(mine.origin + "/.aif/enter?ticket=guess")
    assert (nobody.enter().status_code, nobody.get("/").status_code, nobody.asks_for_a_websocket()) == (404, 404, 404)
    assert mine.asks_for_a_websocket(origin="http://evil.apps.localhost") == 403
    assert (
        mine.get("/", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest="script").status_code == 403
    )
    assert mine.get("/").status_code == 200


def test_signing_out_closes_the_app_too(running_house: House, terminal: dict):
    running_house.cli("login", "--as", "demo@example.com", profile="leaving", check=True)
    visitor = Visitor(opened(running_house, terminal["id"], profile="leaving"))
    visitor.enter()
    assert visitor.get("/").status_code == 200
    running_house.cli("logout", profile="leaving", check=True)
    until(lambda: visitor.get("/").status_code == 404, 10, "the cookie outlives its sign-in")


def test_what_is_typed_in_the_browser_runs_in_the_tenants_sandbox(
    running_house: House, terminal: dict, chrome: Browser
):
    page = chrome.new_context().new_page()
    page.goto(opened(running_house, terminal["id"]))
    page.wait_for_url(lambda url: url.endswith("/"))
    page.locator(".xterm-helper-textarea").wait_for(state="attached")
    page.keyboard.type("echo $((6*7)) > /volumes/data/typed; echo I am $(id -un)\n")
    page.get_by_text("I am tenant").first.wait_for()
    ran = running_house.cli(
        "-o", "json", "instances", "create", "command", "--allocation", "apps", "--set", "command=cat /volumes/data/typed", "--wait", check=True
    ).json  # fmt: skip
    assert running_house.cli("instances", "logs", ran["id"], check=True).out == "42\n"


def test_an_app_is_launched_from_its_own_form_and_opened_from_its_page(
    running_house: House, allocation: str, chrome: Browser
):
    with visitor(chrome, running_house.url) as visit:
        page = visit.page
        visit.go("/apps")
        sign_in(visit, "demo@example.com")
        visit.go("/apps")
        page.get_by_role("button", name="Launch Batch command").click()
        page.get_by_role("textbox", name="Command line").fill("echo from the portal; exit 4")
        page.get_by_role("dialog").get_by_role("button", name="Launch", exact=True).click()
        expect(page.get_by_text("from the portal").last).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Exited").first).to_be_visible(timeout=60_000)
        visit.settle()
        assert visit.violations() == []
        visit.go("/apps")
        page.get_by_role("button", name="Launch Web terminal").click()
        page.get_by_role("dialog").get_by_role("button", name="Launch", exact=True).click()
        expect(page.get_by_text("Running").first).to_be_visible(timeout=60_000)
        with page.expect_popup() as opening:
            page.get_by_role("button", name="Open", exact=False).last.click()
        shell = opening.value
        shell.wait_for_url(lambda url: ".apps.localhost" in url and url.endswith("/"))
        shell.locator(".xterm-helper-textarea").wait_for(state="attached")
        assert shell.evaluate("window.opener") is None
        visit.go("/instances")
        assert visit.violations() == [] and visit.sideways() == 0


def test_a_notebooks_cell_computes_in_the_tenants_sandbox_on_the_tenants_volume(
    running_house: House, allocation: str, chrome: Browser
):
    made = running_house.cli(
        "-o", "json", "instances", "create", "jupyterlab", "--allocation", allocation, "--set", "folder=/volumes/data",
        "--wait", check=True,
    ).json  # fmt: skip
    assert made["state"] == "running", running_house.cli("instances", "logs", made["id"]).out
    with visitor(chrome, running_house.url) as visit:
        visit.go("/home")
        sign_in(visit, "demo@example.com")
        visit.go(f"/instances/{made['id']}")
        with visit.page.expect_popup() as opening:
            visit.page.get_by_role("button", name="Open", exact=False).last.click()
        compute_in_the_notebook(running_house, allocation, opening.value)
        assert visit.violations() == []
        origin = opening.value.url.split("/lab")[0]
    running_house.cli("instances", "stop", made["id"], "--wait", check=True)
    assert Visitor(f"{origin}/.aif/x").get("/lab").status_code == 404


def compute_in_the_notebook(running_house: House, allocation: str, page: Page) -> None:
    page.set_default_timeout(60_000)
    page.locator(".jp-LauncherCard[data-category='Notebook']").first.click()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    where = "import os, pwd; open('/volumes/data/from-notebook', 'w').write('73')"
    page.keyboard.insert_text(f"{where}; print(pwd.getpwuid(os.getuid()).pw_name, os.uname().nodename, os.getcwd())")
    page.keyboard.press("Shift+Enter")
    said = page.locator(".jp-OutputArea-output").filter(has_text="tenant").first
    said.wait_for()
    hostname = (
        running_house.cli("-o", "json", "allocations", "show", allocation, check=True).json["id"].replace("_", "-")
    )
    assert said.inner_text().split() == ["tenant", hostname, "/volumes/data"]
    ran = running_house.cli(
        "-o", "json", "instances", "create", "command", "--allocation", allocation, "--set",
        "command=cat /volumes/data/from-notebook", "--wait", check=True,
    ).json  # fmt: skip
    assert running_house.cli("instances", "logs", ran["id"], check=True).out == "73"
