"""Limits and reservations. A tenant's rows are locked before a project's, each in one order, so that two callers never
wait in a ring."""

from dataclasses import dataclass

from aifactory.domains.iam.views import QuotaView, TenantQuotaView
from aifactory.kernel.db import Tx

COLUMNS = 'tenant_id, project_id, resource, limit_amount as "limit", used, generation'
TENANT_COLUMNS = 'tenant_id, resource, limit_amount as "limit", used, generation'
# One round trip for both. Each part runs to its end before the next begins, as the append below asks for them.
LOCK = """
    with whole as materialized (
        select tenant_id, null::text as project_id, resource, limit_amount, used, generation
        from iam.tenant_quota_limits where tenant_id = kernel.tenant() order by resource for update
    ), part as materialized (
        select tenant_id, project_id, resource, limit_amount, used, generation
        from iam.quota_limits where project_id = %(project_id)s order by resource for update
    )
    select * from whole union all select * from part
"""
LIMITS = f"""
    select {COLUMNS} from iam.quota_limits
    where (%(tenant_id)s::text is null or tenant_id = %(tenant_id)s)
      and (%(project_id)s::text is null or project_id = %(project_id)s)
    order by project_id, resource limit 1000
"""
TENANT_LIMITS = f"""
    select {TENANT_COLUMNS} from iam.tenant_quota_limits where tenant_id = %(tenant_id)s order by resource
"""
INSERT_LIMITS = """
    with whole as (
        insert into iam.tenant_quota_limits (tenant_id, resource, limit_amount)
        select kernel.tenant(), resource, amount
        from unnest(%(resources)s::text[], %(limits)s::bigint[]) as wanted (resource, amount) order by resource
        on conflict (tenant_id, resource) do nothing
    )
    insert into iam.quota_limits (tenant_id, project_id, resource, limit_amount)
    select kernel.tenant(), %(project_id)s, resource, amount
    from unnest(%(resources)s::text[], %(limits)s::bigint[]) as wanted (resource, amount) order by resource
    on conflict (project_id, resource) do nothing
"""
SET_LIMIT = f"""
    update iam.quota_limits
    set limit_amount = %(limit)s, generation = generation + 1, updated_at = kernel.now()
    where tenant_id = %(tenant_id)s and project_id = %(project_id)s and resource = %(resource)s
    returning {COLUMNS}
"""
SET_TENANT_LIMIT = f"""
    insert into iam.tenant_quota_limits (tenant_id, resource, limit_amount)
    select id, %(resource)s, %(limit)s from iam.tenants where id = %(tenant_id)s
    on conflict (tenant_id, resource) do update
    set limit_amount = excluded.limit_amount, generation = tenant_quota_limits.generation + 1, updated_at = kernel.now()
    returning {TENANT_COLUMNS}
"""
WIDEN_TENANT = f"""
    update iam.tenant_quota_limits
    set limit_amount = %(limit)s, generation = generation + 1, updated_at = kernel.now()
    where tenant_id = %(tenant_id)s and resource = %(resource)s and limit_amount < %(limit)s
    returning {TENANT_COLUMNS}
"""
RESERVATION = """
    select amount, project_id, released_at is not null as released
    from iam.quota_reservations where subject_id = %(subject_id)s and resource = %(resource)s
"""
TAKE = """
    with taken as (
        insert into iam.quota_reservations (tenant_id, subject_id, project_id, resource, amount)
        values (kernel.tenant(), %(subject_id)s, %(project_id)s, %(resource)s, %(amount)s)
    ), whole as (
        update iam.tenant_quota_limits set used = used + %(amount)s, updated_at = kernel.now()
        where tenant_id = kernel.tenant() and resource = %(resource)s
    )
    update iam.quota_limits set used = used + %(amount)s, updated_at = kernel.now()
    where project_id = %(project_id)s and resource = %(resource)s
"""
PROJECTS_OF_SUBJECT = """
    select distinct project_id from iam.quota_reservations
    where subject_id = %(subject_id)s and released_at is null order by project_id
"""
RELEASE = """
    with given_back as (
        update iam.quota_reservations set released_at = kernel.now()
        where subject_id = %(subject_id)s and released_at is null
        returning tenant_id, project_id, resource, amount
    ), whole as (
        update iam.tenant_quota_limits w set used = w.used - g.amount, updated_at = kernel.now()
        from given_back g where w.tenant_id = g.tenant_id and w.resource = g.resource
    )
    update iam.quota_limits l set used = l.used - g.amount, updated_at = kernel.now()
    from given_back g where l.project_id = g.project_id and l.resource = g.resource
"""


