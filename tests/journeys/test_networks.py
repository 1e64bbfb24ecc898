"""Networks in a real house: packets between the sandboxes of two tenants, as their rules say, and a published port."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from browser import chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import expect

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("networks")]
SERVE = "cd /tmp; echo hello > hello; setsid nohup python3 -m http.server 5001 >/dev/null 2>&1 < /dev/null &"


@pytest.fixture(scope="module")
def town(running_house: House) -> Iterator[House]:
    """red: two sandboxes of demo's in one network; blue: one of the other tenant's, whose rules let everything out."""
    house = running_house
    launched = []
    for profile, network, group, names in (
        ("demo", "red", "web", ("site", "client")),
        ("other", "blue", "spy", ("spy",)),
    ):
        house.login(f"{profile}@example.com")
        house.cli("networks", "create", network, profile=profile, check=True)
        house.cli("security-groups", "create", group, profile=profile, check=True)
        for name in names:
            words = ["allocations", "create", "--sku", "local.cpu.1", "--name", name, "--ssh-key", str(house.ssh_key())]
            words += ["--network", network, "--security-group", group, "--wait"]
            house.cli(*words, profile=profile, check=True)
            launched.append((profile, name))
    house.cli("security-groups", "allow", "spy", "out", "any", profile="other", check=True)
    house.cli("security-groups", "allow", "spy", "in", "any", profile="other", check=True)
    house.cli("ssh", "site", "--", SERVE, check=True)
    yield house
    for profile, name in launched:
        house.cli("allocations", "release", name, "--wait", profile=profile)


def address(house: House, network: str, name: str, profile: str = "demo") -> str:
    allocation = house.cli("-o", "json", "allocations", "show", name, profile=profile, check=True).json["id"]
    members = house.cli("-o", "json", "networks", "members", network, profile=profile, check=True).json["items"]
    return next(one["address"] for one in members if one["allocation_id"] == allocation)


def settled(house: House, network: str, profile: str = "demo") -> bool:
    members = house.cli("-o", "json", "networks", "members", network, profile=profile, check=True).json["items"]
    return all(one["applied"] for one in members)


def fetches(house: House, name: str, target: str, profile: str = "demo") -> bool:
    script = f"exec 3<>/dev/tcp/{target}/5001 && printf 'GET /hello HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    return "hello" in house.cli("ssh", name, "--", f'timeout 1.5 bash -c "{script}"', profile=profile).out


def test_only_what_rules_of_both_sides_allow_passes_and_never_from_another_tenant(town: House):
    site = address(town, "red", "site")
    until(lambda: settled(town, "red") and settled(town, "blue", "other"), 30, "the rules are not applied")
    assert not fetches(town, "client", site) and not fetches(town, "spy", site, "other")
    for direction in ("in", "out"):
        town.cli("security-groups", "allow", "web", direction, "tcp", "5001", "--peer", "network:red", check=True)
    until(lambda: settled(town, "red"), 30, "the rules are not applied")
    assert fetches(town, "client", site) and not fetches(town, "spy", site, "other")
    town.cli("security-groups", "remove", "web", "1", check=True)
    until(lambda: settled(town, "red"), 30, "the rules are not applied")
    assert not fetches(town, "client", site)


def test_a_published_port_answers_anybody_until_it_is_closed(town: House):
    made = town.cli("-o", "json", "published-ports", "create", "site", "5001", "--name", "hello", check=True).json
    assert made["state"] == "published"
    assert httpx.get(f"http://{made['address']}/hello", trust_env=False).text == "hello\n"
    town.cli("published-ports", "delete", "hello", check=True)
    until(lambda: settled(town, "red"), 30, "the rules are not applied")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{made['address']}/hello", trust_env=False, timeout=2)


def test_the_api_tells_which_rules_the_nodes_kernel_holds(town: House):
    with town.api("demo@example.com") as api:
        items = api.get("/network-attachments").json()["items"]
    assert {one["applied"] for one in items} == {True}
    assert any("tcp dport 5001" in line for one in items for line in one["rules"]), json.dumps(items)


def test_the_story_of_a_machine_tells_of_its_network(town: House):
    site = town.cli("-o", "json", "allocations", "show", "site", check=True).json["id"]
    told = town.cli("-o", "json", "evidence", site, check=True).json["items"]
    words = " ".join(one["what"] for one in told)
    assert "network.apply: done" in words and "storage_network.network_rules_applied" in words


def test_the_smoke_checks_of_networks_hold(town: House):
    assert town.cli("smoke", "storage_network").code == 0


def test_a_group_is_made_written_and_a_port_published_in_the_portal(town: House):
    with chromium() as chrome, visitor(chrome, town.url) as visit:
        page = visit.page
        visit.go("/signin?next=/security-groups")
        sign_in(visit, "demo@example.com")
        page.get_by_role("button", name="Create security group").click()
        page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("from-portal")
        page.get_by_role("dialog").get_by_role("button", name="Create security group").click()
        page.get_by_role("link", name="from-portal").click()
        expect(page.get_by_text("No rule: nothing passes")).to_be_visible()
        page.get_by_role("button", name="Add rule").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox", name="Ports - optional").fill("8000-8010")
        dialog.get_by_role("button", name="Add rule").click()
        expect(page.get_by_text("TCP 8000–8010 from everybody")).to_be_visible()
        assert visit.found_wrong() == [] and visit.sideways() == 0
        visit.go("/networks")
        page.get_by_role("link", name="red").click()
        expect(page.get_by_text("Applied").first).to_be_visible()
        assert visit.found_wrong() == [] and visit.sideways() == 0
        page.get_by_role("link", name="site", exact=True).click()
        page.get_by_role("button", name="Publish a port").click()
        page.get_by_role("dialog").get_by_role("button", name="Publish a port").click()
        expect(page.get_by_role("table", name="Published ports").get_by_text("Published", exact=True)).to_be_visible()
        assert visit.found_wrong() == [] and visit.sideways() == 0
        visit.go("/launch?sku=local.cpu.1&step=network")
        page.get_by_role("button", name=re.compile("^Network")).click()
        page.get_by_role("option", name=re.compile("red")).click()
        page.get_by_role("button", name=re.compile("Choose security groups")).click()
        page.get_by_role("option", name=re.compile("from-portal")).click()
        page.keyboard.press("Escape")
        assert visit.found_wrong() == []
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text("from-portal").first).to_be_visible()
