"""What tenants ask for about published ports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network import attachments
from aifactory.domains.storage_network.attachment import Attachment
from aifactory.domains.storage_network.published_port import PublishedPort, PublishedPortState, check_name
from aifactory.domains.storage_network.store import attachments as attachment_store
from aifactory.domains.storage_network.store import published_ports as store
from aifactory.events.storage_network import PublishedPortCreated, PublishedPortDeleted
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.resource import Condition

MOST = 32  # of a sandbox
PORTS_TRIED = 64


@dataclass(frozen=True)
class PublishedPortView:
    """A port of a sandbox that anybody reaches at `address`, once it is open."""

    id: str
    tenant_id: str
    project_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    allocation_id: str
    port: int
    host_port: int
    address: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class PublishedPortList:
    items: list[PublishedPortView]
    next_cursor: str | None


async def create(
    tx: Tx, allocation_id: str, port: int, name: str | None = None, labels: dict[str, str] | None = None
) -> PublishedPortView:
    """Opens a port of the sandbox to anybody, whatever its security groups say; `state` is published once its node says so.

    Tells `storage_network.published_port_created`. 404, 409 `allocation_not_in_a_network`, `port_published_already`,
    `published_port_name_taken`, `too_many_published_ports`.
    """
    await attachment_store.alone(tx)
    attachment = await attachment_store.of_allocation(tx, allocation_id)
    if attachment is None or attachment.node_id is None:
        raise conflict(
            "allocation_not_in_a_network",
            f"{allocation_id[:81]} does not run in a network.",
            "Launch it into a network, wait until it is active, then publish its ports.",
        )
    await iam.require(tx, "published_port.create", attachment.project_id)
    chosen = name or f"{allocation_id[-6:].lower()}-{port}"
    check_name(chosen)
    if await store.count(tx, attachment.id) >= MOST:
        raise conflict("too_many_published_ports", f"A sandbox publishes at most {MOST} ports.", "Close one first.")
    made = await _insert(tx, attachment, port, chosen, labels or {})
    await attachments.changed(tx, ids=[attachment.id])
    details = {"allocation_id": allocation_id, "port": port, "host_port": made.host_port}
    await tx.audit("published_port.create", made.id, project_id=attachment.project_id, details=details)
    event = PublishedPortCreated(made.id, made.project_id, made.name, allocation_id, port, made.host_port)
    await tx.emit(event, made.id, made.generation)
    return view(made)


async def _insert(tx: Tx, attachment: Attachment, port: int, name: str, labels: dict[str, str]) -> PublishedPort:
    """The node's next free port. Ports are given out in a circle; one that is still somebody's is passed over."""
    project, allocation_id = attachment.project_id, attachment.allocation_id
    published_port_id = tx.ids.new("pp")
    for _ in range(PORTS_TRIED):
        row = {"id": published_port_id, "project_id": project, "name": name, "labels": labels, "port": port}
        row |= {"allocation_id": allocation_id, "attachment_id": attachment.id, "node_id": attachment.node_id}
        if await store.insert(tx, **row, wanted_at_generation=attachment.generation + 1):
            made = await store.one(tx, published_port_id)
            assert made is not None, "it was just written"
            return made
        for other_name, other_port in await store.clashes(tx, project, name, allocation_id, port):
            if other_port == port and other_name != name:
                raise conflict("port_published_already", f"Port {port} is published as {other_name}.", "Use that.")
            raise conflict("published_port_name_taken", f"The project has a {name} already.", "Choose another name.")
    raise Problem(503, "no_host_port_free", "No port of the node is free", todo="Try again, or close a port.")


async def show(tx: Tx, published_port_id: str) -> PublishedPortView:
    published_port = await store.one(tx, published_port_id)
    if published_port is None:
        raise not_found("published port", published_port_id)
    await iam.require(tx, "published_port.read", published_port.project_id)
    return view(published_port)


async def list_published_ports(
    tx: Tx, page: Page, project_id: str | None, allocation_id: str | None
) -> PublishedPortList:
    """Those of the projects in which the caller may see published ports, newest first."""
    found = await store.many(tx, page, project_id, allocation_id, iam.visible_projects(tx, "published_port.read"))
    return PublishedPortList(**page_of([view(row) for row in found], page, key=lambda row: (row.created_at, row.id)))


async def delete(tx: Tx, published_port_id: str) -> None:
    """Leaves a tombstone and tells `storage_network.published_port_deleted`. Deleting twice is the same as once."""
    await attachment_store.alone(tx)
    published_port = await store.lock(tx, published_port_id)
    if published_port is None:
        raise not_found("published port", published_port_id)
    await iam.require(tx, "published_port.delete", published_port.project_id)
    if published_port.state == PublishedPortState.DELETED:
        return
    version = await store.enter(tx, published_port.id, PublishedPortState.DELETED)
    await attachments.changed(tx, ids=[published_port.attachment_id])
    await tx.audit(
        "published_port.delete",
        published_port.id,
        project_id=published_port.project_id,
        details={"name": published_port.name},
    )
    await tx.emit(
        PublishedPortDeleted(published_port.id, published_port.project_id, published_port.name),
        published_port.id,
        version,
    )


def view(row: PublishedPort) -> PublishedPortView:
    own = {"state": row.shown_state, "address": f"{row.host}:{row.host_port}"}
    fields: dict[str, Any] = {
        name: getattr(row, name) for name in PublishedPortView.__dataclass_fields__ if name not in own
    }
    return PublishedPortView(**fields | own)
