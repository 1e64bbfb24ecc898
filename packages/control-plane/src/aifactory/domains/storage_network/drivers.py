"""What a kind of volume can do. Contracts look at capabilities, never at a vendor's name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VolumeDriver:
    """Capability metadata of one provider of volumes. Sizes are in gigabytes (10**9 bytes)."""

    name: str
    title: str
    enforces_size: bool
    survives_release: bool
    attach: str  # "single": one allocation at a time, "shared": many
    bound_to: str  # "node", "region"
    smallest_gb: int
    largest_gb: int
    grows: bool


LOCAL_LOOP = VolumeDriver(
    name="local-loop-ext4",
    title="One ext4 image per volume on the node's own disk",
    enforces_size=True,
    survives_release=True,
    attach="single",
    bound_to="node",
    smallest_gb=1,
    largest_gb=16384,
    grows=False,
)

DRIVERS = {LOCAL_LOOP.name: LOCAL_LOOP}


def driver_for(region_id: str) -> VolumeDriver:
    """The driver that new volumes of a region get. One for now; regions choose theirs when a second one exists."""
    del region_id
    return LOCAL_LOOP
