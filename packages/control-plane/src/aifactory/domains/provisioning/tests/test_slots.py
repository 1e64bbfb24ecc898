"""A slot is offered only with good, signed evidence for every step; anything else sets it aside."""

import pytest

from aifactory.domains.provisioning.flows.sanitize_slot import REQUIRED_STEPS, SanitizeSlot
from aifactory.domains.provisioning.slot import judge_cleaning
from aifactory.domains.provisioning.tests.simulated_node import an_inventory
from aifactory.kernel.flow import check_table

GOOD = [{"step": step, "ok": True, "detail": ""} for step in REQUIRED_STEPS]


@pytest.mark.parametrize(
    ("status", "evidence", "clean"),
    [
        ("done", GOOD, True),
        ("done", [*GOOD, {"step": "one_more", "ok": True, "detail": ""}], True),
        ("done", [], False),
        ("done", GOOD[:-1], False),
        ("done", [*GOOD[:-1], GOOD[-1] | {"ok": False}], False),
        ("done", [*GOOD, GOOD[0]], False),
        ("done", [*GOOD, {"step": "one_more", "ok": False, "detail": ""}], False),
        ("failed", GOOD, False),
        ("refused", GOOD, False),
    ],
)
def test_cleaning_counts_only_when_nothing_is_missing_or_wrong(status, evidence, clean):
    assert judge_cleaning(status, evidence, REQUIRED_STEPS).clean is clean


def test_the_flow_table_is_sound():
    assert check_table(SanitizeSlot) == []


async def test_a_new_slot_is_cleaned_before_it_is_offered(factory):
    node = await factory.a_node(slots=3)
    assert [verb for verb, _ in node.acted] == ["slot.sanitize"] * 3
    slots = await factory.slots()
    assert [slot["state"] for slot in slots] == ["available"] * 3
    shown = (await factory.get(f"/admin/slots/{slots[0]['id']}", "operator")).json()
    assert {item["step"] for item in shown["evidence"]} == set(REQUIRED_STEPS)


@pytest.mark.parametrize("how", ["dirty", "forgetful", "fail"])
async def test_bad_evidence_quarantines_until_an_operator_asks_again(factory, how):
    node = await factory.a_node(slots=1)
    made = await factory.launches()
    await factory.work()
    node.broken["slot.sanitize"] = how
    await factory.releases(made["id"])
    await factory.settle_down(4)
    slot = (await factory.slots())[0]
    assert slot["state"] == "quarantined" and slot["conditions"][0]["message"]
    assert (await factory.allocation(made["id"]))["state"] == "released"
    refused = await factory.launches()
    await factory.settle_down(2)
    assert (await factory.allocation(refused["id"]))["state"] == "refused"
    node.broken.clear()
    path = f"/admin/slots/{slot['id']}/sanitize"
    assert (await factory.post(path, {"reason": "mended"}, factory.demo)).status_code == 403
    assert (await factory.post(path, {}, "operator")).status_code == 422
    assert (await factory.post(path, {"reason": "mended the disk"}, "operator")).status_code == 202
    await factory.work()
    assert (await factory.slots())[0]["state"] == "available"
    assert (await factory.post(path, {"reason": "once more"}, "operator")).status_code == 409


async def test_inventory_adds_reshapes_and_withdraws_but_never_touches_a_slot_in_use(factory):
    node = await factory.a_node(slots=2)
    made = await factory.launches()
    await factory.work()
    used = (await factory.allocation(made["id"]))["slot_id"]
    assert (await node.report(an_inventory(0))).status_code == 204
    slots = {slot["id"]: slot for slot in await factory.slots()}
    assert [slot["withdrawn"] for slot in slots.values()].count(True) == 1
    assert slots[used]["withdrawn"] is False and slots[used]["allocation_id"] == made["id"]
    assert (await node.report(an_inventory(4, sku="local.cpu.2"))).status_code == 204
    slots = {slot["id"]: slot for slot in await factory.slots()}
    assert len(slots) == 4 and slots[used]["sku"] == "local.cpu.1"
    assert sorted(slot["sku"] for slot in slots.values()) == ["local.cpu.1"] + ["local.cpu.2"] * 3


async def test_a_silent_node_gets_nothing_new_and_comes_back(factory):
    node = await factory.a_node(slots=1)
    factory.pass_seconds(61)
    await factory.notice_silence()
    assert (await factory.get("/catalog")).json()["items"][0]["available"] == 0
    made = await factory.launches()
    await factory.runner().run_until_idle()
    assert (await factory.allocation(made["id"]))["state"] == "refused"
    await node.poll()
    shown = (await factory.get(f"/admin/nodes/{node.node_id}", "operator")).json()
    assert (shown["state"], shown["slots"]["available"]) == ("ready", 1)
    assert (await factory.get("/catalog")).json()["items"][0]["available"] == 1
