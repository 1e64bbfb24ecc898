"""/api/v3/quotas: limits and use."""

from aifactory.domains.iam import facade
from aifactory.domains.iam.schemas import ProjectFilter, QuotaPage
from aifactory.kernel.reading import together
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("iam", "/quotas")


@router.get("", permission="quota.read")
async def list_quotas(tx: TenantTx, project_id: ProjectFilter = None) -> QuotaPage:
    """Per project and resource: `allocations`, `vcpus`, `volumes` and `buckets` in pieces, `volume_gb` and
    `bucket_gb` in gigabytes."""
    items, tenant = await together(facade.quota_usage(tx, project_id), facade.tenant_quota_usage(tx))
    return QuotaPage(items=items, tenant=tenant)
