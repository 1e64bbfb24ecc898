"""One allocation with its whole story: what the detail page polls while something changes."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response

from aifactory.domains.product.pages.read_model import page
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.provisioning.facade import AllocationView, TransitionView
from aifactory.kernel.read_cache import kept
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("product", "/pages/allocation")


@dataclass(frozen=True)
class AllocationPage:
    """The allocation and every transition of its flow."""

    as_of: datetime
    allocation: AllocationView
    timeline: list[TransitionView]


@router.get("/{allocation_id}", permission="allocation.read", response_model=AllocationPage)
@kept
async def allocation_page(allocation_id: str, request: Request, tx: TenantTx) -> Response:
    """404 for an id that is not of the caller's tenant, as for one that never was."""
    parts = {"allocation": provisioning.show(tx, allocation_id), "timeline": provisioning.events(tx, allocation_id)}
    return await page(tx, request, parts)
