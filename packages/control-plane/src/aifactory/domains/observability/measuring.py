"""Telemetry in and out: a node's batch into rows, rows into what a chart shows."""

from datetime import datetime, timedelta

from aifactory.domains.iam import facade as iam
from aifactory.domains.observability.store import telemetry as store
from aifactory.domains.observability.telemetry import clock_offset_seconds, kept_hours, sort, step_seconds
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import facade as provisioning
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import forbidden, invalid, not_found
from aifactory.kernel.principal import Principal
from aifactory_protocol import METRICS, TelemetryAnswer, TelemetryBatch

MOST_FORGETTING = 400  # calls a round, each of at most ten minutes' points


async def take(tx: Tx, batch: TelemetryBatch) -> TelemetryAnswer:
    """Keeps what a node (the transaction's principal) measured about itself and about the allocations that it holds.
    The same batch again is accepted and changes nothing. 404 for a node that is not there."""
    node_id, arrived_at = tx.principal.id, await tx.now()
    held = await provisioning.allocations_on(tx, node_id)
    offset = clock_offset_seconds(batch, arrived_at)
    if not await store.advance(tx, node_id, batch.stream, batch.sequence, offset):
        return TelemetryAnswer(0, 0)
    found = sort(batch, node_id, held, arrived_at)
    if found.node:
        await store.add_of_node(tx, found.node)
    for tenant_id, looks in found.tenants.items():
        await tx.set_tenant(tenant_id)
        await store.add_of_sandboxes(tx, looks)
    await store.count(tx, node_id, found.accepted, found.dropped)
    return TelemetryAnswer(found.accepted, found.dropped)


async def forget_old(database: Database) -> None:
    """Drops what is older than telemetry is kept, in short transactions."""
    for _ in range(MOST_FORGETTING):
        async with database.tx("worker", Principal.service("observability.forget_points")) as tx:
            if not await store.forget(tx, kept_hours()):
                return


async def of_allocation(
    tx: Tx, allocation_id: str, since: datetime | None, step: int | None, names: list[str]
) -> bytes:
    """The allocation's series since then as JSON bytes. 404 for one that the caller cannot see."""
    place = await provisioning.place_of(tx, allocation_id)
    if tx.role == "tenant":
        await iam.require(tx, "telemetry.read", place.project_id)
    tx.looks_at(place.tenant_id)
    return await store.of_allocation(tx, await _wanted(tx, allocation_id, place.region_id, since, step, names))


async def of_node(tx: Tx, node_id: str, since: datetime | None, step: int | None, names: list[str]) -> bytes:
    """The node's series since then as JSON bytes, for operators. 404 for a node that is not there."""
    if tx.role != "operator":
        raise forbidden("platform.telemetry.read", "figures of nodes are for operators of the platform")
    node = (await provisioning.node_states(tx, [node_id])).get(node_id)
    if node is None:
        raise not_found("node", node_id)
    return await store.of_node(tx, await _wanted(tx, node_id, node.region_id, since, step, names))


async def _wanted(
    tx: Tx, subject_id: str, region_id: str, since: datetime | None, step: int | None, names: list[str]
) -> dict[str, object]:
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise invalid("names", f"There is no metric {unknown[0][:64]!r}.", f"Choose from {', '.join(METRICS)}.")
    until, hours = await tx.now(), kept_hours()
    start = max(since or until - timedelta(hours=1), until - timedelta(hours=hours))
    if start >= until:
        raise invalid("since", "It lies in the future.", "Send an instant of the last hours.")
    step = step_seconds(start, until, step)
    simulated = (await platform_control.region(tx, region_id)).simulated
    return store.wanted(subject_id, simulated, start, until, step, names or None, hours, dict(METRICS))
