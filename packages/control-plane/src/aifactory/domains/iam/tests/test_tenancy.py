"""Projects and members: what the owner of a tenant can do, and what nobody from outside can."""

import psycopg
import pytest

from aifactory.domains.iam import facade as iam


@pytest.fixture
async def demo(house):
    return await house.browser().sign_in("demo@example.com")


@pytest.fixture
async def other(house):
    return await house.browser().sign_in("other@example.com")


async def test_a_project_lives_and_dies(demo):
    made = await demo.act("POST", "/projects", {"name": "vision", "labels": {"team": "a"}})
    project = made.json()
    assert made.status_code == 201 and project["project_id"] == project["id"] and project["state"] == "active"
    assert made.headers["etag"] == 'W/"1"'
    path = f"/projects/{project['id']}"
    assert (await demo.act("PUT", path, {"name": "sight"})).status_code == 428
    assert (await demo.act("PUT", path, {"name": "sight"}, {"If-Match": 'W/"7"'})).status_code == 412
    edited = await demo.act("PUT", path, {"name": "sight"}, {"If-Match": made.headers["etag"]})
    assert edited.json()["name"] == "sight" and edited.headers["etag"] == 'W/"2"'
    assert (await demo.act("DELETE", path, headers={"If-Match": 'W/"1"'})).status_code == 412
    assert (await demo.act("DELETE", path, headers={"If-Match": 'W/"2"'})).status_code == 204
    assert (await demo.get(path)).status_code == 404
    assert [p["name"] for p in (await demo.get("/projects")).json()["items"]] == ["default"]
    assert (await demo.act("POST", "/projects", {"name": "sight"})).status_code == 201


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a b", "a_b", "ä", "a" * 64, "a\x00", "../etc"])
async def test_a_name_that_cannot_be_is_refused(demo, name):
    answer = await demo.act("POST", "/projects", {"name": name})
    assert answer.status_code == 422 and answer.json()["field"] == "name"


async def test_a_taken_name_is_refused(demo, other):
    assert (await demo.act("POST", "/projects", {"name": "default"})).json()["code"] == "project_name_taken"
    made = (await demo.act("POST", "/projects", {"name": "one"})).json()
    answer = await demo.act("PUT", f"/projects/{made['id']}", {"name": "default"}, {"If-Match": "*"})
    assert answer.json()["code"] == "project_name_taken"
    assert (await other.act("POST", "/projects", {"name": "one"})).status_code == 201


async def test_a_project_in_use_stays(demo, tx_as):
    project = (await demo.act("POST", "/projects", {"name": "busy"})).json()["id"]
    async with tx_as(iam.DEMO.tenant_id) as tx:
        await iam.reserve_quota(tx, project, "volumes", 2, "vol_1")
    refused = await demo.act("DELETE", f"/projects/{project}")
    assert refused.status_code == 409 and refused.json()["in_use"] == {"volumes": 2}
    async with tx_as(iam.DEMO.tenant_id) as tx:
        await iam.release_quota(tx, "vol_1")
    assert (await demo.act("DELETE", f"/projects/{project}")).status_code == 204


async def test_the_default_project_stays(demo):
    project = (await demo.get("/projects")).json()["items"][0]
    assert (await demo.act("DELETE", f"/projects/{project['id']}")).json()["code"] == "default_project"


async def test_a_foreign_id_answers_like_one_that_never_existed(demo, other):
    theirs = (await other.get("/projects")).json()["items"][0]["id"]
    member = (await other.get("/members")).json()["items"][0]["id"]
    key = (await other.act("POST", "/keys", {"name": "k"})).json()["id"]
    for kind, mine in (("projects", theirs), ("members", member), ("keys", key)):
        never = mine[:-1] + ("0" if mine[-1] != "0" else "1")
        for method in ("GET", "DELETE"):
            answers = [
                await (demo.get(f"/{kind}/{id}") if method == "GET" else demo.act(method, f"/{kind}/{id}"))
                for id in (mine, never)
            ]
            bodies = [{k: v for k, v in a.json().items() if k != "request_id"} for a in answers]
            assert [a.status_code for a in answers] == [404, 404], (kind, method)
            assert str(bodies[0]).replace(mine, "X") == str(bodies[1]).replace(never, "X")


