"""Fifty clients, two APIs, two workers, ten slots: exactly ten sandboxes, and forty who learn at once what else there is."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import judgement
import pytest
from house import AIF, House, free_ports, until
from tenant import SKU, Tenant

SLOTS = 10
CLIENTS = 50


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    started = House(slots=SLOTS, environment={"AIF_SCRATCH_MB": "64"})
    try:
        yield started.up()
    finally:
        started.stop()


@pytest.fixture(scope="module")
def second_api(house: House) -> str:
    """A further API and a further worker on the same database and broker."""
    port, agent_port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    house.one_more("api", AIF_HTTP_PORT=str(port), AIF_AGENT_PORT=str(agent_port), AIF_PUBLIC_URL=url)
    house.one_more("worker")
    until(lambda: answers(url), 60, lambda: f"the second API does not start:\n{house.last_words()}")
    return url


def answers(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def client(house: House, url: str, number: int, token: str) -> dict[str, Any]:
    """One client process: launches, waits for its end, and says what it was told."""
    words = ["allocations", "create", "--sku", SKU, "--name", f"c{number}", "--ssh-key", str(house.ssh_key())]
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": str(house.data_dir), "AIF_HOST": url, "AIF_TOKEN": token,
        "XDG_CONFIG_HOME": str(house.data_dir / f"client-{number}"),
    }  # fmt: skip
    done = subprocess.run(
        [str(AIF), *words, "--wait", "--timeout", "200", "-o", "json"],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    told = done.stdout if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
    return {"code": done.returncode, "told": json.loads(told)}


def raise_quotas(house: House) -> None:
    """The limit under test is the slots, not what a project or its tenant may hold."""
    with house.owner_db() as database:
        for table in ("iam.quota_limits", "iam.tenant_quota_limits"):
            database.execute(f"update {table} set limit_amount = 1000 where limit_amount < 1000")


@pytest.mark.timeout(400)
def test_ten_slots_go_to_ten_of_fifty(house: House, second_api: str) -> None:
    tenant = Tenant.of(house, "demo@example.com")
    raise_quotas(house)
    until(
        lambda: tenant.available_slots() == SLOTS, 90, lambda: "not all slots are on offer: " + judgement.offers(tenant)
    )
    token = tenant.http.headers["Authorization"].removeprefix("Bearer ")
    urls = [house.url, second_api]
    with ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(lambda n: client(house, urls[n % 2], n, token), range(CLIENTS)))

    won = [result["told"] for result in results if result["code"] == 0]
    lost = [result for result in results if result["code"] != 0]
    assert len(won) == SLOTS, [(r["code"], r["told"].get("code"), r["told"].get("detail")) for r in lost][:12]
    assert len(lost) == CLIENTS - SLOTS
    assert {result["code"] for result in lost} == {6}
    assert len({allocation["slot_id"] for allocation in won}) == SLOTS
    for result in lost:
        offered = result["told"].get("offers")
        assert isinstance(offered, list) and offered, result["told"]
        assert all(offer["sku"] and offer["region_id"] and offer["available"] == 0 for offer in offered), offered
        assert [offer["rank"] for offer in offered] == sorted(offer["rank"] for offer in offered)

    facts = judgement.facts_of(house)
    assert set(facts.processes()) == {allocation["id"] for allocation in won}, (
        "ten real sandboxes, no more and no fewer"
    )
    assert all(judgement.speaks_ssh(a["access"]["ssh"]["host"], a["access"]["ssh"]["port"]) for a in won)
    assert len({allocation["access"]["ssh"]["port"] for allocation in won}) == SLOTS

    assert tenant.quota_used("allocations") == SLOTS
    one = tenant.held() / SLOTS
    quoted = tenant.http.post("/quotes", json={"sku": SKU, "hours": 1}).json()["hold"]["amount"]
    assert one == judgement.Decimal(quoted), "ten holds are left, those of the forty are back"

    tenant.promised = dict.fromkeys(tenant.allocations(), "released")
    for allocation in won:
        tenant.release(allocation["id"])
    judgement.judge_quiet(house, tenant)
