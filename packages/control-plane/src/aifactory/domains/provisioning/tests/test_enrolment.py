"""How machines become nodes, and what a node may say."""

import asyncio
from collections import Counter

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.platform_control.facade import open_demo
from aifactory.domains.platform_control.manifest import MANIFEST as PLATFORM_CONTROL
from aifactory.domains.provisioning import facade
from aifactory.domains.provisioning.manifest import MANIFEST
from aifactory.domains.provisioning.tests.conftest import OPERATOR
from aifactory.domains.provisioning.tests.simulated_node import HOST, SimulatedNode, a_csr, an_inventory
from aifactory.kernel.principal import Principal
from aifactory_protocol import PollRequest, RenewRequest, RenewResponse, TaskResult, sign_result


async def count(factory, statement: str) -> int:
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        return await tx.value(statement)


async def test_fifty_at_once_with_one_token_get_one_certificate(factory):
    token = await factory.token()
    machines = [SimulatedNode(factory.agent_http) for _ in range(50)]
    answers = await asyncio.gather(*(machine.enrol(token) for machine in machines))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"bootstrap_token_refused"}
    assert await count(factory, "select count(*) from platform_control.agent_certificates") == 1
    assert await count(factory, "select count(*) from provisioning.nodes") == 1


async def test_a_token_is_for_one_name_and_for_a_short_time(factory):
    token = await factory.token("box")
    assert (await SimulatedNode(factory.agent_http, "other").enrol(token)).json()["code"] == "bootstrap_token_refused"
    factory.pass_seconds(901)
    assert (await SimulatedNode(factory.agent_http, "box").enrol(token)).json()["code"] == "bootstrap_token_refused"
    assert await count(factory, "select count(*) from provisioning.nodes") == 0


async def test_a_refused_request_leaves_the_token_usable(factory):
    token = await factory.token()
    machine = SimulatedNode(factory.agent_http)
    inventory = an_inventory(2)
    twice = msgspec.structs.replace(inventory, slots=[inventory.slots[0], inventory.slots[0]])
    assert (await machine.enrol(token, twice)).json()["code"] == "duplicate_slot"
    assert (await machine.enrol(token)).status_code == 200


async def test_the_token_is_stored_nowhere_and_shown_once(factory):
    headers = factory.headers("operator")
    body = {"node_name": "box"}
    first = await factory.http.post("/api/v3/admin/bootstrap-tokens", json=body, headers=headers)
    again = await factory.http.post("/api/v3/admin/bootstrap-tokens", json=body, headers=headers)
    assert first.status_code == 201 and first.json()["token"].startswith("aif_boot_")
    assert (again.json()["token"], again.json()["code"]) == (None, "secret_already_shown")
    async with factory.database.tx("operator", OPERATOR) as tx:
        saved = await tx.all("select row(t.*)::text from provisioning.bootstrap_tokens t")
        saved += await tx.all("select row(t.*)::text from kernel.idempotency t")
        saved += await tx.all("select row(t.*)::text from kernel.audit t")
    secret = first.json()["token"].split(".")[0]
    assert saved and all(secret not in row[0] for row in saved)


async def test_a_node_that_enrols_again_keeps_its_id_and_slots(factory):
    node = await factory.a_node(slots=2)
    reborn = SimulatedNode(factory.agent_http)
    assert (await reborn.enrol(await factory.token(), an_inventory(2))).status_code == 200
    assert reborn.node_id == node.node_id and len(await factory.slots()) == 2


async def test_enrolling_again_ends_every_certificate_from_before(factory):
    """Whoever took the old machine's key must not stay in, renewing for ever."""
    node = await factory.a_node(slots=1)
    valid = "select count(*) from platform_control.agent_certificates where revoked_at is null"
    assert await count(factory, valid) == 1
    reborn = SimulatedNode(factory.agent_http)
    assert (await reborn.enrol(await factory.token(), an_inventory(1))).status_code == 200
    assert await count(factory, valid) == 1
    factory.nodes[:] = [reborn]
    await factory.work()
    _, task_id, generation = await a_sent_task(factory, reborn)
    forged = sign_result(TaskResult(task_id, generation, "failed", "told_so"), node.key)
    path = f"/internal/v3/tasks/{task_id}/result"
    refused = await factory.agent_http.post(path, content=msgspec.json.encode(forged), headers=reborn.headers())
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_result_signature")


