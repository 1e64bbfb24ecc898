"""The price page, readable by anyone."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.platform_control.facade import RegionView
from aifactory.domains.product.pages.read_model import PUBLIC_FOR_SECONDS, page
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.provisioning.facade import CatalogItem
from aifactory.kernel.read_cache import kept
from aifactory.kernel.routes import PUBLIC, Routes, TenantTx

router = Routes("product", "/pages/catalog")


@dataclass(frozen=True)
class CatalogPage:
    """What is sold where, with live prices and capacity."""

    as_of: datetime
    regions: list[RegionView]
    items: list[CatalogItem]


@router.get("", permission=PUBLIC, response_model=CatalogPage)
@kept
async def catalog_page(request: Request, tx: TenantTx) -> Response:
    """Regions and catalogue in one answer."""
    parts = {"regions": platform_control.regions(tx), "items": provisioning.catalog(tx)}
    return await page(tx, request, parts, PUBLIC_FOR_SECONDS)
