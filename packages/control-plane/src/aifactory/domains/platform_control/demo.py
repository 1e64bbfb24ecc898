"""The simulated region of a demonstration: opened by `aif up --demo`, closed by an `aif up` without it."""

from aifactory.domains.platform_control.store import registers as store
from aifactory.kernel.db import Tx

REGION_ID = "demo"
NAME, CURRENCY, COUNTRY = "Simulated fleet", "EUR", "DE"


async def open_demo(tx: Tx) -> None:
    """Operator transaction; run again it changes nothing."""
    if await store.open_simulated_region(tx, REGION_ID, NAME, CURRENCY, COUNTRY):
        await tx.audit("region.open", REGION_ID, details={"simulated": True})


async def close_demo(tx: Tx) -> bool:
    """Operator transaction. A closed region is sold no more and shown to nobody but operators. False: it was not open."""
    if not await store.close_region(tx, REGION_ID):
        return False
    await tx.audit("region.close", REGION_ID, details={"simulated": True})
    return True