async def test_a_renewed_key_signs_results_and_the_one_before_still_counts(factory):
    node = await factory.a_node(slots=1)
    old = node.key
    node.key = ec.generate_private_key(ec.SECP256R1())
    body = msgspec.json.encode(RenewRequest(a_csr(node.key)))
    answer = await factory.agent_http.post("/internal/v3/renew", content=body, headers=node.headers())
    assert msgspec.json.decode(answer.content, type=RenewResponse).renew_after_seconds > 0
    made = await factory.launches()
    await factory.work()
    assert (await factory.allocation(made["id"]))["state"] == "active"
    node.key = old
    await factory.releases(made["id"])
    await factory.work()
    assert (await factory.allocation(made["id"]))["state"] == "released"


async def a_sent_task(factory, node):
    node.broken["sandbox.start"] = "silent"
    made = await factory.launches()
    await factory.work()
    async with factory.database.tx("worker", Principal.service("test")) as tx:
        row = await tx.one("select id, generation from provisioning.tasks where subject_id = %s", (made["id"],))
    return made["id"], *row


async def test_results_count_once_and_only_from_the_node_that_was_asked(factory):
    node, stranger = await factory.a_node(name="one"), await factory.a_node(name="two")
    allocation_id, task_id, generation = await a_sent_task(factory, node)
    owner, other = (node, stranger)
    if (await factory.allocation(allocation_id))["node_id"] != node.node_id:
        stranger.broken["sandbox.start"] = "silent"
        owner, other = stranger, node
    answer = TaskResult(task_id, generation, "failed", "told_so", "told so")
    assert (await other.post(answer)).status_code == 404
    assert (await owner.post(msgspec.structs.replace(answer, generation=generation + 1))).json()["code"] == (
        "stale_generation"
    )
    forged = sign_result(answer, other.key)
    path = f"/internal/v3/tasks/{task_id}/result"
    refused = await factory.agent_http.post(path, content=msgspec.json.encode(forged), headers=owner.headers())
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_result_signature")
    changed = msgspec.structs.replace(sign_result(answer, owner.key), detail="changed on the way")
    refused = await factory.agent_http.post(path, content=msgspec.json.encode(changed), headers=owner.headers())
    assert refused.status_code == 403
    assert (await factory.allocation(allocation_id))["state"] == "starting"
    assert (await owner.post(answer)).status_code == 204
    assert (await owner.post(answer)).status_code == 204
    assert (await owner.post(msgspec.structs.replace(answer, status="done"))).status_code == 204
    await factory.work()
    assert (await factory.allocation(allocation_id))["failure"]["code"] == "told_so"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "fd00::1", "127.0.0.2", "gpu-7.example.com"])
async def test_a_node_cannot_lead_the_platform_and_its_tenants_to_another_host(factory, host):
    """The worker knocks at this address and tenants connect to it: a node may only name the one it speaks from."""
    token = await factory.token()
    refused = await SimulatedNode(factory.agent_http).enrol(token, an_inventory(2, ssh_host=host))
    assert (refused.status_code, refused.json()["code"]) == (422, "foreign_ssh_host")
    assert refused.json()["field"] == "inventory.ssh_host"
    node = await factory.a_node()
    refused = await node.report(an_inventory(2, ssh_host=host))
    assert (refused.status_code, refused.json()["field"]) == (422, "ssh_host")
    assert await count(factory, "select ssh_host from provisioning.nodes") == HOST


async def test_an_operator_may_say_that_a_node_is_reached_elsewhere(factory, monkeypatch):
    """Behind a name or an address translation the source address is not where clients connect."""
    monkeypatch.setenv("AIF_NODE_SSH_HOSTS", "box=gpu-7.example.com, other=10.0.0.9")
    node = SimulatedNode(factory.agent_http)
    wrong = await node.enrol(await factory.token(), an_inventory(2, ssh_host="10.0.0.9"))
    assert wrong.json()["code"] == "foreign_ssh_host"
    assert (await node.enrol(await factory.token(), an_inventory(2, ssh_host="gpu-7.example.com"))).status_code == 200
    assert (await node.report(an_inventory(2, ssh_host="gpu-7.example.com"))).status_code == 204
    assert (await node.report(an_inventory(2, ssh_host="10.0.0.9"))).status_code == 422


