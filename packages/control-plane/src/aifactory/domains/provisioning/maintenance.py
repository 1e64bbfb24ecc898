"""Taking a node out of service and back: what an operator asks for. The flow does the rest."""

from datetime import datetime, timedelta

from aifactory.domains.provisioning.fleet_views import NodeTransition
from aifactory.domains.provisioning.flows.maintain_node import KIND, MaintainNode
from aifactory.domains.provisioning.flows.watch_node import WatchNode
from aifactory.domains.provisioning.store import maintenance as store
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store.maintenance import NodeInService
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found
from aifactory.kernel.routes import check_etag

LATEST = timedelta(days=30)
CLOCKS_DIFFER = timedelta(seconds=60)  # an operator's "now" may lie a little behind ours


async def drain(tx: Tx, node_id: str, deadline_at: datetime, reason: str, if_match: str | None) -> None:
    """From the commit on nothing new is placed there. Tells node_draining and, for each allocation on it,
    allocation_release_announced; then node_entered_maintenance. 404, 409, 412, 422, 428."""
    node = await _locked(tx, node_id, if_match)
    if node.desired_service != "in_service":
        raise conflict(
            "already_draining",
            f"Node {node.name} is {node.service} already, until {node.drain_deadline_at}.",
            "Resume it first, if another deadline is wanted.",
        )
    if node.service != "in_service":
        raise conflict("node_returning", f"Node {node.name} is {node.service}.", "Wait until it is back in service.")
    now = await tx.now()
    if not now - CLOCKS_DIFFER <= deadline_at <= now + LATEST:
        raise invalid(
            "deadline_at",
            f"The deadline {deadline_at.isoformat()} is not between now and {LATEST.days} days ahead.",
            "Name an instant to come; a deadline of now releases everything at once.",
            code="deadline_out_of_range",
        )
    await store.wish_drain(tx, node_id, deadline_at, reason)
    await flows.intend(tx, KIND, node_id, "maintenance", reason)
    details = {"deadline_at": deadline_at.isoformat(), "name": node.name}
    await tx.audit("node.drain", node_id, reason=reason, details=details)


async def resume(tx: Tx, node_id: str, reason: str, if_match: str | None) -> None:
    """Back into service: at once while it is still draining, after its slots were cleaned anew when people worked on
    it. What was released stays released. Tells node_resumed. 404, 409, 412, 428."""
    node = await _locked(tx, node_id, if_match)
    if node.desired_service == "in_service":
        raise conflict("not_draining", f"Node {node.name} is {node.service}.", "There is nothing to resume.")
    await store.wish_service(tx, node_id)
    await flows.intend(tx, KIND, node_id, "in_service", reason)
    await tx.audit("node.resume", node_id, reason=reason, details={"name": node.name, "from": node.service})


async def events(tx: Tx, node_id: str) -> list[NodeTransition]:
    """What happened to its health and its service, oldest first. 404 for an unknown node."""
    if await node_store.one(tx, node_id) is None:
        raise not_found("node", node_id)
    told = []
    for about, kind in (("health", WatchNode.kind), ("service", KIND)):
        for step in await flows.transitions(tx, kind, node_id):
            same = {name: getattr(step, name) for name in NodeTransition.__dataclass_fields__ if name != "about"}
            told.append(NodeTransition(about=about, **same))
    return sorted(told, key=lambda step: (step.at, step.about, step.seq))


async def _locked(tx: Tx, node_id: str, if_match: str | None) -> NodeInService:
    """Flow first, then node: the order of the flow's steps. A node's flow begins with its first drain."""
    await flows.wake(tx, KIND, node_id)
    node = await store.lock(tx, node_id)
    if node is None:
        raise not_found("node", node_id)
    check_etag(if_match, node.generation)
    if not await store.has_flow(tx, node_id):
        await flows.start(tx, MaintainNode, node_id, None, why="enrolled")
    return node
