"""Quotas: how much a tenant may hold, and each of its projects at most. Reserving and releasing are idempotent for a
subject (an allocation, a volume)."""

from aifactory.domains.iam.permission_gate import visible_projects
from aifactory.domains.iam.store import quotas as store
from aifactory.domains.iam.views import QuotaView, TenantQuotaView
from aifactory.events.iam import QuotaLimitChanged, TenantQuotaLimitChanged
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found

DEFAULT_LIMITS = {
    "allocations": 10,
    "vcpus": 32,
    "volumes": 20,
    "volume_gb": 1000,
    "buckets": 20,
    "bucket_gb": 1000,
}
MAX_LIMIT = 1_000_000_000


async def reserve(tx: Tx, project_id: str, resource: str, amount: int, subject_id: str) -> None:
    """Holds `amount` for `subject_id`, once, however often it is called.

    409 `quota_exceeded` tells whose limit, used and requested. The limits of tenant and project stay locked until the
    transaction ends.
    """
    if amount <= 0 or resource not in DEFAULT_LIMITS:
        raise ValueError(f"cannot reserve {amount} of {resource}")
    limits = await store.lock(tx, project_id)
    if limits.project and not (resource in limits.project and resource in limits.tenant):  # older than the resource
        await store.insert_limits(tx, project_id, {resource: DEFAULT_LIMITS[resource]})
        limits = await store.lock(tx, project_id)
    if resource not in limits.project:
        raise not_found("project", project_id)
    if await _reserved_already(tx, resource, amount, subject_id):
        return
    for quota in (limits.project[resource], limits.tenant[resource]):
        if quota.used + amount > quota.limit:
            raise exceeded(quota, project_id, amount)
    await store.take(tx, project_id, resource, amount, subject_id)


async def _reserved_already(tx: Tx, resource: str, amount: int, subject_id: str) -> bool:
    held = await store.reservation(tx, subject_id, resource)
    if held is None:
        return False
    if held.released or held.amount != amount:
        raise conflict("quota_already_settled", f"{subject_id} has reserved {resource} before, on other terms.")
    return True


def exceeded(quota: QuotaView | TenantQuotaView, project_id: str, amount: int) -> Exception:
    whose = "project" if isinstance(quota, QuotaView) else "tenant"
    holds = "holds" if whose == "project" else "holds in all of its projects"
    return conflict(
        "quota_exceeded",
        f"The {whose} may hold {quota.limit} {quota.resource}, {holds} {quota.used}, and {amount} more were asked for.",
        "Release something, or ask the operator for a higher limit.",
        project_id=project_id,
        limited_by=whose,
        resource=quota.resource,
        limit=quota.limit,
        used=quota.used,
        requested=amount,
    )


async def release(tx: Tx, subject_id: str) -> None:
    """Gives back everything the subject holds; calling it again changes nothing."""
    for project_id in await store.projects_of_subject(tx, subject_id):
        await store.lock(tx, project_id)
    await store.release(tx, subject_id)


async def usage(tx: Tx, project_id: str | None = None) -> list[QuotaView]:
    """Limits and use, of one project or of every project that the caller may see."""
    rows = await store.limits(tx, project_id)
    visible = visible_projects(tx, "quota.read") if tx.principal.kind in ("user", "api_key") else None
    return [row for row in rows if visible is None or row.project_id in visible]


async def tenant_usage(tx: Tx) -> list[TenantQuotaView]:
    """Over all projects, for those who may see all of them; else nothing."""
    if tx.tenant_id is None or visible_projects(tx, "quota.read") is not None:
        return []
    return await store.tenant_limits(tx, tx.tenant_id)


async def usage_of_tenant(tx: Tx, tenant_id: str) -> list[QuotaView]:
    """Operators only."""
    return await store.limits(tx, None, tenant_id)


async def total_of_tenant(tx: Tx, tenant_id: str) -> list[TenantQuotaView]:
    """Operators only: over all projects of the tenant."""
    return await store.tenant_limits(tx, tenant_id)


async def set_defaults(tx: Tx, project_id: str) -> None:
    """Of a new project; of the tenant too with its first."""
    await store.insert_limits(tx, project_id, DEFAULT_LIMITS)


async def set_limit(tx: Tx, tenant_id: str, project_id: str, resource: str, limit: int) -> QuotaView:
    """Operators only. A limit below what is in use stops new reservations and takes nothing away.

    What a project may hold its tenant may too: a tenant's lower limit is raised with it, and recorded.
    """
    _check_limit(resource, limit)
    widened = await store.widen_tenant(tx, tenant_id, resource, limit)  # first: tenants are locked before projects
    quota = await store.set_limit(tx, tenant_id, project_id, resource, limit)
    if quota is None:
        raise not_found("project", project_id)
    details = {"resource": resource, "limit": limit, "tenant_id": quota.tenant_id}
    await tx.audit("quota.set_limit", project_id, project_id=project_id, details=details, tenant_id=quota.tenant_id)
    event = QuotaLimitChanged(quota.tenant_id, project_id, resource, limit)
    await tx.emit(event, f"{project_id}:{resource}", quota.generation, quota.tenant_id)
    if widened is not None:
        await _tell_tenant_limit(tx, widened)
    return quota


async def set_tenant_limit(tx: Tx, tenant_id: str, resource: str, limit: int) -> TenantQuotaView:
    """Operators only: what all projects of the tenant may hold together. As with projects, it takes nothing away."""
    _check_limit(resource, limit)
    quota = await store.set_tenant_limit(tx, tenant_id, resource, limit)
    if quota is None:
        raise not_found("tenant", tenant_id)
    await _tell_tenant_limit(tx, quota)
    return quota


def _check_limit(resource: str, limit: int) -> None:
    if resource not in DEFAULT_LIMITS:
        raise invalid("resource", f"Known are {', '.join(DEFAULT_LIMITS)}.")
    if not 0 <= limit <= MAX_LIMIT:
        raise invalid("limit", f"A limit lies between 0 and {MAX_LIMIT}.")


async def _tell_tenant_limit(tx: Tx, quota: TenantQuotaView) -> None:
    details = {"resource": quota.resource, "limit": quota.limit, "tenant_id": quota.tenant_id}
    await tx.audit("quota.set_tenant_limit", quota.tenant_id, details=details, tenant_id=quota.tenant_id)
    event = TenantQuotaLimitChanged(quota.tenant_id, quota.resource, quota.limit)
    await tx.emit(event, f"{quota.tenant_id}:{quota.resource}", quota.generation, quota.tenant_id)
