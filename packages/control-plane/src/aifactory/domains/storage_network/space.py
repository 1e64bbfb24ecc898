"""What a node's disk can still promise. Volumes are sparse, so their whole size counts from the moment of placing on,
not what is written. A node that promised more than it has would fail tenants who did nothing wrong.

Placing asks and promises in one transaction, under the region's lock: two launches never get the same room.
"""

from collections.abc import Mapping

from aifactory.domains.storage_network.store import volumes as store
from aifactory.kernel.db import Tx


async def unplaced_bytes(tx: Tx, volume_ids: list[str]) -> int:
    """What those of them need that no node holds yet."""
    return sum(volume.size_bytes for volume in await store.many(tx, volume_ids) if volume.node_id is None)


async def room(tx: Tx, region_id: str, disks: Mapping[str, int]) -> dict[str, int]:
    """`disks`: node -> bytes that volumes may take there. What is left of it, at least 0, over all tenants' volumes.

    Worker transaction; until its end nobody else is promised room in that region.
    """
    await store.lock_space(tx, region_id)
    promised = await store.promised_bytes(tx, list(disks))
    return {node_id: max(0, size - promised.get(node_id, 0)) for node_id, size in disks.items()}


async def promise(tx: Tx, volume_ids: list[str], node_id: str) -> None:
    """That node will make them; see `attach` for when it does."""
    await store.promise(tx, volume_ids, node_id)
