"""Quotas hold under races, and reserving and releasing twice is the same as once."""

import asyncio

import pytest

from aifactory.domains.iam import facade as iam
from aifactory.kernel.errors import Problem
from aifactory.kernel.principal import Grant, Principal

DEMO = iam.DEMO
ADMIN = Principal(
    DEMO.user_id, "user", DEMO.email, DEMO.tenant_id, (Grant("tenant_admin", f"tenant:{DEMO.tenant_id}"),)
)
FLOW = Principal.service("flows")


@pytest.fixture
async def project(seeded, tx_as) -> str:
    async with tx_as(DEMO.tenant_id) as tx:
        return (await iam.default_project(tx)).id


async def used(tx_as, resource: str = "allocations") -> int:
    async with tx_as(DEMO.tenant_id, principal=ADMIN) as tx:
        return {quota.resource: quota.used for quota in await iam.quota_usage(tx)}[resource]


async def test_of_fifty_at_once_ten_fit(tx_as, project):
    async def take(number: int) -> str:
        try:
            async with tx_as(DEMO.tenant_id) as tx:
                await iam.reserve_quota(tx, project, "allocations", 1, f"alloc_{number}")
        except Problem as problem:
            assert (problem.extra["limit"], problem.extra["used"], problem.extra["requested"]) == (10, 10, 1)
            return problem.code
        return "reserved"

    outcomes = await asyncio.gather(*(take(number) for number in range(50)))
    assert outcomes.count("reserved") == 10 and outcomes.count("quota_exceeded") == 40
    assert await used(tx_as) == 10


async def test_more_projects_bring_no_more_quota(tx_as, project):
    async with tx_as(DEMO.tenant_id, principal=ADMIN) as tx:
        projects = [project, *[(await iam.create_project(tx, f"p{number}")).id for number in range(4)]]

    async def take(number: int) -> str:
        try:
            async with tx_as(DEMO.tenant_id) as tx:
                await iam.reserve_quota(tx, projects[number % 5], "allocations", 1, f"alloc_{number}")
        except Problem as problem:
            assert (problem.extra["limited_by"], problem.extra["used"]) == ("tenant", 10)
            return problem.code
        return "reserved"

    outcomes = await asyncio.gather(*(take(number) for number in range(40)))
    assert outcomes.count("reserved") == 10 and outcomes.count("quota_exceeded") == 30
    taken = outcomes.index("reserved")
    async with tx_as(DEMO.tenant_id, role="worker", principal=FLOW) as tx:
        await iam.release_quota(tx, f"alloc_{taken}")
    async with tx_as(DEMO.tenant_id) as tx:
        await iam.reserve_quota(tx, projects[4], "allocations", 1, "alloc_last")


async def test_takers_and_givers_in_several_projects_never_lock_each_other_out(tx_as, project):
    async with tx_as(DEMO.tenant_id, principal=ADMIN) as tx:
        projects = [project, *[(await iam.create_project(tx, f"p{number}")).id for number in range(3)]]

    async def live(number: int) -> None:
        resources = ["allocations", "vcpus", "volume_gb", "volumes"]
        async with tx_as(DEMO.tenant_id) as tx:
            for resource in resources if number % 2 else reversed(resources):
                await iam.reserve_quota(tx, projects[number % 4], resource, 1, f"alloc_{number}")
        async with tx_as(DEMO.tenant_id, role="worker", principal=FLOW) as tx:
            await iam.release_quota(tx, f"alloc_{number}")

    await asyncio.gather(*(live(number) for number in range(10)))
    async with tx_as(DEMO.tenant_id, principal=ADMIN) as tx:
        assert [quota.used for quota in await iam.tenant_quota_usage(tx)] == [0] * 6


async def test_takers_and_givers_of_several_resources_never_lock_each_other_out(tx_as, project):
    async def live(number: int) -> None:
        resources = ["allocations", "vcpus", "volume_gb", "volumes"]
        async with tx_as(DEMO.tenant_id) as tx:
            for resource in resources if number % 2 else reversed(resources):
                await iam.reserve_quota(tx, project, resource, 1, f"alloc_{number}")
        async with tx_as(DEMO.tenant_id, role="worker", principal=FLOW) as tx:
            await iam.release_quota(tx, f"alloc_{number}")

    await asyncio.gather(*(live(number) for number in range(10)))
    assert [await used(tx_as, resource) for resource in ("allocations", "vcpus", "volumes", "volume_gb")] == [0] * 4


