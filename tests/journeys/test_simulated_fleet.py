"""`aif up --demo`: simulated machines walk the same code as real ones, say what they are, and their faults are noticed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Watched, chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(600)]
NODES = 9  # one of each kind
FAULTS = {
    "slow": "demo-h200-01",
    "lost-reply": "demo-mi300x-01",
    "reboot": "demo-gaudi3-01",
    "dead-disk": "demo-cs3-01",
}
SKUS = {"slow": "demo.h200.8", "lost-reply": "demo.mi300x.8", "reboot": "demo.gaudi3.8", "dead-disk": "demo.cs3.1"}
RUNBOOKS = {
    "slow": "node-stuck.md",
    "lost-reply": "node-stuck.md",
    "reboot": "node-stuck.md",
    "dead-disk": "slot-stuck.md",
}
STATES = {"slow": "not_answering", "lost-reply": "not_answering", "reboot": "unreachable", "dead-disk": "quarantined"}


@pytest.fixture(scope="module")
def demo_house() -> Iterator[House]:
    house = House(slots=1, flags=("--demo",), environment={"AIF_DEMO_NODES": str(NODES), "AIF_TELEMETRY_SECONDS": "1"})
    try:
        house.up()
        for email in ("demo@example.com", "other@example.com", "admin@example.com"):
            house.login(email)
        until(lambda: all_clean(house), 120, "not every slot is clean")
        yield house
    finally:
        house.stop()


def all_clean(house: House) -> bool:
    items = house.cli("catalog", "-o", "json", check=True).json["items"]
    return all(item["available"] == item["capacity"] > 0 for item in items)


def launch(house: House, sku: str, name: str, profile: str = "demo", wait: bool = True) -> None:
    region = sku.partition(".")[0]
    words = [
        "allocations",
        "create",
        "--sku",
        sku,
        "--region",
        region,
        "--name",
        name,
        "--ssh-key",
        str(house.ssh_key()),
    ]
    house.cli(*words, *(["--wait"] if wait else []), profile=profile, check=True)


def allocation(house: House, name: str, profile: str = "demo") -> dict[str, Any]:
    return house.cli("allocations", "show", name, "-o", "json", profile=profile, check=True).json


def path_of(house: House, name: str) -> list[str]:
    events = house.cli("allocations", "events", name, "-o", "json", check=True).json
    return [step["to_state"] for step in events["items"]]


def node(house: House, name: str) -> dict[str, Any]:
    return house.cli("admin", "nodes", "show", name, "-o", "json", profile="admin", check=True).json


def faults(house: House, *words: str) -> None:
    house.cli("admin", "sim", "faults", *words, f"--data-dir={house.data_dir}", profile="admin", check=True)


def test_what_is_simulated_says_so_everywhere(demo_house: House) -> None:
    regions = {
        item["id"]: item["simulated"] for item in demo_house.cli("regions", "-o", "json", check=True).json["items"]
    }
    assert regions == {"local": False, "demo": True}
    nodes = demo_house.cli("admin", "nodes", "-o", "json", profile="admin", check=True).json["items"]
    assert sorted((item["region_id"], item["simulated"]) for item in nodes) == [("demo", True)] * NODES + [
        ("local", False)
    ]
    assert demo_house.cli("admin", "nodes", profile="admin").out.count("(simulated)") == NODES
    for item in demo_house.cli("catalog", "-o", "json", check=True).json["items"]:
        assert item["simulated"] is (item["region_id"] == "demo")
        assert ("simulated" in item["name"]) is item["simulated"]


def test_a_simulated_and_a_real_machine_walk_the_same_code(demo_house: House) -> None:
    launch(demo_house, "demo.b200.8", "far")
    launch(demo_house, "local.cpu.1", "near")
    assert path_of(demo_house, "far") == path_of(demo_house, "near")
    assert allocation(demo_house, "far")["isolation"]["driver"] == "simulated"
    said = demo_house.cli("ssh", "far", "--", "nvidia-smi")
    assert said.code == 127 and "simulated node" in said.err
    for name in ("far", "near"):
        demo_house.cli("allocations", "release", name, "--wait", check=True)
    assert path_of(demo_house, "far") == path_of(demo_house, "near")
    lines = demo_house.cli("statement", "-o", "json", check=True).out
    assert "demo.b200.8" in lines and "local.cpu.1" in lines
    until(lambda: all_clean(demo_house), 60, "the slots are not clean again")


def test_the_simulator_dies_and_its_sandboxes_are_there_again(demo_house: House) -> None:
    launch(demo_house, "demo.cpu.16", "kept")
    demo_house.kill("sim")
    until(lambda: demo_house.cli("ssh", "kept", "--", "true").code == 0, 60, "the door does not open again")
    assert allocation(demo_house, "kept")["state"] == "active"
    demo_house.cli("allocations", "release", "kept", "--wait", check=True)


def test_a_busy_allocation_is_charted_at_its_accelerator_and_says_that_it_is_simulated(demo_house: House) -> None:
    launch(demo_house, "demo.h100.1", "charted")

    def told() -> Any:
        found = demo_house.cli("telemetry", "charted", "-o", "json", check=True).json
        lines = {(line["name"], line["device"]): line["points"] for line in found["series"]}
        return found["simulated"] and lines.get(("gpu.utilization", "0"))

    until(lambda: (points := told()) and points[-1]["value"] > 0.1, 60, "its accelerator is not charted", 1)
    assert "Simulated: these figures are made up" in demo_house.cli("telemetry", "charted", check=True).err
    idle = demo_house.cli("admin", "telemetry", FAULTS["slow"], "-o", "json", profile="admin", check=True).json
    assert idle["simulated"] and len([line for line in idle["series"] if line["name"] == "gpu.power"]) == 8
    demo_house.cli("allocations", "release", "charted", "--wait", check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="without root every service runs as the caller")
def test_the_simulator_has_a_user_of_its_own_that_reads_nothing_of_the_others(demo_house: House) -> None:
    own = Path(f"/proc/{demo_house.pids()['sim']}").stat()
    others = {Path(f"/proc/{demo_house.pids()[name]}").stat().st_uid for name in ("api", "worker", "postgres", "nats")}
    assert own.st_uid not in {0, *others}
    become = ["setpriv", f"--reuid={own.st_uid}", f"--regid={own.st_gid}", "--clear-groups", "--"]
    for secret in ("secrets/ca.key", "secrets/task_signing.key", "passwords/postgres", "agent/key.pem"):
        assert (demo_house.data_dir / secret).is_file()
        tried = subprocess.run([*become, "cat", str(demo_house.data_dir / secret)], capture_output=True)
        assert tried.returncode != 0 and not tried.stdout, secret


def test_an_operator_drains_a_node_and_takes_it_back(demo_house: House) -> None:
    launch(demo_house, "demo.ai100.1", "guest")
    name = "demo-ai100-01"
    demo_house.cli(
        "admin", "nodes", "drain", name, "--within", "5s", "--reason", "new firmware", profile="admin", check=True
    )
    until(lambda: node(demo_house, name)["state"] == "maintenance", 90, "it does not come to maintenance")
    ended = allocation(demo_house, "guest")
    assert ended["release_reason"] == "its node was drained: new firmware"
    told = [condition for condition in ended["conditions"] if condition["type"] == "ReleaseAnnounced"]
    assert "new firmware" in told[0]["message"]
    demo_house.cli("admin", "nodes", "resume", name, "--reason", "done", profile="admin", check=True)
    until(lambda: node(demo_house, name)["state"] == "ready", 120, "it does not come back")
    assert node(demo_house, name)["slots"]["available"] == 8
    steps = demo_house.cli("admin", "nodes", "events", name, "-o", "json", profile="admin", check=True).json["items"]
    service = [step["to_state"] for step in steps if step["about"] == "service"]
    assert service == ["in_service", "draining", "emptying", "maintenance", "returning", "in_service"]


def incidents(house: House, node_name: str) -> list[dict[str, Any]]:
    """Of the node and of its slots."""
    found = node(house, node_name)
    slots = house.cli("admin", "slots", "-o", "json", profile="admin", check=True).json["items"]
    subjects = {found["id"], *(slot["id"] for slot in slots if slot["node_id"] == found["id"])}
    listed = house.cli("admin", "incidents", "-o", "json", profile="admin", check=True).json["items"]
    return [incident for incident in listed if incident["subject_id"] in subjects]


def open_incident(house: House, fault: str) -> dict[str, Any] | None:
    found = incidents(house, FAULTS[fault])
    return next((item for item in found if item["state"] == "open" and item["flow_state"] == STATES[fault]), None)


@pytest.mark.heavy
def test_each_fault_is_an_incident_with_its_cause_and_runbook_until_it_is_mended(demo_house: House) -> None:
    """All four at once, because noticing takes a minute or two by the clock."""
    house = demo_house
    launch(house, SKUS["reboot"], "reboot")
    launch(house, SKUS["dead-disk"], "dead-disk", profile="other")
    for fault, name in FAULTS.items():
        faults(house, name, "set", fault)
    house.cli("allocations", "release", "dead-disk", profile="other", check=True)
    launch(house, SKUS["slow"], "slow", wait=False)
    launch(house, SKUS["lost-reply"], "lost-reply", profile="other", wait=False)

    for fault, name in FAULTS.items():
        incident = until(
            lambda f=fault: open_incident(house, f), 240, lambda n=name: f"no incident: {node(house, n)}", 1
        )
        assert incident["runbook"].endswith(RUNBOOKS[fault]), incident
        assert Path(house_file(incident["runbook"])).is_file()
        if fault in ("slow", "lost-reply"):
            assert "sandbox.start" in incident["cause"]
        if fault == "reboot":
            assert f"{name} has not polled since" in incident["cause"]
        if fault == "dead-disk":
            assert "input/output error" in incident["cause"]
        faults(house, name, "clear")

    (slot,) = [s for s in slots_of(house, FAULTS["dead-disk"]) if s["state"] == "quarantined"]
    house.cli("admin", "slots", "sanitize", slot["id"], "--reason", "disk changed", profile="admin", check=True)
    for name in FAULTS.values():
        until(lambda n=name: all(item["state"] == "resolved" for item in incidents(house, n)), 120, f"open: {name}", 1)
        assert node(house, name)["state"] == "ready"
    ended = until(
        lambda: allocation(house, "reboot")["release_reason"], 60, "a sandbox that is gone is still billed", 1
    )
    assert ended == "sandbox_lost"


def house_file(path: str) -> str:
    return str(Path(__file__).parents[2] / path)


def slots_of(house: House, node_name: str) -> list[dict[str, Any]]:
    found = node(house, node_name)
    slots = house.cli("admin", "slots", "-o", "json", profile="admin", check=True).json["items"]
    return [slot for slot in slots if slot["node_id"] == found["id"]]


def test_an_operator_finds_drains_and_resumes_a_node_in_the_portal(demo_house: House) -> None:
    with chromium() as browser, visitor(browser, demo_house.url) as visit:
        page = visit.page
        visit.go("/signin")
        sign_in(visit, "admin@example.com")
        visit.go("/admin/nodes?filter=silicon%3DH200%2Ckind%3Dsimulated")
        expect(page.get_by_role("link", name="demo-h200-01")).to_be_visible()
        expect(page.get_by_role("link", name="demo-cpu-01")).to_have_count(0)
        assert visit.violations() == []
        page.get_by_role("link", name="demo-h200-01").click()
        expect(page.get_by_role("heading", level=1, name="demo-h200-01")).to_be_visible()
        expect(page.get_by_text("Simulated", exact=True).first).to_be_visible()
        drain_by_typing_its_name(page)
        expect(page.get_by_text("Out of service: new firmware")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Maintenance").first).to_be_visible(timeout=30_000)
        look_at_it(visit)
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Ready", exact=True).first).to_be_visible(timeout=60_000)
        look_at_it(visit)


def drain_by_typing_its_name(page: Page) -> None:
    page.get_by_role("button", name="Drain").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Reason").fill("new firmware")
    expect(dialog.get_by_role("button", name="Drain")).to_be_disabled()
    dialog.get_by_role("textbox", name="Type demo-h200-01 to confirm").fill("demo-h200-01")
    dialog.get_by_role("button", name="Drain").click()
    expect(dialog).to_have_count(0, timeout=30_000)


def look_at_it(visit: Watched) -> None:
    """In both themes and on a phone; a button that cannot be pressed says why."""
    for theme in ("light", "dark"):
        visit.wear(theme)
        assert visit.violations() == []
    visit.page.set_viewport_size({"width": 390, "height": 900})
    assert visit.sideways() == 0
    visit.page.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.heavy
def test_without_demo_the_region_is_closed_and_with_it_everything_is_there_again(demo_house: House) -> None:
    """Last: it stops and starts the house."""
    house = demo_house
    launch(house, "demo.h100.1", "left")
    before = {item["name"]: item["id"] for item in nodes_of(house)}
    house.down()
    house.up()
    assert allocation(house, "left")["state"] == "active"
    assert {item["name"]: item["id"] for item in nodes_of(house)} == before
    house.down()
    house.flags = ()
    house.up()
    assert "sim" not in house.pids()
    assert [item["id"] for item in house.cli("regions", "-o", "json", check=True).json["items"]] == ["local"]
    assert {item["region_id"] for item in house.cli("catalog", "-o", "json", check=True).json["items"]} == {"local"}
    assert allocation(house, "left")["release_reason"] == "the simulated region was switched off"
    refused = house.cli(
        "allocations", "create", "--sku", "demo.h100.1", "--region", "demo", "--ssh-key", str(house.ssh_key())
    )
    assert refused.code != 0 and "unknown_region" in refused.err
    house.down()
    house.flags = ("--demo",)
    house.up()
    assert {item["name"]: item["id"] for item in nodes_of(house)} == before
    until(
        lambda: json.loads(house.cli("regions", "-o", "json").out)["items"][-1]["id"] == "demo",
        10,
        "it is not open again",
    )


def nodes_of(house: House) -> list[dict[str, Any]]:
    found = house.cli("admin", "nodes", "list", "--simulated", "-o", "json", profile="admin", check=True).json["items"]
    return [item for item in found if item["region_id"] == "demo"]
