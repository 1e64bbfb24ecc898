"""What storage_network does when something happened, also in its own room: where a flow must not wait for others."""

from aifactory.domains.storage_network import attachments
from aifactory.events.storage_network import NetworkDetached
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx


@consumer("storage_network.forget_member", on=NetworkDetached)
async def forget_member(tx: Tx, event: NetworkDetached) -> None:
    """A flow that detached holds its own row; those of others are touched from here."""
    await attachments.left(tx, event.security_group_ids)
