"""Which machines the simulated fleet has. Names and figures are those of real products; nothing here is a machine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from aifactory_protocol.inventory import Gpu, Inventory, Isolation, Slot, VolumeDriver

GB = 10**9
SSH_HOST = "127.0.0.1"
ISOLATION = Isolation(
    "simulated",
    isolates=[],
    not_isolated=["everything: this node is simulated, and nothing of yours runs on it"],
    limits=[],
    not_limited=["everything: there is no hardware"],
)
VOLUMES = VolumeDriver("simulated", False, "volumes are remembered by name and size; they hold no data")


@dataclass(frozen=True)
class Design:
    """One kind of node. `slots` shares of it are sold as `sku`; memory in 10**9 bytes; watts of one accelerator at most."""

    word: str
    nodes: int
    vendor: str
    model: str
    accelerators: int
    accelerator_memory_gb: int
    accelerator_watts: int
    cpus: int
    memory_gb: int
    sku: str
    slots: int = 1


DESIGNS = (
    Design("h100", 8, "NVIDIA", "H100", 8, 80, 700, 224, 2048, "demo.h100.1", 8),
    Design("h100x8", 4, "NVIDIA", "H100", 8, 80, 700, 224, 2048, "demo.h100.8"),
    Design("h200", 8, "NVIDIA", "H200", 8, 141, 700, 224, 2048, "demo.h200.8"),
    Design("b200", 6, "NVIDIA", "B200", 8, 180, 1000, 224, 4096, "demo.b200.8"),
    Design("mi300x", 8, "AMD", "MI300X", 8, 192, 750, 192, 2304, "demo.mi300x.8"),
    Design("gaudi3", 8, "Intel", "Gaudi 3", 8, 128, 900, 160, 1024, "demo.gaudi3.8"),
    Design("cs3", 2, "Cerebras", "CS-3", 1, 44, 23000, 64, 1024, "demo.cs3.1"),
    Design("ai100", 4, "Qualcomm", "Cloud AI 100 Ultra", 8, 128, 150, 96, 768, "demo.ai100.1", 8),
    Design("cpu", 16, "generic", "x86-64 server", 0, 0, 0, 32, 128, "demo.cpu.16", 2),
)


@dataclass(frozen=True)
class Machine:
    """One simulated node before it has an identity."""

    name: str
    design: Design

    @property
    def hardware(self) -> str:
        """For people, always with what it is not."""
        count = f"{self.design.accelerators} x " if self.design.accelerators > 1 else ""
        return f"{count}{self.design.vendor} {self.design.model}, simulated"

    def inventory(self) -> Inventory:
        """What the node claims to be, with the claim that it is simulated."""
        design = self.design
        slot = (design.cpus * 1000 // design.slots, design.memory_gb * GB // design.slots, 4096)
        return Inventory(
            hostname=self.name,
            os="simulated",
            kernel="simulated",
            cpus=design.cpus,
            memory_bytes=design.memory_gb * GB,
            disk_bytes=30_000 * GB,
            gpus=[self._accelerator(index) for index in range(design.accelerators)],
            slots=[Slot(index, design.sku, *slot) for index in range(design.slots)],
            isolation=ISOLATION,
            volume_driver=VOLUMES,
            ssh_host=SSH_HOST,
            simulated=True,
        )

    def _accelerator(self, index: int) -> Gpu:
        design = self.design
        uuid = f"SIMULATED-{self.name}-{index}"
        return Gpu(design.vendor, design.model, uuid, design.accelerator_memory_gb * GB)


def machines(limit: int | None = None) -> list[Machine]:
    """The fleet, kinds taking turns, so that its first few machines already are one of each kind."""
    by_kind = [[Machine(f"demo-{d.word}-{n:02d}", d) for n in range(1, d.nodes + 1)] for d in DESIGNS]
    mixed = [machine for turn in zip_longest(*by_kind) for machine in turn if machine]
    return mixed[:limit]
