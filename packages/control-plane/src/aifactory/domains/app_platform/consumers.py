"""What app_platform does when something happened in another domain."""

from aifactory.domains.app_platform import facade
from aifactory.events.provisioning import AllocationReleaseRequested
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx


@consumer("app_platform.end_with_allocation", on=AllocationReleaseRequested)
async def end_with_allocation(tx: Tx, event: AllocationReleaseRequested) -> None:
    """The instances' flows look at once, and not only at their next round."""
    await facade.end_with_allocation(tx, event.allocation_id)
