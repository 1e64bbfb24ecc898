"""/api/v3/audit: who did what, and the proof that nobody changed the record. /api/v3/admin/audit for operators."""

from typing import Annotated, Any

from fastapi import Query

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import AuditVerification
from aifactory.domains.iam.schemas import NO_NUL, AuditPage, TextFilter
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import OperatorTx, Routes, TenantTx

router = Routes("iam", "/audit")
operator_router = Routes("iam", "/admin/audit")
VERIFYING = 200  # units of the caller's rate: it hashes thousands of records
AfterSeal = Annotated[int, Query(ge=0, le=2**53, description="`next_after_seal` of the part before.")]


@router.get("", permission="audit.read", response_model=AuditPage)
async def list_audit(
    tx: TenantTx, page: PageQuery, target: TextFilter = None, actor: TextFilter = None, action: TextFilter = None
) -> dict[str, Any]:
    """The tenant's records, newest first; by what they were about, by whom, by what was done."""
    return page_of(await facade.audit_entries(tx, page, target, actor, action), page, lambda e: (e.occurred_at, e.id))


@router.get("/verify", permission="audit.read", cost=VERIFYING)
async def verify_audit(tx: TenantTx, after_seal: AfterSeal = 0) -> AuditVerification:
    """Hashes the tenant's chain again, and checks each seal's signature and the exported heads; a long one in parts."""
    return await facade.verify_audit(tx, tx.tenant_id or "", after_seal)


@operator_router.get("", permission="platform.audit.read", response_model=AuditPage)
async def list_all_audit(
    tx: OperatorTx, page: PageQuery, target: TextFilter = None, actor: TextFilter = None, action: TextFilter = None
) -> dict[str, Any]:
    """All tenants' records and the platform's own."""
    return page_of(await facade.audit_entries(tx, page, target, actor, action), page, lambda e: (e.occurred_at, e.id))


@operator_router.get("/verify", permission="platform.audit.read", cost=VERIFYING)
async def verify_any_audit(
    tx: OperatorTx,
    tenant_id: Annotated[str, Query(max_length=80, pattern=NO_NUL)] = "platform",
    after_seal: AfterSeal = 0,
) -> AuditVerification:
    """One tenant's chain, or the platform's own."""
    return await facade.verify_audit(tx, tenant_id, after_seal)