@pytest.mark.parametrize(
    "lie",
    [
        {"user": "-oProxyCommand=sh"},
        {"user": "tenant; curl evil"},
        {"user": "a b"},
        {"host_key": "ssh-ed25519 AAAA\n* ssh-ed25519 EVIL"},
        {"host_key": "ssh-ed25519 AAAA\x1b[2J"},
    ],
)
async def test_what_a_node_says_about_its_door_cannot_become_a_command_of_the_tenant(factory, lie):
    node = await factory.a_node()
    said = node._sandbox_start
    node._sandbox_start = lambda task, now: ({**said(task, now)[0], "ssh": {**said(task, now)[0]["ssh"], **lie}}, [])
    made = await factory.launches()
    await factory.work()
    assert (await factory.allocation(made["id"]))["failure"]["code"] == "bad_start_output"


@pytest.mark.parametrize("path", ["renew", "inventory", "poll", "tasks/task_x/result"])
async def test_without_a_certificate_only_enrolment_is_open(factory, path):
    answer = await factory.agent_http.post(f"/internal/v3/{path}", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    as_tenant = await factory.agent_http.post(f"/internal/v3/{path}", content=b"{}", headers=factory.headers())
    assert as_tenant.status_code == 401


async def test_a_node_that_is_not_ours_any_more_hears_so(factory):
    body = msgspec.json.encode(PollRequest("boot", "0.1", [], 0))
    answer = await factory.agent_http.post("/internal/v3/poll", content=body, headers={"X-Test-Node": "node_gone"})
    assert answer.status_code == 404


async def test_unfinished_tasks_are_offered_again_after_a_restart_and_acted_on_once(factory):
    node = await factory.a_node()
    allocation_id, task_id, _ = await a_sent_task(factory, node)
    assert await node.poll() == []
    node.broken.clear()
    node.boot_id = "after the restart"
    assert [task.id for task in await node.poll()] == [task_id]
    await factory.work()
    assert (await factory.allocation(allocation_id))["state"] == "active"
    assert node.acted.count(("sandbox.start", allocation_id)) == 1


async def test_a_simulated_machine_never_joins_a_real_region_nor_a_real_one_a_simulated(factory):
    node = SimulatedNode(factory.agent_http, "pretender")
    pretends = msgspec.structs.replace(an_inventory(), simulated=True)
    refused = await node.enrol(await factory.token("pretender"), pretends)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422, "simulated_mismatch", "inventory.simulated",
    )  # fmt: skip
    assert (await node.enrol(await factory.token("pretender"))).status_code == 200
    assert (await node.report(pretends)).json()["code"] == "simulated_mismatch"
    async with factory.database.tx("operator", OPERATOR) as tx:
        await open_demo(tx)
        token = (await facade.create_bootstrap_token(tx, "real", "demo")).token
    real = SimulatedNode(factory.agent_http, "real")
    assert (await real.enrol(token)).json()["code"] == "simulated_mismatch"
    assert (await real.enrol(token, pretends)).status_code == 200
    shown = (await factory.get(f"/admin/nodes/{real.node_id}", "operator")).json()
    assert (shown["simulated"], shown["region_id"]) == (True, "demo")


async def test_what_the_demonstration_writes_can_be_written_again_and_leaves_prices_of_operators(factory):
    manifests = (PLATFORM_CONTROL, BILLING, MANIFEST)
    for _ in range(2):
        async with factory.database.tx("operator", OPERATOR) as tx:
            for manifest in manifests:
                await manifest.demo(tx)
    factory.pass_seconds(1)  # prices begin with a whole second
    items = [item for item in (await factory.get("/catalog")).json()["items"] if item["region_id"] == "demo"]
    assert {item["simulated"] for item in items} == {True} and len(items) == 9
    prices = {item["sku"]: item["price"]["amount"] for item in items}
    assert prices["demo.h100.1"] == "2.49"
    async with factory.database.tx("operator", OPERATOR) as tx:
        assert await tx.value("select bool_and(demo) from billing.skus where sku like 'demo.%%'")
        assert await tx.value("select count(*) from billing.prices where region_id = 'demo'") == 10
