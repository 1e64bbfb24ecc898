"""/api/v3/admin/tenants: what operators see and set."""

from typing import Any

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import QuotaView, TenantQuotaView, TenantView
from aifactory.domains.iam.schemas import PathId, QuotaPage, QuotaWrite, StateChange, TenantPage
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.reading import together
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("iam", "/admin/tenants")


@router.get("", permission="platform.tenant.read", platform_data=True, response_model=TenantPage)
async def list_tenants(tx: OperatorTx, page: PageQuery) -> dict[str, Any]:
    return page_of(await facade.list_tenants(tx, page), page, lambda tenant: (tenant.created_at, tenant.id))


@router.get("/{tenant_id}", permission="platform.tenant.read")
async def show_tenant(tenant_id: PathId, tx: OperatorTx) -> TenantView:
    return await facade.tenant(tx, tenant_id)


@router.post("/{tenant_id}/suspend", permission="platform.tenant.suspend")
async def suspend_tenant(tenant_id: PathId, body: StateChange, tx: OperatorTx) -> TenantView:
    """From the next request on it may read, pay and release, and begins nothing; what runs goes on."""
    return await facade.suspend_tenant(tx, tenant_id, body.reason)


@router.post("/{tenant_id}/resume", permission="platform.tenant.suspend")
async def resume_tenant(tenant_id: PathId, body: StateChange, tx: OperatorTx) -> TenantView:
    """Everything is as before the suspension."""
    return await facade.resume_tenant(tx, tenant_id, body.reason)


@router.get("/{tenant_id}/quotas", permission="platform.tenant.read")
async def list_tenant_quotas(tenant_id: PathId, tx: OperatorTx) -> QuotaPage:
    items, tenant = await together(
        facade.quota_usage_of_tenant(tx, tenant_id), facade.quota_total_of_tenant(tx, tenant_id)
    )
    return QuotaPage(items=items, tenant=tenant)


@router.put("/{tenant_id}/quotas/{resource}", permission="platform.quota.edit")
async def set_tenant_quota_limit(
    tenant_id: PathId, resource: PathId, body: QuotaWrite, tx: OperatorTx
) -> TenantQuotaView:
    """What all projects of the tenant may hold together."""
    return await facade.set_tenant_quota_limit(tx, tenant_id, resource, body.limit)


@router.put("/{tenant_id}/quotas/{project_id}/{resource}", permission="platform.quota.edit")
async def set_quota_limit(
    tenant_id: PathId, project_id: PathId, resource: PathId, body: QuotaWrite, tx: OperatorTx
) -> QuotaView:
    """A limit below what is in use stops new reservations and takes nothing away. The tenant's own limit is raised to
    it where that is lower."""
    return await facade.set_quota_limit(tx, tenant_id, project_id, resource, body.limit)
