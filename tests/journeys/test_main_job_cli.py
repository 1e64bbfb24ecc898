"""The main job, end to end, as a newcomer does it on the command line, on a real house.

A visitor finds a price, signs in, launches with a key and a volume, works over SSH, releases, finds the file again in
a second allocation, and reads a bill that can be recomputed to the minor unit from what was recorded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import oracle
import pytest
from house import House, until

SKU = "local.cpu.1"
FIRST_PRICE = "71.77"  # a second costs 0.019936111…: more than a minor unit, and an hour divides unevenly
SECOND_PRICE = "83.51"

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("main_job")]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One slot, so that a second launch finds no place."""
    started = House(slots=1)
    try:
        yield started.up()
    finally:
        started.stop()


@pytest.fixture(scope="module")
def story(house: House) -> dict[str, Any]:
    """The journey itself; the tests below look at what it left."""
    house.login("admin@example.com")
    set_price(house, FIRST_PRICE)
    visit(house)
    house.login("demo@example.com")
    house.login("other@example.com")
    first = launch(house, "first", "--volume", "data:1")
    house.cli("ssh", "first", "--", "echo kept by the volume > /volumes/data/proof", check=True)
    late = ("allocations", "create", "--sku", SKU, "--name", "late", "--ssh-key", str(house.ssh_key()), "--wait")
    refused = house.cli(*late, profile="other")
    unpaid = house.cli("allocations", "create", "--sku", SKU, "--name", "dear")
    time.sleep(2)
    set_price(house, SECOND_PRICE)
    time.sleep(3)
    running = house.cli("statement", "-o", "json", check=True).json
    first = release(house, "first")
    until(lambda: free_slots(house) == 1, 60, "the slot is not sanitized")
    second = launch(house, "second", "--volume", "data:1")
    proof = house.cli("ssh", "second", "--", "cat /volumes/data/proof", check=True)
    code = house.cli("ssh", "second", "--", "exit 7").code
    time.sleep(2)  # an allocation that lived within one second is free, and this one shall have a bill
    second = release(house, "second")
    return {
        "first": first, "second": second, "proof": proof.out, "code": code, "running": running, "refused": refused,
        "unpaid": unpaid,
    }  # fmt: skip


def set_price(house: House, amount: str) -> None:
    house.cli("admin", "prices", "set", SKU, amount, "--reason", "journey", profile="admin", check=True)
    until(lambda: visible_price(house) == Decimal(amount), 10, f"the price {amount} is not in effect")


def visible_price(house: House) -> Decimal:
    items = house.cli("catalog", "-o", "json", profile="visitor", check=True).json["items"]
    return Decimal(next(item for item in items if item["sku"] == SKU)["price"]["amount"])


def visit(house: House) -> None:
    """Nobody is signed in, and yet everything that is for sale can be seen and priced."""
    assert SKU in house.cli("catalog", profile="visitor", check=True).out
    assert FIRST_PRICE in house.cli("quote", SKU, "--hours", "1", profile="visitor", check=True).out
    house.cli("offers", SKU, profile="visitor", check=True)
    refused = house.cli("allocations", "list", profile="visitor")
    assert (refused.code, "aif login" in refused.err) == (3, True)


def launch(house: House, name: str, *words: str) -> dict[str, Any]:
    ran = house.cli(
        "allocations", "create", "--sku", SKU, "--name", name, "--ssh-key", str(house.ssh_key()), *words, "--wait", "-o", "json",
        check=True,
    )  # fmt: skip
    assert ran.json["state"] == "active"
    assert "active" in ran.err, "progress goes to stderr"
    return ran.json


def release(house: House, name: str) -> dict[str, Any]:
    ran = house.cli("allocations", "release", name, "--wait", "-o", "json", check=True)
    assert ran.json["state"] == "released"
    return ran.json


def free_slots(house: House) -> int:
    items = house.cli("offers", SKU, "-o", "json", check=True).json["items"]
    return sum(item["available"] for item in items)


def expected(house: House, allocation: dict[str, Any]) -> list[oracle.Line]:
    """What the recorded transitions and the published prices come to."""
    with house.owner_db() as database:
        moves = dict(
            database.execute(
                "select to_state, min(at) from kernel.flow_transitions where subject_id = %s group by 1",
                (allocation["id"],),
            ).fetchall()
        )
    asked_at = oracle.datetime.fromisoformat(allocation["release_requested_at"])
    assert moves["active"].replace(microsecond=0) <= asked_at <= moves["releasing"], (
        "the meter ends when release is asked for, not when it is done"
    )
    history = house.cli("admin", "prices", "-o", "json", profile="admin", check=True).json["items"]
    prices = [(item["effective_at"], item["price"]["amount"]) for item in history if item["sku"] == SKU]
    return oracle.lines(oracle.billable(moves["active"], asked_at), prices, "EUR")


