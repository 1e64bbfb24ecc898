"""What operators read beside a node's state, one condition of each type."""

from aifactory.domains.provisioning.store import watching as store
from aifactory.kernel.db import Tx


async def say(tx: Tx, node_id: str, kind: str, reason: str, message: str) -> None:
    """Replaces what was said of this kind."""
    since = (await tx.now()).isoformat()
    condition = {"type": kind, "status": "True", "reason": reason, "message": message[:500], "since": since}
    await store.set_condition(tx, node_id, kind, condition)


async def unsay(tx: Tx, node_id: str, kind: str) -> None:
    """It holds no more."""
    await store.set_condition(tx, node_id, kind, None)
