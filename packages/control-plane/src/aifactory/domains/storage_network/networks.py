"""What tenants ask for about networks."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.storage_network import attachments
from aifactory.domains.storage_network.network import Network, NetworkState, check_name
from aifactory.domains.storage_network.store import attachments as attachment_store
from aifactory.domains.storage_network.store import networks as store
from aifactory.events.storage_network import NetworkCreated, NetworkDeleted
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.resource import Condition

MOST = 50  # of a project
RANGES_TRIED = 64


@dataclass(frozen=True)
class NetworkView:
    """A network as the API shows it. `cidr` holds the addresses that its sandboxes get."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    cidr: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class NetworkList:
    items: list[NetworkView]
    next_cursor: str | None


async def create(
    tx: Tx, name: str, region_id: str, project_id: str | None, labels: dict[str, str] | None = None
) -> NetworkView:
    """Tells `storage_network.network_created`. 409 `network_name_taken` or `too_many_networks`, 422 on a name or region that cannot be."""
    project = project_id or (await iam.default_project(tx)).id
    await iam.require(tx, "network.create", project)
    check_name(name)
    region = await platform_control.region(tx, region_id)
    if await store.count(tx, project) >= MOST:
        raise conflict("too_many_networks", f"A project has at most {MOST} networks.", "Delete one first.")
    made = await _insert(tx, project, region.id, name, labels or {})
    await tx.audit("network.create", made.id, project_id=project, details={"name": name, "cidr": made.cidr})
    await tx.emit(NetworkCreated(made.id, project, name), made.id, made.generation)
    return view(made)


async def _insert(tx: Tx, project: str, region_id: str, name: str, labels: dict[str, str]) -> Network:
    """Ranges are given out in a circle; one that is still somebody's is passed over."""
    network_id = tx.ids.new("net")
    for _ in range(RANGES_TRIED):
        if made := await store.insert(tx, network_id, project, region_id, name, labels):
            return made
        if await store.named(tx, project, name):
            raise conflict(
                "network_name_taken", f"This project has a network called {name} already.", "Choose another name."
            )
    raise Problem(
        503, "no_range_free", "No range of addresses is free", todo="Try again; tell the operator if it stays."
    )


async def show(tx: Tx, network_id: str) -> NetworkView:
    network = await store.one(tx, network_id)
    if network is None:
        raise not_found("network", network_id)
    await iam.require(tx, "network.read", network.project_id)
    return view(network)


async def list_networks(tx: Tx, page: Page, project_id: str | None) -> NetworkList:
    """Those of the projects in which the caller may see networks, newest first."""
    found = await store.many(tx, page, project_id, iam.visible_projects(tx, "network.read"))
    return NetworkList(**page_of([view(row) for row in found], page, key=lambda row: (row.created_at, row.id)))


async def delete(tx: Tx, network_id: str) -> None:
    """Leaves a tombstone and tells `storage_network.network_deleted`. 409 `network_in_use` while sandboxes are in it."""
    await attachment_store.alone(tx)
    network = await store.lock(tx, network_id)
    if network is None:
        raise not_found("network", network_id)
    await iam.require(tx, "network.delete", network.project_id)
    if network.state == NetworkState.DELETED:
        return
    if await attachment_store.taken(tx, network.id):
        raise conflict("network_in_use", f"Sandboxes are in network {network.name}.", "Release them first.")
    version = await store.enter(tx, network.id, NetworkState.DELETED)
    await attachments.changed(tx, networks=[network.id])
    await tx.audit("network.delete", network.id, project_id=network.project_id, details={"name": network.name})
    await tx.emit(NetworkDeleted(network.id, network.project_id, network.name), network.id, version)


def view(network: Network) -> NetworkView:
    return NetworkView(**{name: getattr(network, name) for name in NetworkView.__dataclass_fields__})
