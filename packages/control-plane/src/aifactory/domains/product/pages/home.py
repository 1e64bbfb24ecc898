"""The first page after signing in: what runs, what it costs, what there is to spend."""

from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.facade import QuotaView
from aifactory.domains.product.pages.read_model import Listed, WalletPart, page, wallet_part
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.provisioning.facade import AllocationFilter, AllocationView
from aifactory.kernel.pagination import Page
from aifactory.kernel.read_cache import kept
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("product", "/pages/home")
NEWEST = Page(limit=20)


class HomePage(BaseModel):
    """The newest allocations, the quotas, and the wallet for those who may see money (else null)."""

    as_of: datetime
    allocations: Listed[AllocationView]
    quotas: list[QuotaView]
    wallet: WalletPart | None


@router.get("", permission="allocation.read", response_model=HomePage)
@kept
async def home_page(request: Request, tx: TenantTx) -> Response:
    parts = {
        "allocations": provisioning.list_allocations(tx, NEWEST, AllocationFilter()),
        "quotas": iam.quota_usage(tx),
        "wallet": wallet_part(tx),
    }
    return await page(tx, request, parts)
