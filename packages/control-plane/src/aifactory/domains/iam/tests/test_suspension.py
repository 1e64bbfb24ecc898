"""A suspended tenant looks, pays and lets go, and begins nothing; neither its people nor its keys."""

import pytest

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.roles import PERMISSIONS, ROLES, allowed_while_suspended
from aifactory.kernel.principal import Grant, Principal

DEMO, OTHER = iam.DEMO, iam.OTHER
PATH = f"/admin/tenants/{DEMO.tenant_id}"
KEPT = {
    "allocation.release",
    "bucket.delete",
    "bucket_key.revoke",
    "instance.open",
    "instance.stop",
    "key.revoke",
    "project.delete",
    "ssh_key.delete",
    "volume.delete",
}


def test_what_a_suspended_tenant_keeps_is_reading_and_letting_go():
    kept = {permission for permission in ROLES["tenant_admin"] if allowed_while_suspended(permission)}
    assert {permission for permission in kept if not permission.endswith(".read")} == KEPT
    admin = Principal("usr_a", "user", "a", "tnt_a", (Grant("tenant_admin", "tenant:tnt_a"),), suspended=True)
    for permission in PERMISSIONS:
        if permission.startswith("platform."):
            continue
        decision = iam.check(admin, permission, iam.Target("tnt_a"))
        assert decision.allowed == (permission in kept) == iam.decide_anywhere(admin, permission).allowed, permission


@pytest.fixture
async def operator(house):
    return await house.browser().sign_in("admin@example.com")


async def test_suspended_people_and_keys_begin_nothing_until_they_are_resumed(house, operator):
    demo = await house.browser().sign_in("demo@example.com")
    secret = (await demo.act("POST", "/keys", {"name": "robot"})).json()["secret"]
    ssh = {
        "name": "a",
        "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJv0c3dW3ZQdY4m5pQ0y2o1n8q9r7s6t5u4v3w2x1y0z",
    }

    async def by_key(method: str, path: str, body=None):
        bearer = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"robot-{method}-{len(told)}"}
        return await house.http.request(method, f"{house.url}/api/v3{path}", json=body, headers=bearer)

    told = [await operator.act("POST", f"{PATH}/suspend", {"reason": "the bill is not paid"})]
    assert told[0].json()["state"] == "suspended" and told[0].json()["state_reason"] == "the bill is not paid"
    for refused in (
        await demo.act("POST", "/projects", {"name": "new"}),
        await demo.act("POST", "/keys", {"name": "more"}),
        await by_key("POST", "/ssh-keys", ssh),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended"), refused.text
        assert "release" in refused.json()["detail"]
    assert (await demo.get("/projects")).status_code == (await by_key("GET", "/ssh-keys")).status_code == 200
    session = (await demo.get("/auth/session")).json()
    assert "project.create" not in session["permissions"] and "project.read" in session["permissions"]
    key_id = (await demo.get("/keys")).json()["items"][0]["id"]

    told.append(await operator.act("POST", f"{PATH}/resume", {"reason": "the bill is paid"}))
    assert told[1].json()["state"] == "active" and told[1].json()["state_reason"] == ""
    assert (await demo.act("POST", "/projects", {"name": "new"})).status_code == 201
    assert (await by_key("POST", "/ssh-keys", ssh)).status_code == 201
    await operator.act("POST", f"{PATH}/suspend", {"reason": "again"})
    assert (await demo.act("DELETE", f"/keys/{key_id}")).status_code == 204, "letting go is always possible"


async def test_the_tenant_reads_why_and_gets_the_event(house, operator, tx_as):
    for _ in range(2):  # twice is the same as once
        await operator.act("POST", f"{PATH}/suspend", {"reason": "abuse was reported"})
    await operator.act("POST", f"{PATH}/resume", {"reason": "it was a mistake"})
    demo = await house.browser().sign_in("demo@example.com")
    entries = (await demo.get(f"/audit?target={DEMO.tenant_id}")).json()["items"]
    told = [(e["action"], e["reason"], e["actor_name"]) for e in entries if e["action"] != "tenant.create"]
    assert told == [
        ("tenant.resume", "it was a mistake", "admin@example.com"),
        ("tenant.suspend", "abuse was reported", "admin@example.com"),
    ]
    async with tx_as(DEMO.tenant_id, role="worker", principal=Principal.service("test")) as tx:
        events = await tx.all("select type, tenant_id from kernel.outbox where type ~ 'tenant_(suspended|resumed)'")
    assert sorted(events) == [("iam.tenant_resumed", DEMO.tenant_id), ("iam.tenant_suspended", DEMO.tenant_id)]


async def test_others_are_not_touched_and_nobody_but_operators_decides(house, operator):
    demo, other = await house.browser().sign_in("demo@example.com"), await house.browser().sign_in("other@example.com")
    assert (await other.act("POST", f"{PATH}/suspend", {"reason": "I do not like them"})).status_code == 403
    await operator.act("POST", f"/admin/tenants/{OTHER.tenant_id}/suspend", {"reason": "the bill is not paid"})
    assert (await demo.act("POST", "/projects", {"name": "new"})).status_code == 201
    assert (await operator.act("POST", "/admin/tenants/tnt_nobody/suspend", {"reason": "nobody"})).status_code == 404
    assert (await operator.act("POST", f"{PATH}/suspend", {"reason": ""})).status_code == 422
