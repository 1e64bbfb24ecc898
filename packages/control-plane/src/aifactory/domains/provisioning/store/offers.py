"""What can be had where: counts of slots and the hardware behind a SKU."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aifactory.kernel.db import Tx

CAPACITY = """
    select region_id, sku, capacity, available, being_cleaned, vcpus_millis, memory_bytes, isolation
    from provisioning.capacity
    where (%(region_id)s::text is null or region_id = %(region_id)s) and (%(sku)s::text is null or sku = %(sku)s)
    order by region_id, sku
"""
PROFILES = """
    select sku, vendor, model, kind, vcpus, memory_gb, gpus, accelerator_memory_gb, interconnect, form_factor
    from provisioning.hardware_profiles order by sku
"""
ADD_PROFILE = """
    insert into provisioning.hardware_profiles
        (sku, vendor, model, kind, vcpus, memory_gb, gpus, accelerator_memory_gb, interconnect, form_factor)
    values (%(sku)s, %(vendor)s, %(model)s, %(kind)s, %(vcpus)s, %(memory_gb)s, %(gpus)s, %(accelerator_memory_gb)s,
            %(interconnect)s, %(form_factor)s)
    on conflict (sku) do nothing
"""


@dataclass(frozen=True)
class Capacity:
    region_id: str
    sku: str
    capacity: int
    available: int
    being_cleaned: int
    vcpus_millis: int
    memory_bytes: int
    isolation: dict[str, Any] | None


@dataclass(frozen=True)
class Profile:
    sku: str
    vendor: str
    model: str
    kind: str
    vcpus: Decimal
    memory_gb: Decimal
    gpus: int
    accelerator_memory_gb: Decimal | None
    interconnect: str
    form_factor: str


async def capacity(tx: Tx, region_id: str | None = None, sku: str | None = None) -> list[Capacity]:
    return await tx.all(CAPACITY, {"region_id": region_id, "sku": sku}, into=Capacity)


async def profiles(tx: Tx) -> dict[str, Profile]:
    return {row.sku: row for row in await tx.all(PROFILES, into=Profile)}


async def add_profile(tx: Tx, **profile: Any) -> None:
    """Operator. What is there stays as it is."""
    await tx.run(ADD_PROFILE, profile)
