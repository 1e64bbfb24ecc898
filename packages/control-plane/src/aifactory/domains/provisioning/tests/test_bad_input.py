"""Whatever is wrong is named by code and field, and leaves everything as it was."""

from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory.domains.billing import facade as billing
from aifactory.domains.provisioning.tests.conftest import OPERATOR, SSH_KEY
from aifactory.domains.provisioning.tests.simulated_node import a_csr, an_inventory
from aifactory.kernel.principal import Principal
from aifactory_protocol import BootstrapRequest

GOOD = {"sku": "local.cpu.1", "ssh_public_key": SSH_KEY}
NEW = {"name": "data", "size_gb": 3}
LAUNCHES = [
    ({}, 422, "missing", "sku"),
    ({"sku": 7}, 422, "string_type", "sku"),
    ({"sku": "no.such.sku"}, 422, "unknown_sku", "sku"),
    ({"sku": "volume.gb"}, 422, "unknown_sku", "sku"),
    ({"sku": "x" * 64}, 422, "string_too_long", "sku"),
    ({"skus": "local.cpu.1"}, 422, "extra_forbidden", "skus"),
    ({"region_id": "nowhere"}, 422, "unknown_region", "region_id"),
    ({"count": 0}, 422, "greater_than_equal", "count"),
    ({"count": "1"}, 422, "int_type", "count"),
    ({"count": 2}, 409, "count_not_available", "count"),
    ({"mode": "spot"}, 409, "mode_not_available", "mode"),
    ({"mode": "reserved"}, 409, "mode_not_available", "mode"),
    ({"mode": "free"}, 422, "unknown_mode", "mode"),
    ({"image": "ubuntu:latest"}, 422, "unknown_image", "image"),
    ({"name": "../etc"}, 422, "string_pattern_mismatch", "name"),
    ({"project_id": "prj_00000000000000000000000000"}, 404, "not_found", None),
    ({"ssh_public_key": None}, 422, "ssh_key_required", "ssh_key_ids"),
    ({"ssh_public_key": "ssh-ed25519 notbase64notbase64"}, 422, None, None),
    ({"ssh_key_ids": ["ssh_00000000000000000000000000"]}, 404, "not_found", None),
    ({"volumes": [{}]}, 422, "ambiguous_volume", "volumes.0"),
    ({"volumes": [NEW | {"id": "vol_1"}]}, 422, "ambiguous_volume", "volumes.0"),
    ({"volumes": [{"name": "data"}]}, 422, "invalid_volume_size", "volumes.0.size_gb"),
    ({"volumes": [NEW | {"size_gb": 0}]}, 422, "greater_than_equal", "volumes.0.size_gb"),
    ({"volumes": [NEW | {"name": "Data"}]}, 422, "invalid_volume_name", "name"),
    ({"volumes": [NEW, NEW]}, 422, "duplicate_volume", "volumes.1"),
    ({"volumes": [NEW | {"mount_path": "/etc/cron.d"}]}, 422, "invalid_mount_path", "volumes.0.mount_path"),
    ({"volumes": [NEW | {"mount_path": "/data/../etc"}]}, 422, "invalid_mount_path", "volumes.0.mount_path"),
    (
        {"volumes": [NEW | {"mount_path": "/data"}, {"name": "b", "size_gb": 1, "mount_path": "/data/b"}]},
        422,
        "overlapping_mounts",
        "volumes.1.mount_path",
    ),
    ({"volumes": [{"name": f"v{n}", "size_gb": 1} for n in range(17)]}, 422, "too_long", "volumes"),
    ({"volumes": [NEW | {"size_gb": 1001}]}, 409, "quota_exceeded", None),
    ({"volumes": [{"id": "vol_00000000000000000000000000"}]}, 404, "not_found", None),
    ({"labels": {"a": 1}}, 422, "string_type", "labels.a"),
    ({"quote_id": "q" * 201}, 422, "string_too_long", "quote_id"),
]


async def everything(factory) -> list[object]:
    """What a launch or an agent could have changed."""
    found: list[object] = [await factory.holdings()]
    async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
        for table in (
            "provisioning.allocations",
            "provisioning.nodes",
            "provisioning.slots",
            "provisioning.tasks",
            "storage_network.volumes",
            "kernel.flows",
            "kernel.outbox",
            "billing.holds",
            "platform_control.agent_certificates",
        ):
            found.append((table, await tx.value(f"select count(*) from {table}")))
        found.append(await tx.value("select count(*) from iam.ssh_keys"))
        found.append(await tx.value("select count(*) from provisioning.bootstrap_tokens where used_at is null"))
    return found


