"""What provisioning looks after from time to time."""

from aifactory.domains.provisioning.flows.watch_node import KIND, UNANSWERED_SECONDS, WatchNode
from aifactory.domains.provisioning.store import nodes, watching
from aifactory.events.provisioning import NodeUnreachable
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule

SILENT_SECONDS = 60.0  # two long polls of 25 s, and some


async def notice_silent_nodes(database: Database) -> None:
    """Nodes whose agents have not polled for too long get nothing new until they are back.

    Who watches them is woken in a transaction of its own: a watch locks its flow before its node.
    """
    who = Principal.service("provisioning.notice_silent_nodes")
    async with database.tx("worker", who) as tx:
        for node in await nodes.lose_silent(tx, SILENT_SECONDS):
            event = NodeUnreachable(node.id, node.name, node.region_id, node.silent_seconds)
            await tx.emit(event, node.id, node.generation)
    async with database.tx("worker", who) as tx:
        for node_id in await watching.unwatched(tx):
            await flows.start(tx, WatchNode, node_id, None, why="a node to be watched")
        for node_id in await watching.to_look_at(tx, UNANSWERED_SECONDS):
            await flows.wake(tx, KIND, node_id)


NOTICE_SILENT_NODES = Schedule("provisioning.notice_silent_nodes", 10, notice_silent_nodes)
