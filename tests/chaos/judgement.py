"""The oracle of chaos: it knows what was acknowledged to a tenant and what is on the host, and judges by that alone."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from host_facts import HostFacts, speaks_ssh
from house import House, until
from tenant import LIVING, Tenant

sys.path.insert(0, str(Path(__file__).parent.parent / "journeys"))
import oracle

SETTLE_SECONDS = 150
CLEAN_SECONDS = 150


def facts_of(house: House) -> HostFacts:
    return HostFacts(house.data_dir / "agent")


def await_rest(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """All allocations, once each is where it may stay: active, or ended. Released ones must have ended."""

    def resting() -> dict[str, dict[str, Any]] | None:
        seen = tenant.allocations()
        moving = [
            allocation_id
            for allocation_id, allocation in seen.items()
            if allocation["state"] in LIVING
            and (allocation["state"] != "active" or tenant.promised.get(allocation_id) == "released")
        ]
        return None if moving else seen

    return until(resting, SETTLE_SECONDS, lambda: "allocations do not come to rest: " + describe(tenant))


def judge_running(house: House, tenant: Tenant) -> None:
    """Each promise has one allocation and each active allocation one sandbox with a door; nothing else runs."""
    seen = await_rest(tenant)
    assert set(seen) == set(tenant.promised), "an acknowledged launch is missing, or one was made twice"
    wrong = {i: a["state"] for i, a in seen.items() if tenant.promised[i] == "released" and a["state"] == "active"}
    assert not wrong, f"released and yet active: {wrong}"
    active = {i: a for i, a in seen.items() if a["state"] == "active"}
    slots = [allocation["slot_id"] for allocation in active.values()]
    assert len(set(slots)) == len(slots), f"one slot for two: {slots}"
    running = facts_of(house).processes()
    assert set(active) <= set(running), f"active without a process: {set(active) - set(running)}"
    until(lambda: set(facts_of(house).processes()) == set(active), CLEAN_SECONDS, "sandboxes run that nobody has")
    ports = {i: a["access"]["ssh"] for i, a in active.items()}
    silent = [i for i, ssh in ports.items() if not speaks_ssh(ssh["host"], ssh["port"])]
    assert not silent, f"active, and its door is silent: {silent}"


def judge_quiet(house: House, tenant: Tenant) -> None:
    """After everything was released: nothing runs, nothing is held, every slot is back, and each bill is exact."""
    for allocation_id, allocation in await_rest(tenant).items():
        if allocation["state"] == "active":
            tenant.release(allocation_id)
    seen = await_rest(tenant)
    assert set(seen) == set(tenant.promised)
    facts = facts_of(house)
    until(lambda: not facts.leaks(), CLEAN_SECONDS, lambda: f"left on the host: {facts.leaks()}")
    capacity = house.slots
    until(
        lambda: tenant.available_slots() == capacity,
        CLEAN_SECONDS,
        lambda: "not every slot is on offer again: " + offers(tenant),
    )
    until(lambda: tenant.held() == 0, 30, lambda: f"still held: {tenant.held()}")
    assert tenant.quota_used("allocations") == 0
    known = {volume["id"] for volume in tenant.volumes()}
    until(
        lambda: facts.volume_images() <= known,
        CLEAN_SECONDS,
        lambda: f"volumes of nobody: {facts.volume_images() - known}",
    )
    assert all(not volume["attached_to"] for volume in tenant.volumes()), tenant.volumes()
    judge_bills(house, tenant, seen)


def judge_bills(house: House, tenant: Tenant, seen: dict[str, dict[str, Any]]) -> None:
    """One bill for each that was active and none for the others; books and audit log hold."""
    statement = tenant.get("/statement")
    billed: dict[str, Decimal] = {}
    for line in statement["lines"]:
        assert line["allocation_id"] not in billed, f"billed twice: {line['allocation_id']}"
        billed[line["allocation_id"]] = Decimal(line["amount"]["amount"])
    prices = [("2000-01-01T00:00:00Z", next(iter(seen.values()))["price"]["amount"])] if seen else []
    due = {}
    for allocation_id, allocation in seen.items():
        span = oracle.billable(allocation["activated_at"], allocation["release_requested_at"])
        if span and span[0] < span[1]:
            due[allocation_id] = oracle.total(oracle.lines(span, prices, "EUR"))
    assert billed == due
    assert Decimal(statement["total"]["amount"]) == sum(due.values(), Decimal(0))
    assert Decimal(statement["closing"]["amount"]) == Decimal(statement["available"]["amount"])
    balance = tenant.get("/ledger/trial-balance")
    assert balance["balanced"], balance
    assert balance["wallets_differing"] == 0, balance
    assert tenant.get("/audit/verify")["ok"]


def describe(tenant: Tenant) -> str:
    moving = [a for a in tenant.allocations().values() if a["state"] in LIVING]
    return ", ".join(f"{a['id']} {a['state']} (wants {a['desired_state']})" for a in moving)


def offers(tenant: Tenant) -> str:
    """Why slots are not on offer: for the reader of a failed test, straight from the database."""
    with tenant.house.owner_db() as database:
        slots = database.execute(
            "select s.index, s.state, s.clean, s.conditions, f.state, f.why from provisioning.slots s "
            "join kernel.flows f on f.subject_id = s.id where not s.clean order by s.index"
        ).fetchall()
    return "\n".join(map(str, slots))
