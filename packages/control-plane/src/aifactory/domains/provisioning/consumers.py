"""What provisioning does when something happened in another domain."""

from aifactory.domains.provisioning import facade, node_tasks
from aifactory.domains.storage_network.facade import HostAction, wanted_rules
from aifactory.events.billing import CreditExhausted
from aifactory.events.storage_network import NetworkRulesWanted, VolumeErasureWanted
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx


@consumer("provisioning.release_on_credit_exhausted", on=CreditExhausted)
async def release_on_credit_exhausted(tx: Tx, event: CreditExhausted) -> None:
    """The rolling hold could not be extended: what runs on it ends now."""
    await facade.release_for(tx, event.subject_id, "credit_exhausted")


@consumer("provisioning.erase_volume", on=VolumeErasureWanted)
async def erase_volume(tx: Tx, event: VolumeErasureWanted) -> None:
    """Storage has no hands on nodes: the order goes out from here, and the answer goes back through its facade."""
    args = {"volume_id": event.volume_id}
    action = HostAction("volume.delete", event.volume_id, event.generation, event.node_id, args)
    await node_tasks.order_for_storage(tx, action, tx.tenant_id)


@consumer("provisioning.apply_network", on=NetworkRulesWanted)
async def apply_network(tx: Tx, event: NetworkRulesWanted) -> None:
    """What is wanted is read now, not when it was asked for: it may have changed since, and only the newest counts."""
    wanted = await wanted_rules(tx, event.attachment_id)
    if wanted is not None:
        action = HostAction("network.apply", wanted.attachment_id, wanted.generation, wanted.node_id, wanted.args)
        await node_tasks.order_for_storage(tx, action, tx.tenant_id)