async def test_bad_launches_are_refused_with_the_field_and_change_nothing(factory):
    before = await everything(factory)
    wrong = []
    for change, status, code, field in LAUNCHES:
        body = change if change == {} else {**GOOD, **change}
        answer = await factory.post("/allocations", body)
        said = answer.json()
        if (
            answer.status_code != status
            or code not in (None, said.get("code"))
            or field not in (None, said.get("field"))
        ):
            wrong.append((change, answer.status_code, said))
        assert answer.headers["content-type"] == "application/problem+json"
        assert said["todo"] and said["detail"]
    assert wrong == []
    assert await everything(factory) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe"])
async def test_a_launch_that_is_no_object_is_refused(factory, body):
    headers = factory.headers() | {"Content-Type": "application/json"}
    answer = await factory.http.post("/api/v3/allocations", content=body, headers=headers)
    assert answer.status_code in (400, 422) and answer.json()["code"]


async def test_a_launch_needs_an_idempotency_key(factory):
    answer = await factory.http.post("/api/v3/allocations", json=GOOD, headers={"X-Test-Tenant": factory.demo})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


async def test_refusals_leave_an_audit_row_and_the_same_key_launches_once(factory):
    await factory.post("/allocations", {**GOOD, "mode": "spot"})
    async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
        denied = await tx.all("select reason from kernel.audit where decision = 'denied'")
    assert denied == [("mode_not_available",)]
    headers = factory.headers()
    first = await factory.http.post("/api/v3/allocations", json=GOOD, headers=headers)
    again = await factory.http.post("/api/v3/allocations", json=GOOD, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert (await factory.holdings())["allocations"] == 1


async def test_the_quota_is_a_wall_and_says_how_high_it_is(factory):
    for _ in range(10):
        await factory.launches()
    before = await everything(factory)
    answer = await factory.post("/allocations", GOOD)
    said = answer.json()
    assert (answer.status_code, said["code"], said["limit"], said["used"]) == (409, "quota_exceeded", 10, 10)
    assert await everything(factory) == before


async def test_without_credit_a_launch_is_refused_before_anything_is_kept(factory):
    async with factory.database.tx("operator", OPERATOR) as tx:
        dear = billing.NewPrice("local.cpu.1", "local", Decimal(1000), "EUR")
        await billing.change_price(tx, dear)
    factory.pass_seconds(2)
    before = await everything(factory)
    answer = await factory.post("/allocations", {**GOOD, "volumes": [NEW]})
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credit")
    assert await everything(factory) == before


def a_bootstrap(token: str) -> dict:
    request = BootstrapRequest(token, "box", a_csr(ec.generate_private_key(ec.SECP256R1())), an_inventory(1))
    return msgspec.to_builtins(request)


def changed(body: dict, path: str, value: object) -> dict:
    *way, last = path.split(".")
    target = body
    for part in way:
        target = target[int(part) if part.isdigit() else part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return body


BOOTSTRAPS = [
    ("token", ..., 422, "missing_field", "token"),
    ("token", 7, 422, "wrong_type", "token"),
    ("token", "short", 422, "invalid_length", "token"),
    ("token", "aif_boot_" + "a" * 120, 401, "bad_bootstrap_token", "token"),
    ("node_name", "", 422, "invalid_length", "node_name"),
    ("node_name", "../box", 422, "invalid_format", "node_name"),
    ("node_name", "other", 401, "bootstrap_token_refused", "token"),
    ("csr_pem", "not a request", 422, "invalid_field", "csr_pem"),
    ("csr_pem", "x" * 32_769, 422, "invalid_length", "csr_pem"),
    ("extra", 1, 422, "unknown_field", "extra"),
    ("inventory", ..., 422, "missing_field", "inventory"),
    ("inventory", [], 422, "wrong_type", "inventory"),
    ("inventory.cpus", -1, 422, "out_of_range", "inventory.cpus"),
    ("inventory.cpus", 1.5, 422, "wrong_type", "inventory.cpus"),
    ("inventory.hostname", "h" * 129, 422, "invalid_length", "inventory.hostname"),
    ("inventory.slots.0.index", 4096, 422, "out_of_range", "inventory.slots.0.index"),
    ("inventory.slots.0.vcpus_millis", 0, 422, "out_of_range", "inventory.slots.0.vcpus_millis"),
    ("inventory.slots.0.memory_bytes", 0, 422, "out_of_range", "inventory.slots.0.memory_bytes"),
    ("inventory.slots.0.price", "0", 422, "unknown_field", "inventory.slots.0.price"),
    ("inventory.slots.0.sku", None, 422, "wrong_type", "inventory.slots.0.sku"),
    ("inventory.isolation.driver", ..., 422, "missing_field", "inventory.isolation.driver"),
    ("inventory.volume_driver.enforces_size", "yes", 422, "wrong_type", "inventory.volume_driver.enforces_size"),
]


async def test_bad_bootstraps_are_refused_with_the_field_and_change_nothing(factory):
    token = await factory.token()
    before, wrong = await everything(factory), []
    for path, value, status, code, field in BOOTSTRAPS:
        answer = await factory.agent_http.post("/internal/v3/bootstrap", json=changed(a_bootstrap(token), path, value))
        said = answer.json()
        if (answer.status_code, said["code"], said["field"]) != (status, code, field):
            wrong.append((path, value, answer.status_code, said))
    assert wrong == []
    too_large = b'"' + b"x" * 2**20 + b'"'
    for body, status in ((b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 422), (too_large, 413)):
        answer = await factory.agent_http.post("/internal/v3/bootstrap", content=body)
        assert answer.status_code == status, answer.text
    assert await everything(factory) == before
    assert (await factory.agent_http.post("/internal/v3/bootstrap", json=a_bootstrap(token))).status_code == 200


POLL = {"boot_id": "b", "agent_version": "1", "sandboxes": [], "wait_seconds": 0}
RESULT = {"task_id": "task_x", "generation": 1, "status": "done"}
AGENTS = [
    ("poll", POLL | {"wait_seconds": 26}, 422, "out_of_range", "wait_seconds"),
    ("poll", POLL | {"wait_seconds": "1"}, 422, "wrong_type", "wait_seconds"),
    ("poll", POLL | {"boot_id": ""}, 422, "invalid_length", "boot_id"),
    (
        "poll",
        POLL | {"sandboxes": [{"allocation_id": "not an id"}]},
        422,
        "invalid_format",
        "sandboxes.0.allocation_id",
    ),
    ("poll", {}, 422, "missing_field", "boot_id"),
    ("poll", POLL | {"more": 1}, 422, "unknown_field", "more"),
    ("renew", {}, 422, "missing_field", "csr_pem"),
    ("renew", {"csr_pem": "nothing"}, 422, "invalid_field", "csr_pem"),
    ("tasks/task_x/result", RESULT | {"status": "perhaps"}, 422, "unknown_value", "status"),
    ("tasks/task_x/result", RESULT | {"generation": -1}, 422, "out_of_range", "generation"),
    ("tasks/task_x/result", RESULT | {"task_id": "../x"}, 422, "invalid_format", "task_id"),
    ("tasks/task_x/result", RESULT | {"signature": "!"}, 422, "invalid_format", "signature"),
    ("tasks/task_x/result", RESULT | {"evidence": [{"step": "a"}]}, 422, "missing_field", "evidence.0.ok"),
    ("tasks/task_x/result", RESULT | {"code": "Two Words"}, 422, "invalid_format", "code"),
    ("tasks/task_x/result", RESULT, 404, "not_found", None),
    ("inventory", {"hostname": "x"}, 422, "missing_field", None),
]


async def test_bad_agent_calls_are_refused_with_the_field_and_change_nothing(factory):
    node = await factory.a_node(slots=1)
    before, wrong = await everything(factory), []
    for path, body, status, code, field in AGENTS:
        answer = await factory.agent_http.post(f"/internal/v3/{path}", json=body, headers=node.headers())
        said = answer.json()
        if (answer.status_code, said["code"]) != (status, code) or field not in (None, said.get("field")):
            wrong.append((path, body, answer.status_code, said))
    assert wrong == []
    assert await everything(factory) == before
