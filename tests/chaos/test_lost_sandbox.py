"""A sandbox that dies under a running meter: its tenant gets told, stops paying, and the slot serves the next one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import judgement
import pytest
from house import House, until
from tenant import Tenant


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    started = House(slots=2, environment={"AIF_SCRATCH_MB": "64"})
    try:
        yield started.up()
    finally:
        started.stop()


@pytest.mark.timeout(400)
def test_a_sandbox_killed_on_its_host_is_released_and_its_neighbour_is_not(house: House) -> None:
    tenant = Tenant.of(house, "demo@example.com")
    until(lambda: tenant.available_slots() == 2, 90, lambda: "not all slots are on offer: " + judgement.offers(tenant))
    lost, kept = tenant.launch("lost"), tenant.launch("kept")
    assert lost and kept
    judgement.judge_running(house, tenant)
    for pid in judgement.facts_of(house).processes()[lost]:
        os.kill(pid, signal.SIGKILL)

    until(lambda: tenant.allocations()[lost]["state"] == "released", 150, "a dead sandbox goes on to be billed")
    tenant.promised[lost] = "released"
    seen = tenant.allocations()
    assert seen[lost]["release_reason"] == "sandbox_lost" and seen[lost]["access"] is None
    doubt = next(item for item in seen[lost]["conditions"] if item["type"] == "Running")
    assert (doubt["status"], doubt["reason"]) == ("False", "sandbox_not_running")
    assert seen[lost]["release_requested_at"][:19] == doubt["since"][:19], "billed until the first report of its death"
    assert seen[kept]["state"] == "active"
    judgement.judge_running(house, tenant)
    judgement.judge_quiet(house, tenant)
