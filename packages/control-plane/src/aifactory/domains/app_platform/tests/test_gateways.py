"""Gateways enrol once per token, learn what they must know within a moment, and know nothing more once they are retired."""

import asyncio
from datetime import timedelta

import pytest

from aifactory.domains.app_platform.inference import snapshot
from aifactory.domains.app_platform.tests.inference_stories import person
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning.tests.conftest import OPERATOR
from aifactory_protocol.gateway import SnapshotRequest


async def test_of_fifty_that_bring_one_token_one_gets_a_certificate(tokens):
    token = await tokens.token()
    answers = await asyncio.gather(*(tokens.enrol(token) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 49
    assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"bootstrap_token_refused"}
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        assert await tx.value("select count(*) from platform_control.agent_certificates") == 1
        assert await tx.value("select count(*) from app_platform.gateways") == 1


async def test_every_bad_token_gets_the_same_answer(tokens):
    good = await tokens.token()
    other = await tokens.enrol(good, "edge-2")
    flipped = await tokens.enrol(good.replace("aif_boot_", "aif_boot_a", 1), "edge-1")
    tokens.factory.pass_seconds(901)
    late = await tokens.enrol(good)
    assert [answer.status_code for answer in (other, flipped, late)] == [401, 401, 401]
    assert other.json()["code"] == late.json()["code"] == "bootstrap_token_refused"
    assert flipped.json()["code"] == "bad_bootstrap_token"
    assert other.json()["detail"] == late.json()["detail"]


async def test_a_gateway_that_enrols_anew_keeps_its_name_and_id_and_loses_its_old_certificate(tokens):
    first, second = await tokens.a_gateway(), await tokens.a_gateway()
    assert first.id == second.id
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        states = await tx.all(
            "select revoked_at is null from platform_control.agent_certificates order by created_at, id"
        )
    assert states == [(False,), (True,)]


async def test_a_nodes_token_makes_no_gateway_and_the_reverse(tokens):
    assert (await tokens.enrol(await tokens.factory.token("edge-1"))).status_code == 401
    node_like = await tokens.factory.agent_http.post("/internal/v3/gateway/snapshot", headers={"X-Test-Node": "node_1"})
    assert node_like.status_code == 401
    gateway = await tokens.a_gateway()
    polls = await tokens.factory.agent_http.post("/internal/v3/poll", headers={"X-Test-Gateway": gateway.id})
    assert polls.status_code == 401


async def test_a_snapshot_holds_keys_under_the_gateways_own_hash(tokens):
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    key_id, secret = await tokens.a_key()
    known = gateway.knows(await gateway.snapshot(), secret)
    assert (known.id, known.tenant_id) == (key_id, tokens.factory.demo)
    assert known.account_id.startswith("bacc_") and known.project_id.startswith("prj_")
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        with pytest.raises(Exception, match="permission denied"):
            await tx.value("select gateway_hash from iam.api_keys limit 1")


async def test_a_snapshot_holds_models_with_routes_prices_and_the_upstreams_they_need(tokens):
    gateway = await tokens.a_gateway()
    await tokens.an_upstream("unused")
    await tokens.a_model(await tokens.an_upstream("used", max_requests=7, usage_path="/usage/{request_id}"))
    known = await gateway.snapshot()
    assert [(u.url, u.max_requests, u.usage_path) for u in known.upstreams] == [
        ("http://10.0.0.7:8000/v1", 7, "/usage/{request_id}")
    ]
    [model] = known.models
    assert (model.price.input_per_million, model.price.output_per_million) == (3_000_000_000, 7_000_000_001)
    assert [(r.upstream_id, r.upstream_model) for r in model.routes] == [(known.upstreams[0].id, "served-name")]
    assert (model.context_tokens, model.max_output_tokens, model.price.currency) == (4096, 512, "EUR")


async def revoked(tokens, key_id):
    await tokens.revoke(key_id)


async def suspended(tokens, key_id):
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        await iam.suspend_tenant(tx, tokens.factory.demo, "unpaid")
    await tokens.events()


async def expired(tokens, key_id):
    tokens.factory.pass_seconds(timedelta(days=91).total_seconds())
    await snapshot.refresh_due(tokens.factory.database)


async def without_a_role(tokens, key_id):
    async with tokens.factory.database.tx("worker", person(tokens.factory.demo), tokens.factory.demo) as tx:
        await tx.run(
            "update iam.relations set removed_at = kernel.now() where subject = %s", (f"user:{iam.DEMO.user_id}",)
        )
    await snapshot.refresh_due(tokens.factory.database)


@pytest.mark.parametrize("lose", [revoked, suspended, expired, without_a_role])
async def test_a_key_that_may_no_more_is_gone_from_the_next_snapshot(tokens, lose):
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    key_id, secret = await tokens.a_key()
    before = await gateway.snapshot()
    assert gateway.knows(before, secret)
    await lose(tokens, key_id)
    after = await gateway.snapshot(before.version)
    assert after is not None and after.version > before.version
    assert gateway.knows(after, secret) is None


@pytest.mark.parametrize(
    ("scopes", "may"), [(["member"], True), (["inference.use"], True), (["viewer"], False), (["usage.read"], False)]
)
async def test_only_keys_whose_scopes_say_so_may_call(tokens, scopes, may):
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    _, secret = await tokens.a_key(scopes=scopes)
    assert bool(gateway.knows(await gateway.snapshot(), secret)) == may


async def test_a_waiting_gateway_is_told_at_once_and_an_unchanged_house_tells_nothing(tokens):
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    key_id, secret = await tokens.a_key()
    known = await gateway.snapshot()
    waiting = asyncio.create_task(gateway.snapshot(known.version, wait=25))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await snapshot.refresh_due(tokens.factory.database)  # nothing has changed
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await tokens.revoke(key_id)
    async with asyncio.timeout(5):  # far below the 25 s that it would wait
        told = await waiting
    assert told.version == known.version + 1 and gateway.knows(told, secret) is None


async def test_a_retired_gateway_is_told_nothing_and_loses_its_certificates(tokens):
    gateway = await tokens.a_gateway()
    path = f"/admin/gateways/{gateway.id}"
    for _ in range(2):
        retired = await tokens.factory.post(path + "/retire", {"reason": "its machine was sold"}, "operator")
        assert (retired.status_code, retired.json()["state"]) == (200, "retired")
    assert (await gateway.post("/snapshot", SnapshotRequest(0, 0))).status_code == 404
    async with tokens.factory.database.tx("operator", OPERATOR) as tx:
        assert await tx.value("select count(*) from platform_control.agent_certificates where revoked_at is null") == 0
    back = await tokens.a_gateway()
    assert back.id == gateway.id
    assert (await tokens.factory.get(path, "operator")).json()["state"] == "enrolled"


async def test_operators_see_who_is_there_and_what_it_knows(tokens):
    gateway = await tokens.a_gateway()
    await tokens.a_model()
    known = await gateway.snapshot()
    await gateway.snapshot(known.version)
    [seen] = (await tokens.factory.get("/admin/gateways", "operator")).json()["items"]
    assert (seen["id"], seen["known_version"], seen["newest_version"]) == (gateway.id, known.version, known.version)
    assert seen["seen_at"] is not None
    assert (await tokens.factory.get("/admin/gateways/gw_1", "operator")).status_code == 404
