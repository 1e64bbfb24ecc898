"""Tenants, their projects, and the relationship tuples inside them."""

from psycopg.types.json import Jsonb

from aifactory.domains.iam.views import MemberView, NamedRef, ProjectView, TenantView
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

TENANT_COLUMNS = "id, tenant_id, name, labels, state, state_reason, generation, created_at, updated_at, deleted_at"
INSERT_TENANT = "insert into iam.tenants (id, name) values (%(id)s, %(name)s) on conflict (id) do nothing"
TENANT = f"select {TENANT_COLUMNS} from iam.tenants where id = %(id)s"
TENANTS = f"""
    select {TENANT_COLUMNS} from iam.tenants
    where (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""

SET_STATE = f"""
    update iam.tenants set state = %(state)s, state_reason = %(reason)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and state <> %(state)s returning {TENANT_COLUMNS}
"""

PROJECT_COLUMNS = (
    "id, tenant_id, id as project_id, name, is_default, labels, state, generation, created_at, updated_at, deleted_at"
)
INSERT_PROJECT = """
    insert into iam.projects (id, tenant_id, name, is_default, labels)
    values (%(id)s, kernel.tenant(), %(name)s, %(is_default)s, %(labels)s)
    on conflict do nothing
"""
PROJECT = f"select {PROJECT_COLUMNS} from iam.projects where id = %(id)s and deleted_at is null"
LOCK_PROJECT = PROJECT + " for update"
DEFAULT_PROJECT = f"select {PROJECT_COLUMNS} from iam.projects where is_default and deleted_at is null"
PROJECTS = f"""
    select {PROJECT_COLUMNS} from iam.projects
    where deleted_at is null and (%(only)s::text[] is null or id = any(%(only)s))
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""
PROJECT_NAMES = "select id, name from iam.projects where deleted_at is null order by is_default desc, name limit 1000"
RENAME_PROJECT = """
    update iam.projects
    set name = %(name)s, labels = %(labels)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""
COUNT_PROJECTS = "select count(*) from iam.projects where deleted_at is null"
NAME_TAKEN = "select exists (select from iam.projects where name = %(name)s and deleted_at is null and id <> %(id)s)"
DELETE_PROJECT = """
    update iam.projects
    set state = 'deleted', deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s
"""

INSERT_RELATION = """
    insert into iam.relations (id, tenant_id, project_id, subject, relation, created_by)
    values (%(id)s, kernel.tenant(), %(project_id)s, 'user:' || %(user_id)s::text, %(role)s, %(created_by)s)
    on conflict (subject, relation, object) where removed_at is null do nothing
"""
MEMBER_COLUMNS = """
    r.id, r.tenant_id, r.project_id, p.user_id, p.email, p.name, r.relation as role, r.object, r.created_at, r.created_by,
    'member' as state
"""
INVITED_COLUMNS = """
    i.id, i.tenant_id, i.project_id, '' as user_id, i.email, '' as name, i.role, i.object, i.created_at, i.created_by,
    'invited' as state
"""
INVITED_FROM = """
    from iam.invitations i where i.accepted_at is null and i.removed_at is null and i.expires_at > kernel.now()
"""
MEMBERS_FROM = "from iam.relations r join iam.people_of_tenant() p on 'user:' || p.user_id = r.subject"
MEMBER = f"""
    select {MEMBER_COLUMNS} {MEMBERS_FROM} where r.id = %(id)s and r.removed_at is null
    union all
    select {INVITED_COLUMNS} {INVITED_FROM} and i.id = %(id)s
"""
MEMBER_WITH = f"""
    select {MEMBER_COLUMNS} {MEMBERS_FROM}
    where p.user_id = %(user_id)s and r.relation = %(role)s and r.removed_at is null
      and r.project_id is not distinct from %(project_id)s
