"""The price book of the simulated region: demo data, marked as such on every row."""

from dataclasses import dataclass
from decimal import Decimal

from aifactory.domains.billing.prices import NewPrice, change_price
from aifactory.domains.billing.store import catalogue
from aifactory.kernel.db import Tx

REGION_ID, CURRENCY, REASON = "demo", "EUR", "demo price book"
NEXT_SECOND = None
WHAT_IT_IS = "Simulated: the price and the bill are real, the hardware is not."


@dataclass(frozen=True)
class DemoPrice:
    """`amount` in the region's currency per hour."""

    sku: str
    name: str
    amount: Decimal


PRICE_BOOK = (
    DemoPrice("demo.h100.1", "NVIDIA H100, 1 of 8 GPUs", Decimal("2.49")),
    DemoPrice("demo.h100.8", "NVIDIA H100, whole node of 8 GPUs", Decimal("19.12")),
    DemoPrice("demo.h200.8", "NVIDIA H200, whole node of 8 GPUs", Decimal("26.40")),
    DemoPrice("demo.b200.8", "NVIDIA B200, whole node of 8 GPUs", Decimal("39.20")),
    DemoPrice("demo.mi300x.8", "AMD MI300X, whole node of 8 GPUs", Decimal("15.92")),
    DemoPrice("demo.gaudi3.8", "Intel Gaudi 3, whole node of 8 accelerators", Decimal("12.80")),
    DemoPrice("demo.cs3.1", "Cerebras CS-3, one system", Decimal("58.00")),
    DemoPrice("demo.ai100.1", "Qualcomm Cloud AI 100 Ultra, 1 of 8 cards", Decimal("0.62")),
    DemoPrice("demo.cpu.16", "CPU node slice, 16 vCPUs", Decimal("0.54")),
)


async def open_demo(tx: Tx) -> None:
    """Operator transaction. What an operator has priced since then stays as it is; run again it changes nothing."""
    await catalogue.allow_purchases(tx, "policy_0000000000000000000000dem0", REGION_ID)
    for item in PRICE_BOOK:
        await catalogue.add_demo_sku(tx, item.sku, f"{item.name} (simulated)", WHAT_IT_IS)
        if not await catalogue.is_priced(tx, item.sku, REGION_ID):
            await change_price(tx, NewPrice(item.sku, REGION_ID, item.amount, CURRENCY, NEXT_SECOND, REASON))
    if not await catalogue.is_priced(tx, "volume.gb", REGION_ID):
        await change_price(tx, NewPrice("volume.gb", REGION_ID, Decimal(0), CURRENCY, NEXT_SECOND, REASON))
