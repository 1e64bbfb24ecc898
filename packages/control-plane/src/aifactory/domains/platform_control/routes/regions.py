"""/api/v3/regions."""

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import RegionList
from aifactory.kernel.routes import PUBLIC, Routes, TenantTx

router = Routes("platform_control", "/regions")


@router.get("", permission=PUBLIC)
async def list_regions(tx: TenantTx) -> RegionList:
    """Where the platform sells, in which currency; real regions first."""
    return RegionList(await facade.regions(tx))