async def test_somebody_is_added_to_a_project_and_sees_only_that(demo, other):
    project = (await demo.act("POST", "/projects", {"name": "shared"})).json()["id"]
    body = {"email": "Other@example.com", "role": "viewer", "project_id": project}
    made = await demo.act("POST", "/members", body)
    assert made.status_code == 201 and made.json()["object"] == f"project:{project}"
    assert (await demo.act("POST", "/members", body)).json()["id"] == made.json()["id"]  # twice is once
    await other.sign_in("other@example.com")  # takes the invitation up, under the same id
    assert (await demo.get(f"/members/{made.json()['id']}")).json()["state"] == "member"
    assert (await demo.act("POST", "/members", body)).json()["id"] == made.json()["id"]
    there = {"X-Aif-Tenant": iam.DEMO.tenant_id}
    seen = (await other.get("/auth/session", headers=there)).json()
    assert seen["tenant"]["name"] == "Demo" and [p["name"] for p in seen["projects"]] == ["shared"]
    assert {t["name"] for t in seen["tenants"]} == {"Demo", "Other"} and seen["roles"] == ["viewer"]
    assert [p["id"] for p in (await other.get("/projects", headers=there)).json()["items"]] == [project]
    assert {q["project_id"] for q in (await other.get("/quotas", headers=there)).json()["items"]} == {project}
    assert (await other.act("POST", "/projects", {"name": "mine"}, there)).status_code == 403
    assert (await other.get("/members", headers=there)).status_code == 403
    assert (await demo.act("DELETE", f"/members/{made.json()['id']}")).status_code == 204
    assert (await other.get("/projects", headers=there)).json()["code"] == "not_your_tenant"


async def test_the_grant_version_moves_with_every_change_of_rights(demo, other, tx_as):
    async def version() -> int:
        async with tx_as(role="worker") as tx:
            return await tx.value("select grant_version from iam.users where email = 'other@example.com'")

    before = await version()
    made = (await demo.act("POST", "/members", {"email": "other@example.com", "role": "viewer"})).json()
    await other.sign_in("other@example.com")
    added = await version()
    await demo.act("DELETE", f"/members/{made['id']}")
    assert before < added < await version()


async def test_nobody_gives_more_than_they_have(demo, other):
    """A project admin may bring people into the project, but neither into the tenant nor above themselves."""
    project = (await demo.act("POST", "/projects", {"name": "shared"})).json()["id"]
    await demo.act("POST", "/members", {"email": "other@example.com", "role": "project_admin", "project_id": project})
    await other.sign_in("other@example.com")
    there = {"X-Aif-Tenant": iam.DEMO.tenant_id}
    for body, status in (
        ({"email": "admin@example.com", "role": "member", "project_id": project}, 201),
        ({"email": "admin@example.com", "role": "member"}, 403),
        ({"email": "admin@example.com", "role": "tenant_admin"}, 403),
        ({"email": "other@example.com", "role": "tenant_admin"}, 403),
        ({"email": "other@example.com", "role": "tenant_admin", "project_id": project}, 422),
        ({"email": "other@example.com", "role": "platform_admin"}, 403),
    ):
        assert (await other.act("POST", "/members", body, there)).status_code == status, body
    admins = [m for m in (await demo.get("/members")).json()["items"] if m["role"] == "tenant_admin"]
    assert (await other.act("DELETE", f"/members/{admins[0]['id']}", headers=there)).status_code == 403


async def test_a_platform_role_cannot_be_given_here(demo):
    answer = await demo.act("POST", "/members", {"email": "other@example.com", "role": "platform_admin"})
    assert answer.status_code == 422 and answer.json()["field"] == "role"


async def test_the_last_admin_stays(demo, other):
    admin = next(m for m in (await demo.get("/members")).json()["items"] if m["role"] == "tenant_admin")
    assert (await demo.act("DELETE", f"/members/{admin['id']}")).json()["code"] == "last_admin"
    await demo.act("POST", "/members", {"email": "other@example.com", "role": "tenant_admin"})
    assert (await demo.act("DELETE", f"/members/{admin['id']}")).json()["code"] == "last_admin", "invited is not there"
    await other.sign_in("other@example.com")
    assert (await demo.act("DELETE", f"/members/{admin['id']}")).status_code == 204
    assert (await demo.get("/members")).status_code == 403


async def test_whether_an_address_is_known_here_is_told_to_nobody(demo, other):
    """Answer, list and headers are the same for somebody with an account and for nobody."""

    async def told(email: str) -> str:
        made = await demo.act("POST", "/members", {"email": email, "role": "member"})
        again = await demo.act("POST", "/members", {"email": email, "role": "member"})
        assert made.status_code == again.status_code == 201 and made.json() == again.json()
        listed = next(m for m in (await demo.get("/members")).json()["items"] if m["id"] == made.json()["id"])
        assert listed == made.json()
        same = {"id": "X", "email": "X", "created_at": "X"}
        return str(made.json() | same) + str(sorted(set(made.headers) - {"x-request-id"}))

    assert await told("other@example.com") == await told("nobody@example.com")