def test_the_file_is_there_in_the_second_allocation(story: dict[str, Any]) -> None:
    assert story["proof"] == "kept by the volume\n"
    assert story["first"]["volumes"][0]["id"] == story["second"]["volumes"][0]["id"]


def test_ssh_passes_the_exit_code_on(story: dict[str, Any]) -> None:
    assert story["code"] == 7


def test_the_statement_is_what_an_independent_oracle_computes(house: House, story: dict[str, Any]) -> None:
    statement = house.cli("statement", "-o", "json", check=True).json
    due = {story[name]["id"]: expected(house, story[name]) for name in ("first", "second")}
    billed: dict[str, list[tuple[Any, ...]]] = {}
    for line in statement["lines"]:
        shown = (line["seconds"], Decimal(line["price_per_hour"]["amount"]), Decimal(line["exact_amount"]["amount"]))
        billed.setdefault(line["allocation_id"], []).append((*shown, Decimal(line["amount"]["amount"])))
    wanted = {
        allocation: sorted((line.seconds, line.price_per_hour, line.exact, line.amount) for line in lines)
        for allocation, lines in due.items()
    }
    assert {allocation: sorted(lines) for allocation, lines in billed.items()} == wanted
    assert len(due[story["first"]["id"]]) == 2, "the price changed in the middle of the first"
    total = sum((oracle.total(lines) for lines in due.values()), Decimal(0))
    assert total > 0
    assert Decimal(statement["total"]["amount"]) == total
    assert Decimal(statement["opening"]["amount"]) + Decimal(statement["credits"]["amount"]) - total == Decimal(
        statement["closing"]["amount"]
    )
    assert Decimal(statement["held"]["amount"]) == 0
    assert statement["available"] == statement["closing"]


def test_what_runs_is_shown_before_it_is_billed(story: dict[str, Any]) -> None:
    unbilled = story["running"]["unbilled"]
    assert {line["allocation_id"] for line in unbilled["lines"]} == {story["first"]["id"]}
    assert Decimal(unbilled["total"]["amount"]) > 0
    assert story["running"]["lines"] == []


def test_a_launch_without_a_place_is_refused_with_offers_and_bills_nothing(house: House, story: dict[str, Any]) -> None:
    refused = story["refused"]
    assert refused.code == 6, str(refused)
    assert "offers" in refused.err
    statement = house.cli("statement", "-o", "json", profile="other", check=True).json
    assert statement["lines"] == []
    assert Decimal(statement["total"]["amount"]) == Decimal(statement["held"]["amount"]) == 0
    assert [item["used"] for item in house.cli("quota", "-o", "json", profile="other", check=True).json["items"]] == [
        0
    ] * len(house.cli("quota", "-o", "json", profile="other").json["items"])


def test_a_launch_without_credit_is_refused_at_once(story: dict[str, Any]) -> None:
    assert story["unpaid"].code == 7, str(story["unpaid"])


def test_the_books_balance_and_the_audit_log_verifies(house: House, story: dict[str, Any]) -> None:
    house.cli("ledger", "trial-balance", check=True)
    house.cli("ledger", "trial-balance", "--platform", profile="admin", check=True)
    for profile in ("demo", "other", "admin"):
        found = house.cli("audit", "verify", "-o", "json", profile=profile, check=True).json
        assert found["ok"] is True
    actions = {entry["action"] for entry in house.cli("audit", "list", "-o", "json", check=True).json["items"]}
    assert {"allocation.create", "allocation.release"} & actions, actions


def test_the_history_says_who_why_and_how_long(house: House, story: dict[str, Any]) -> None:
    events = house.cli("allocations", "events", story["first"]["id"], "-o", "json", check=True).json["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["to_state"] == "released"
    assert all(event["who"] and event["seconds"] >= 0 for event in events)


def test_smoke_checks_pass(house: House, story: dict[str, Any]) -> None:
    """Each person is asked what it may, and together every check of every domain has been asked and holds."""
    told: dict[str, set[str]] = {}
    for profile in ("visitor", "demo", "admin"):
        for item in house.cli("smoke", "-o", "json", profile=profile, check=True).json["items"]:
            told.setdefault(item["check"], set()).add(item["result"])
    assert all("ok" in results for results in told.values()), told
