"""What observability does when something happened elsewhere."""

from aifactory.domains.observability import facade
from aifactory.events.kernel import FlowDeadlineMissed
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx


@consumer("observability.open_incident_on_missed_deadline", on=FlowDeadlineMissed)
async def open_incident_on_missed_deadline(tx: Tx, missed: FlowDeadlineMissed) -> None:
    await facade.open_for_missed_deadline(tx, missed)
