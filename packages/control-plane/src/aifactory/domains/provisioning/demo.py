"""The hardware behind the simulated region's SKUs, as capabilities. Figures are the vendors' published ones for a node."""

from dataclasses import dataclass

from aifactory.domains.provisioning.store import offers as store
from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class HardwareProfile:
    """One SKU. `gpus`: accelerators in it; `accelerator_memory_gb`: of one of them."""

    sku: str
    vendor: str
    model: str
    kind: str
    vcpus: int
    memory_gb: int
    gpus: int = 0
    accelerator_memory_gb: int | None = None
    interconnect: str = ""
    form_factor: str = ""


PROFILES = (
    HardwareProfile("demo.h100.1", "NVIDIA", "H100", "gpu", 28, 256, 1, 80, "NVLink 4", "SXM5"),
    HardwareProfile("demo.h100.8", "NVIDIA", "H100", "gpu", 224, 2048, 8, 80, "NVLink 4", "SXM5"),
    HardwareProfile("demo.h200.8", "NVIDIA", "H200", "gpu", 224, 2048, 8, 141, "NVLink 4", "SXM5"),
    HardwareProfile("demo.b200.8", "NVIDIA", "B200", "gpu", 224, 4096, 8, 180, "NVLink 5", "SXM6"),
    HardwareProfile("demo.mi300x.8", "AMD", "MI300X", "gpu", 192, 2304, 8, 192, "Infinity Fabric", "OAM"),
    HardwareProfile("demo.gaudi3.8", "Intel", "Gaudi 3", "accelerator", 160, 1024, 8, 128, "RoCE, 24 x 200 GbE", "OAM"),
    HardwareProfile("demo.cs3.1", "Cerebras", "CS-3", "accelerator", 64, 1024, 1, 44, "SwarmX", "15U system"),
    HardwareProfile("demo.ai100.1", "Qualcomm", "Cloud AI 100 Ultra", "accelerator", 12, 96, 1, 128, "PCIe 4", "FHFL"),
    HardwareProfile("demo.cpu.16", "generic", "x86-64 server", "cpu", 16, 64),
)


async def open_demo(tx: Tx) -> None:
    """Operator transaction; run again it changes nothing that an operator has set."""
    for profile in PROFILES:
        await store.add_profile(tx, **vars(profile))
