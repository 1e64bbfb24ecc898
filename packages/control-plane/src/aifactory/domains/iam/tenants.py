"""Tenants as operators see them, and what they decide about them."""

from aifactory.domains.iam.store import tenants as store
from aifactory.domains.iam.views import TenantView
from aifactory.events.iam import TenantResumed, TenantSuspended
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.pagination import Page


async def list_tenants(tx: Tx, page: Page) -> list[TenantView]:
    """One more than the page holds, newest first."""
    return await store.tenants(tx, page)


async def show(tx: Tx, tenant_id: str) -> TenantView:
    tenant = await store.tenant(tx, tenant_id)
    if tenant is None:
        raise not_found("tenant", tenant_id)
    return tenant


async def suspend(tx: Tx, tenant_id: str, reason: str) -> TenantView:
    """Operators only. From the next request on its people and keys may read, pay and release, and begin nothing; what
    runs goes on. Suspending twice is the same as once."""
    changed = await store.set_state(tx, tenant_id, "suspended", reason)
    if changed is None:
        return await show(tx, tenant_id)
    await tx.audit("tenant.suspend", tenant_id, reason=reason, tenant_id=tenant_id)
    await tx.emit(TenantSuspended(tenant_id, reason), tenant_id, changed.generation, tenant_id)
    return changed


async def resume(tx: Tx, tenant_id: str, reason: str) -> TenantView:
    """Operators only. Everything is as before."""
    changed = await store.set_state(tx, tenant_id, "active", "")
    if changed is None:
        return await show(tx, tenant_id)
    await tx.audit("tenant.resume", tenant_id, reason=reason, tenant_id=tenant_id)
    await tx.emit(TenantResumed(tenant_id, reason), tenant_id, changed.generation, tenant_id)
    return changed