@dataclass(frozen=True)
class ReservationRow:
    amount: int
    project_id: str
    released: bool


@dataclass(frozen=True)
class Locked:
    """Limits by resource, ours until the transaction ends."""

    tenant: dict[str, TenantQuotaView]
    project: dict[str, QuotaView]


async def lock(tx: Tx, project_id: str) -> Locked:
    found = Locked({}, {})
    for tenant_id, project, resource, limit, used, generation in await tx.all(LOCK, {"project_id": project_id}):
        if project is None:
            found.tenant[resource] = TenantQuotaView(tenant_id, resource, limit, used, generation)
        else:
            found.project[resource] = QuotaView(tenant_id, project, resource, limit, used, generation)
    return found


async def limits(tx: Tx, project_id: str | None, tenant_id: str | None = None) -> list[QuotaView]:
    """`tenant_id` is for operators, who see every tenant's rows."""
    return await tx.all(LIMITS, {"project_id": project_id, "tenant_id": tenant_id}, into=QuotaView)


async def tenant_limits(tx: Tx, tenant_id: str) -> list[TenantQuotaView]:
    return await tx.all(TENANT_LIMITS, {"tenant_id": tenant_id}, into=TenantQuotaView)


async def insert_limits(tx: Tx, project_id: str, wanted: dict[str, int]) -> None:
    """Of the project, and of the tenant where it has none."""
    values = {"project_id": project_id, "resources": list(wanted), "limits": list(wanted.values())}
    await tx.run(INSERT_LIMITS, values)


async def set_limit(tx: Tx, tenant_id: str, project_id: str, resource: str, limit: int) -> QuotaView | None:
    values = {"tenant_id": tenant_id, "project_id": project_id, "resource": resource, "limit": limit}
    return await tx.one(SET_LIMIT, values, into=QuotaView)


async def set_tenant_limit(tx: Tx, tenant_id: str, resource: str, limit: int) -> TenantQuotaView | None:
    """None for a tenant that is not there."""
    values = {"tenant_id": tenant_id, "resource": resource, "limit": limit}
    return await tx.one(SET_TENANT_LIMIT, values, into=TenantQuotaView)


async def widen_tenant(tx: Tx, tenant_id: str, resource: str, limit: int) -> TenantQuotaView | None:
    """At least `limit` from now on; None when that is so already."""
    values = {"tenant_id": tenant_id, "resource": resource, "limit": limit}
    return await tx.one(WIDEN_TENANT, values, into=TenantQuotaView)


async def reservation(tx: Tx, subject_id: str, resource: str) -> ReservationRow | None:
    return await tx.one(RESERVATION, {"subject_id": subject_id, "resource": resource}, into=ReservationRow)


async def take(tx: Tx, project_id: str, resource: str, amount: int, subject_id: str) -> None:
    values = {"project_id": project_id, "resource": resource, "amount": amount, "subject_id": subject_id}
    await tx.run(TAKE, values)


async def projects_of_subject(tx: Tx, subject_id: str) -> list[str]:
    return [row[0] for row in await tx.all(PROJECTS_OF_SUBJECT, {"subject_id": subject_id})]


async def release(tx: Tx, subject_id: str) -> int:
    return await tx.run(RELEASE, {"subject_id": subject_id})