async def test_reserving_twice_holds_once_and_releasing_twice_gives_back_once(tx_as, project):
    async with tx_as(DEMO.tenant_id) as tx:
        for _ in range(3):
            await iam.reserve_quota(tx, project, "volume_gb", 400, "vol_1")
        await iam.reserve_quota(tx, project, "volume_gb", 100, "vol_2")
    assert await used(tx_as, "volume_gb") == 500
    for _ in range(3):
        async with tx_as(DEMO.tenant_id) as tx:
            await iam.release_quota(tx, "vol_1")
            await iam.release_quota(tx, "vol_1")
    assert await used(tx_as, "volume_gb") == 100


async def test_the_same_subject_on_other_terms_is_refused(tx_as, project):
    async with tx_as(DEMO.tenant_id) as tx:
        await iam.reserve_quota(tx, project, "volume_gb", 10, "vol_1")
        with pytest.raises(Problem, match="quota_already_settled"):
            await iam.reserve_quota(tx, project, "volume_gb", 20, "vol_1")
        await iam.release_quota(tx, "vol_1")
        with pytest.raises(Problem, match="quota_already_settled"):
            await iam.reserve_quota(tx, project, "volume_gb", 10, "vol_1")


async def test_a_rolled_back_launch_holds_nothing(tx_as, project):
    with pytest.raises(RuntimeError):
        async with tx_as(DEMO.tenant_id) as tx:
            await iam.reserve_quota(tx, project, "vcpus", 4, "alloc_1")
            raise RuntimeError("the launch failed later")
    assert await used(tx_as, "vcpus") == 0


async def test_a_foreign_project_answers_like_none(tx_as, project):
    async with tx_as(iam.OTHER.tenant_id) as tx:
        for unknown in (project, "prj_nowhere"):
            with pytest.raises(Problem) as refused:
                await iam.reserve_quota(tx, unknown, "allocations", 1, "alloc_1")
            assert refused.value.status == 404


@pytest.mark.parametrize(("resource", "amount"), [("gpus_of_mars", 1), ("vcpus", 0), ("vcpus", -1)])
async def test_nonsense_is_a_mistake_of_ours(tx_as, project, resource, amount):
    async with tx_as(DEMO.tenant_id) as tx:
        with pytest.raises(ValueError, match="cannot reserve"):
            await iam.reserve_quota(tx, project, resource, amount, "alloc_1")


async def test_an_operator_sets_a_limit_and_a_tenant_cannot(house, project, tx_as):
    operator, demo = (
        await house.browser().sign_in("admin@example.com"),
        await house.browser().sign_in("demo@example.com"),
    )
    path = f"/admin/tenants/{DEMO.tenant_id}/quotas/{project}/allocations"
    assert (await demo.act("PUT", path, {"limit": 99})).status_code == 403
    assert (await operator.act("PUT", path, {"limit": 2})).json()["limit"] == 2
    assert (await operator.act("PUT", path.replace("allocations", "moons"), {"limit": 2})).status_code == 422
    shown = (await demo.get("/quotas")).json()["items"]
    assert {q["resource"]: q["limit"] for q in shown} == {
        "allocations": 2,
        "vcpus": 32,
        "volumes": 20,
        "volume_gb": 1000,
        "buckets": 20,
        "bucket_gb": 1000,
    }


async def test_an_operator_sets_what_all_projects_may_hold_together(house, project):
    operator, demo = (
        await house.browser().sign_in("admin@example.com"),
        await house.browser().sign_in("demo@example.com"),
    )
    path = f"/admin/tenants/{DEMO.tenant_id}/quotas"
    assert (await demo.act("PUT", f"{path}/allocations", {"limit": 99})).status_code == 403
    assert (await operator.act("PUT", f"{path}/moons", {"limit": 2})).status_code == 422
    nobody = path.replace(DEMO.tenant_id, "tnt_nobody")
    assert (await operator.act("PUT", f"{nobody}/allocations", {"limit": 2})).status_code == 404
    assert (await operator.act("PUT", f"{path}/allocations", {"limit": 2})).json()["limit"] == 2
    shown = {quota["resource"]: quota["limit"] for quota in (await demo.get("/quotas")).json()["tenant"]}
    assert shown["allocations"] == 2 and shown["vcpus"] == 32
    told = (await demo.get("/audit?action=quota.set_tenant_limit")).json()["items"]
    assert [entry["actor_name"] for entry in told] == ["admin@example.com"]


async def test_what_a_project_may_hold_its_tenant_may_too(house, project):
    operator = await house.browser().sign_in("admin@example.com")
    path = f"/admin/tenants/{DEMO.tenant_id}/quotas"
    await operator.act("PUT", f"{path}/{project}/vcpus", {"limit": 500})
    await operator.act("PUT", f"{path}/{project}/vcpus", {"limit": 20})
    answer = (await operator.get(path)).json()
    assert {quota["resource"]: quota["limit"] for quota in answer["tenant"]}["vcpus"] == 500
    assert {quota["resource"]: quota["limit"] for quota in answer["items"]}["vcpus"] == 20