"""
MEMBERS = f"""
    select * from (
        select {MEMBER_COLUMNS} {MEMBERS_FROM} where r.removed_at is null
        union all
        select {INVITED_COLUMNS} {INVITED_FROM}
    ) m
    where (%(project_id)s::text is null or project_id = %(project_id)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""
KNOWN = "select user_id from iam.people_of_tenant() where email = %(email)s"
REMOVE_RELATION = """
    update iam.relations set removed_at = kernel.now() where id = %(id)s and removed_at is null
"""
REMOVE_PROJECT_RELATIONS = """
    update iam.relations set removed_at = kernel.now() where project_id = %(project_id)s and removed_at is null
"""
LOCK_ADMINS = """
    select id from iam.relations
    where relation = 'tenant_admin' and removed_at is null order by id for update
"""


def _after(page: Page) -> dict[str, object]:
    after_at, after_id = page.after or (None, None)
    return {"limit": page.limit + 1, "after_at": after_at, "after_id": after_id}


async def insert_tenant(tx: Tx, tenant_id: str, name: str) -> bool:
    return await tx.run(INSERT_TENANT, {"id": tenant_id, "name": name}) == 1


async def tenant(tx: Tx, tenant_id: str) -> TenantView | None:
    return await tx.one(TENANT, {"id": tenant_id}, into=TenantView)


async def tenants(tx: Tx, page: Page) -> list[TenantView]:
    """Operators see all, a tenant itself."""
    return await tx.all(TENANTS, _after(page), into=TenantView)


async def set_state(tx: Tx, tenant_id: str, state: str, reason: str) -> TenantView | None:
    """None when it is in that state already, or is not there. Operators only."""
    return await tx.one(SET_STATE, {"id": tenant_id, "state": state, "reason": reason}, into=TenantView)


async def insert_project(tx: Tx, project_id: str, name: str, *, is_default: bool, labels: dict[str, str]) -> bool:
    """False when the name is taken."""
    values = {"id": project_id, "name": name, "is_default": is_default, "labels": Jsonb(labels)}
    return await tx.run(INSERT_PROJECT, values) == 1


async def project(tx: Tx, project_id: str, *, lock: bool = False) -> ProjectView | None:
    return await tx.one(LOCK_PROJECT if lock else PROJECT, {"id": project_id}, into=ProjectView)


async def default_project(tx: Tx) -> ProjectView | None:
    return await tx.one(DEFAULT_PROJECT, into=ProjectView)


async def projects(tx: Tx, page: Page, only: list[str] | None) -> list[ProjectView]:
    """`only`: these ids at most; None means all of the tenant's."""
    return await tx.all(PROJECTS, _after(page) | {"only": only}, into=ProjectView)


async def project_names(tx: Tx) -> list[NamedRef]:
    return await tx.all(PROJECT_NAMES, into=NamedRef)


async def rename_project(tx: Tx, project_id: str, name: str, labels: dict[str, str]) -> None:
    await tx.run(RENAME_PROJECT, {"id": project_id, "name": name, "labels": Jsonb(labels)})


async def name_taken(tx: Tx, name: str, project_id: str) -> bool:
    return bool(await tx.value(NAME_TAKEN, {"name": name, "id": project_id}))


async def count_projects(tx: Tx) -> int:
    return int(await tx.value(COUNT_PROJECTS))


async def delete_project(tx: Tx, project_id: str) -> None:
    await tx.run(DELETE_PROJECT, {"id": project_id})
    await tx.run(REMOVE_PROJECT_RELATIONS, {"project_id": project_id})


async def known_person(tx: Tx, email: str) -> str | None:
    """Of those who belong, or belonged, to this tenant: whoever manages members sees their addresses anyway."""
    return await tx.value(KNOWN, {"email": email})


async def insert_relation(
    tx: Tx, user_id: str, role: str, project_id: str | None, created_by: str, relation_id: str = ""
) -> bool:
    """False when the person holds the role already."""
    values = {
        "id": relation_id or tx.ids.new("rel"),
        "user_id": user_id,
        "role": role,
        "project_id": project_id,
        "created_by": created_by,
    }
    return await tx.run(INSERT_RELATION, values) == 1


async def member(tx: Tx, relation_id: str) -> MemberView | None:
    return await tx.one(MEMBER, {"id": relation_id}, into=MemberView)


async def member_with(tx: Tx, user_id: str, role: str, project_id: str | None) -> MemberView | None:
    return await tx.one(MEMBER_WITH, {"user_id": user_id, "role": role, "project_id": project_id}, into=MemberView)


async def members(tx: Tx, page: Page, project_id: str | None) -> list[MemberView]:
    return await tx.all(MEMBERS, _after(page) | {"project_id": project_id}, into=MemberView)


async def lock_admins(tx: Tx) -> int:
    """How many tenant admins there are; none can go while this transaction lasts."""
    return len(await tx.all(LOCK_ADMINS))


async def remove_relation(tx: Tx, relation_id: str) -> None:
    await tx.run(REMOVE_RELATION, {"id": relation_id})