async def test_an_invitation_can_be_taken_back_and_ends(demo, other, owner_url):
    there = {"X-Aif-Tenant": iam.DEMO.tenant_id}
    body = {"email": "other@example.com", "role": "viewer"}
    made = (await demo.act("POST", "/members", body)).json()
    assert (made["state"], made["user_id"], made["name"]) == ("invited", "", "")
    assert (await demo.act("DELETE", f"/members/{made['id']}")).status_code == 204
    assert (await demo.get(f"/members/{made['id']}")).status_code == 404
    await other.sign_in("other@example.com")
    assert (await other.get("/projects", headers=there)).json()["code"] == "not_your_tenant"
    late = (await demo.act("POST", "/members", body)).json()
    with psycopg.connect(owner_url) as owner:
        owner.execute("update iam.invitations set expires_at = kernel.now() where id = %s", (late["id"],))
    await other.sign_in("other@example.com")
    assert (await other.get("/projects", headers=there)).json()["code"] == "not_your_tenant"
    assert late["id"] not in (await demo.get("/members")).text
    assert (await demo.act("POST", "/members", body)).json()["id"] == late["id"], "inviting again prolongs it"
    await other.sign_in("other@example.com")
    assert (await other.get("/projects", headers=there)).status_code == 200


@pytest.mark.parametrize(
    "email", ["nobody", "@example.com", "a@", "a b@example.com", "a@b@example.com", "İ@example.com"]
)
async def test_what_is_no_address_is_refused(demo, email):
    answer = await demo.act("POST", "/members", {"email": email, "role": "member"})
    assert (answer.status_code, answer.json()["field"]) == (422, "email")


async def test_only_so_many_invitations_are_open(demo, monkeypatch):
    from aifactory.domains.iam import members

    monkeypatch.setattr(members, "MOST_INVITED", 2)
    answers = [await demo.act("POST", "/members", {"email": f"a{n}@example.com", "role": "member"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]


async def test_a_tenant_that_is_not_mine_answers_like_none(demo):
    for tenant in (iam.OTHER.tenant_id, "tnt_" + "0" * 26, "nonsense", "'; drop table iam.users; --"):
        answer = await demo.get("/projects", headers={"X-Aif-Tenant": tenant})
        assert answer.status_code == 403 and answer.json()["code"] == "not_your_tenant"
        assert answer.json()["detail"].replace(tenant, "X") == "You have no role in a tenant 'X'." or "'" in tenant


async def test_a_visitor_is_refused_everywhere(house):
    visitor = house.browser()
    for path in ("/projects", "/members", "/keys", "/ssh-keys", "/quotas", "/audit", "/audit/verify", "/admin/tenants",
                 "/admin/audit", "/auth/explain?permission=project.read"):  # fmt: skip
        answer = await visitor.get(path)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer"), path


async def test_tenants_do_not_operate_the_platform(demo, house):
    for path in ("/admin/tenants", f"/admin/tenants/{iam.OTHER.tenant_id}", "/admin/audit", "/admin/audit/verify"):
        assert (await demo.get(path)).status_code == 403
    operator = await house.browser().sign_in("admin@example.com")
    assert {t["name"] for t in (await operator.get("/admin/tenants")).json()["items"]} == {"Demo", "Other", "Operator"}
    assert (await operator.get("/admin/tenants/tnt_nobody")).status_code == 404


async def test_a_decision_explains_itself(demo):
    project = (await demo.get("/projects")).json()["items"][0]["id"]
    answer = (await demo.get(f"/auth/explain?permission=allocation.create&project_id={project}")).json()
    assert answer["allowed"] is True and answer["because"].startswith("user demo@example.com is ")
    assert any(item["used"] and item["grants_permission"] for item in answer["evidence"])
    for permission in ("platform.node.read", "allocation.fly", "platform."):
        refused = (await demo.get(f"/auth/explain?permission={permission}")).json()
        assert refused["allowed"] is False and refused["because"]
    absent = (await demo.get("/auth/explain?permission=project.read&project_id=prj_none")).json()
    assert absent["allowed"] is False and "no project prj_none" in absent["because"]


async def test_lists_come_in_pages(demo):
    for number in range(5):
        await demo.act("POST", "/projects", {"name": f"p{number}"})
    names, cursor = [], None
    while True:
        page = (await demo.get("/projects", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        names += [project["name"] for project in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == ["p4", "p3", "p2", "p1", "p0", "default"]
