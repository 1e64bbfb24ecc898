"""/api/v3/catalog and /api/v3/offers: what anyone may look at."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from aifactory.domains.provisioning import facade
from aifactory.domains.provisioning.facade import CatalogItem, Offer
from aifactory.kernel.routes import PUBLIC, Routes, TenantTx

catalog_router = Routes("provisioning", "/catalog")
router = Routes("provisioning", "/offers")
RegionName = Annotated[str | None, Query(max_length=63)]


class CatalogPage(BaseModel):
    items: list[CatalogItem]
    next_cursor: str | None = None


class OfferPage(BaseModel):
    items: list[Offer]
    next_cursor: str | None = None


@catalog_router.get("", permission=PUBLIC)
async def show_catalog(tx: TenantTx, region: RegionName = None) -> CatalogPage:
    """Everything that is sold, with live prices and what is free now."""
    return CatalogPage(items=await facade.catalog(tx, region))


@router.get("", permission=PUBLIC)
async def list_offers(
    tx: TenantTx, sku: Annotated[str | None, Query(max_length=63)] = None, region: RegionName = None
) -> OfferPage:
    """Where a sku can be had, best first: the same elsewhere before something similar."""
    return OfferPage(items=await facade.offers(tx, sku, region))
