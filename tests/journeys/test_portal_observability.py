"""What is used, what happened and what is wrong, as people read it in the portal of a real house."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from browser import chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("portal_observability")]
FIRST_FIGURES_MS = 60_000


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def allocation(running_house: House) -> Iterator[str]:
    """Of demo, active, for as long as these tests run."""
    for person in ("demo", "admin"):
        running_house.login(f"{person}@example.com")
    words = ("--sku", "local.cpu.1", "--name", "watched", "--ssh-key", str(running_house.ssh_key("watched")), "--wait")
    made = running_house.cli("allocations", "create", *words, "-o", "json", check=True).json
    yield made["id"]
    running_house.cli("allocations", "release", made["id"], "--wait", check=True)


def test_an_allocation_charts_what_it_uses(running_house: House, chrome: Browser, allocation: str) -> None:
    with visitor(chrome, running_house.url) as visit:
        page = visit.page
        visit.go(f"/signin?next=/allocations/{allocation}")
        sign_in(visit, "demo@example.com")
        expect(page.get_by_role("heading", name="Utilisation")).to_be_visible()
        for chart in ("CPU", "Memory", "Disk"):
            expect(page.get_by_label(f"{chart}, over time").first).to_be_visible(timeout=FIRST_FIGURES_MS)
        page.get_by_role("button", name="1 hour").click()
        expect(page).to_have_url(re.compile("range=60"))
        expect(page.get_by_label("CPU, over time").first).to_be_visible()
        assert visit.found_wrong() == []


def test_evidence_tells_what_happened_to_an_allocation(running_house: House, chrome: Browser, allocation: str) -> None:
    with visitor(chrome, running_house.url) as visit:
        page = visit.page
        visit.go(f"/signin?next=/allocations/{allocation}")
        sign_in(visit, "demo@example.com")
        page.get_by_role("link", name="Evidence", exact=True).last.click()
        page.wait_for_url(f"**/evidence?id={allocation}")
        table = page.get_by_role("grid", name="Evidence")
        for record in (
            "allocation.create",
            "verifying → active",
            "sandbox.start: done",
            "provisioning.allocation_activated",
        ):
            expect(table).to_contain_text(record)
        expect(table).to_contain_text("wallet.held")
        assert visit.found_wrong() == []


def test_operators_see_a_nodes_charts_and_all_runbooks(running_house: House, chrome: Browser, allocation: str) -> None:
    node = running_house.cli("allocations", "show", allocation, "-o", "json", check=True).json["node_id"]
    with visitor(chrome, running_house.url) as visit:
        page = visit.page
        visit.go(f"/signin?next=/admin/nodes/{node}")
        sign_in(visit, "admin@example.com")
        expect(page.get_by_label("Network, over time").first).to_be_visible(timeout=FIRST_FIGURES_MS)
        assert visit.found_wrong() == []
        visit.go("/admin/runbooks")
        page.get_by_role("link", name="A node is in trouble").click()
        expect(page.get_by_role("heading", name="A node is in trouble")).to_be_visible()
        assert visit.found_wrong() == []


@pytest.mark.heavy
def test_a_node_that_falls_silent_is_an_incident_until_it_is_heard_again(chrome: Browser) -> None:
    """Its agent is stopped like by a hung machine, not ended: nobody says good-bye."""
    house = House(slots=1)
    try:
        house.up()
        house.login("admin@example.com")
        agent = house.pids()["agent"]
        os.kill(agent, signal.SIGSTOP)
        try:
            (incident,) = until(lambda: of_nodes(house), 200, "no incident opened", 1)
        finally:
            os.kill(agent, signal.SIGCONT)
        assert "has not polled since" in incident["cause"]
        with visitor(chrome, house.url) as visit:
            visit.go("/signin?next=/admin/incidents")
            sign_in(visit, "admin@example.com")
            visit.page.get_by_role("link", name=re.compile("has not polled since")).click()
            expect(visit.page.get_by_role("heading", name="What to do")).to_be_visible()
            expect(visit.page.get_by_text("openssl s_client")).to_be_visible()
            expect(visit.page.get_by_text("the flow moved on to answering").first).to_be_visible(timeout=60_000)
            assert visit.found_wrong() == []
        assert of_nodes(house) == []
    finally:
        house.stop()


def of_nodes(house: House) -> list[dict[str, str]]:
    """Open incidents of nodes; a loaded machine may open others of its own."""
    with house.api("admin@example.com") as api:
        items = api.get("/admin/incidents", params={"state": "open"}).json()["items"]
    return [one for one in items if one["flow_kind"] == "provisioning.node"]
