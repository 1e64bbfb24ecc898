"""The decision itself: grants add, tenants are walls, what is unknown is refused, and each answer says why."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.domains.iam.authorization import PLATFORM, Target, check, holds_somewhere, projects_with
from aifactory.domains.iam.roles import HOLDERS, PERMISSIONS, ROLES, TENANT_ROLES, is_scope
from aifactory.kernel.principal import Grant, Principal

TENANTS = ["tnt_a", "tnt_b"]
PROJECTS = {"prj_1": "tnt_a", "prj_2": "tnt_a", "prj_3": "tnt_b"}
OBJECTS = [
    "platform",
    *(f"tenant:{t}" for t in TENANTS),
    *(f"project:{p}" for p in PROJECTS),
    "",
    "tenant:",
    "tenant:tnt_a2",
]

grants = st.builds(Grant, st.sampled_from([*ROLES, "root", ""]), st.sampled_from(OBJECTS))
held = st.lists(grants, max_size=6).map(tuple)
permissions = st.sampled_from([*sorted(PERMISSIONS), "allocation.fly", "", "platform.everything", "platform."])
targets = st.sampled_from([PLATFORM, *(Target(t) for t in TENANTS), *(Target(t, p) for p, t in PROJECTS.items())])


def principal(
    tenant_id: str | None, *grants: tuple[str, str], kind: Any = "user", scopes: tuple[str, ...] = ()
) -> Principal:
    """`principal("tnt_a", ("member", "project:prj_1"))`"""
    return Principal("usr_someone", kind, "someone", tenant_id, tuple(Grant(*grant) for grant in grants), scopes=scopes)


def user(tenant: str | None, held: tuple[Grant, ...]) -> Principal:
    return Principal("usr_1", "user", "ada", tenant, held)


@given(held, grants, permissions, targets, st.sampled_from(TENANTS))
def test_a_further_grant_never_takes_anything_away(held, extra, permission, target, tenant):
    if check(user(tenant, held), permission, target).allowed:
        assert check(user(tenant, (*held, extra)), permission, target).allowed
        assert check(user(tenant, (extra, *held)), permission, target).allowed


@given(held, permissions, targets, st.sampled_from(TENANTS))
def test_nothing_of_another_tenant_is_ever_allowed(held, permission, target, tenant):
    if target.tenant_id not in (None, tenant):
        assert not check(user(tenant, held), permission, target).allowed


@given(held, permissions, targets, st.sampled_from([*TENANTS, None]))
def test_allowed_means_that_a_grant_on_the_object_or_around_it_says_so(held, permission, target, tenant):
    decision = check(user(tenant, held), permission, target)
    assert decision.allowed == (decision.grant is not None) and decision.because
    if decision.allowed:
        assert decision.grant in held and permission in ROLES[decision.grant.role]
        around = {"platform"} if target is PLATFORM else {f"tenant:{target.tenant_id}", f"project:{target.project_id}"}
        assert decision.grant.object in around


@given(held, targets, st.sampled_from(TENANTS), st.text(max_size=20))
def test_an_unknown_permission_or_role_is_refused(held, target, tenant, word):
    if word not in PERMISSIONS:
        assert not check(user(tenant, held), word, target).allowed
    if word not in ROLES:
        assert not check(user(tenant, (Grant(word, f"tenant:{tenant}"),)), "project.read", Target(tenant)).allowed


@given(held, permissions, targets, st.sampled_from(TENANTS), st.lists(st.sampled_from([*sorted(PERMISSIONS), *ROLES])))
def test_a_key_never_does_what_its_person_may_not(held, permission, target, tenant, scopes):
    key = Principal("key_1", "api_key", "ci", tenant, held, scopes=tuple(scopes))
    if check(key, permission, target).allowed:
        assert check(user(tenant, held), permission, target).allowed
        assert target is not PLATFORM
        assert any(scope == permission or permission in ROLES.get(scope, ()) for scope in scopes)


@given(held, permissions, st.sampled_from(TENANTS))
def test_the_edge_and_the_exact_object_agree(held, permission, tenant):
    """Whatever the edge refuses is refused for each object too; whatever it lets pass is allowed on some object."""
    who = user(tenant, held)
    mine = [PLATFORM, Target(tenant), *(Target(t, p) for p, t in PROJECTS.items() if t == tenant)]
    # A tuple may name a project of another tenant only in this test: the database's foreign key refuses such a row.
    if any(grant.object in ("", "tenant:", "tenant:tnt_a2", *_foreign(tenant)) for grant in held):
        return
    assert holds_somewhere(who, permission).allowed == any(check(who, permission, target).allowed for target in mine)


def _foreign(tenant: str) -> set[str]:
    return {f"project:{p}" for p, t in PROJECTS.items() if t != tenant} | {
        f"tenant:{t}" for t in TENANTS if t != tenant
    }


@given(held, permissions, st.sampled_from(TENANTS))
def test_lists_are_filtered_by_the_same_rule(held, permission, tenant):
    who = user(tenant, held)
    visible = projects_with(who, permission)
    for project, owner in PROJECTS.items():
        if owner == tenant and not permission.startswith("platform."):
            shown = visible is None or project in visible
            assert shown == check(who, permission, Target(tenant, project)).allowed


@pytest.mark.parametrize("kind", ["service", "agent", "anonymous"])
def test_only_people_and_keys_are_granted_anything(kind):
    who = principal("tnt_a", ("tenant_admin", "tenant:tnt_a"), ("platform_admin", "platform"), kind=kind)
    assert not check(who, "project.read", Target("tnt_a")).allowed
    assert not check(who, "platform.tenant.read", PLATFORM).allowed


def test_a_key_without_scopes_may_nothing():
    who = principal("tnt_a", ("tenant_admin", "tenant:tnt_a"), kind="api_key")
    assert not any(check(who, permission, Target("tnt_a")).allowed for permission in PERMISSIONS)


def test_the_answer_can_be_read():
    who = principal("tnt_a", ("project_admin", "project:prj_1"))
    assert check(who, "allocation.create", Target("tnt_a", "prj_1")).because == (
        "user someone is project_admin of project prj_1 in tenant tnt_a"
    )
    refused = check(who, "allocation.create", Target("tnt_a", "prj_2"))
    assert "holds none of the roles" in refused.because and "project prj_2 in tenant tnt_a" in refused.because


def test_an_operator_has_no_rights_inside_a_tenant():
    who = principal("tnt_a", ("platform_admin", "platform"))
    assert check(who, "platform.node.read", PLATFORM).allowed
    assert not any(check(who, p, Target("tnt_a")).allowed for p in PERMISSIONS if not p.startswith("platform."))


def test_the_table_is_in_order():
    assert all(HOLDERS[permission] for permission in PERMISSIONS)
    assert ROLES["viewer"] <= ROLES["member"] <= ROLES["project_admin"] <= ROLES["tenant_admin"]
    assert ROLES["billing_viewer"] <= ROLES["tenant_admin"]
    assert {p for p in PERMISSIONS if p.startswith("platform.")} == ROLES["platform_admin"]
    assert not is_scope("platform_admin") and not is_scope("platform.node.read") and not is_scope("root")
    assert all(is_scope(role) for role in TENANT_ROLES)


def test_every_permission_that_a_domain_declares_is_held_by_some_role():
    """You broke this with a new permission? Add it to roles.py, or nobody will ever have it."""
    from aifactory.manifests import MANIFESTS

    declared = {permission for manifest in MANIFESTS for permission in manifest.permissions}
    assert declared == PERMISSIONS


def test_a_decision_is_quick():
    """Not a benchmark: only that nothing slow crept in. The budget (150,000 a second) is measured in benchmarks/."""
    who = principal("tnt_a", *((role, f"project:prj_{n}") for n in range(20) for role in ("viewer", "member")))
    target = Target("tnt_a", "prj_19")
    began = time.perf_counter()
    for _ in range(2000):
        check(who, "allocation.create", target)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("role", ["viewer", "billing_viewer"])
def test_a_key_that_only_looks_revokes_nothing_though_its_person_may(role):
    person = principal("tnt_a", (role, "tenant:tnt_a"))
    key = principal("tnt_a", (role, "tenant:tnt_a"), kind="api_key", scopes=(role,))
    assert holds_somewhere(person, "key.revoke").allowed
    assert not holds_somewhere(key, "key.revoke").allowed and not holds_somewhere(key, "key.read").allowed
