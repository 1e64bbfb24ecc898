"""Sandboxes in networks: joined by a launch, regrouped by their tenant, left at the end. The flow keeps nodes in step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network.attachment import KIND, MOST_GROUPS, Attachment, rules_for_node
from aifactory.domains.storage_network.bucket import condition, with_condition
from aifactory.domains.storage_network.flows.keep_attachment import KeepAttachment
from aifactory.domains.storage_network.network import NetworkState
from aifactory.domains.storage_network.security_group import SecurityGroup, SecurityGroupState
from aifactory.domains.storage_network.store import attachments as store
from aifactory.domains.storage_network.store import networks as network_store
from aifactory.domains.storage_network.store import published_ports as port_store
from aifactory.domains.storage_network.store import security_groups as group_store
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.resource import Condition
from aifactory.kernel.routes import check_etag


@dataclass(frozen=True)
class AttachmentView:
    """A sandbox in a network. `applied`: its node holds what is wanted now; `rules` are the lines in which it said so."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    network_id: str
    allocation_id: str
    security_group_ids: list[str]
    address: str
    state: str
    applied: bool
    conditions: list[Condition]
    generation: int
    applied_generation: int
    rules: list[str]
    node_id: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class AttachmentList:
    items: list[AttachmentView]
    next_cursor: str | None


@dataclass(frozen=True)
class WantedRules:
    """What a node is asked: the arguments of its task, and for which generation of the attachment."""

    attachment_id: str
    node_id: str
    generation: int
    args: Mapping[str, Any]


# ---- what tenants ask for ------------------------------------------------------------------------------------------


async def show(tx: Tx, attachment_id: str) -> AttachmentView:
    return view(await _visible(tx, attachment_id, "network.read"))


async def list_attachments(
    tx: Tx, page: Page, network_id: str | None = None, allocation_id: str | None = None
) -> AttachmentList:
    """Of the projects in which the caller may see networks, newest first."""
    found = await store.many(tx, page, network_id, allocation_id, iam.visible_projects(tx, "network.read"))
    return AttachmentList(**page_of([view(row) for row in found], page, key=lambda row: (row.created_at, row.id)))


async def regroup(tx: Tx, attachment_id: str, security_group_ids: list[str], if_match: str | None) -> AttachmentView:
    """Other security groups for a running sandbox. 409 once it has ended, 412 when it was changed meanwhile."""
    await store.alone(tx)
    before = await _visible(tx, attachment_id, "network.create")
    groups = await _groups(tx, security_group_ids, before.project_id)
    touched = await _wake_touched(tx, peers={*groups, *before.security_group_ids}, ids=[before.id])
    row = await store.lock(tx, attachment_id)
    assert row is not None, "attachments leave a tombstone"
    check_etag(if_match, row.generation)
    if row.deleted_at is not None:
        raise conflict("attachment_ended", "This sandbox has ended.", "Launch another into the network.")
    await store.regroup(tx, row.id, groups)
    await store.bump(tx, touched)
    details = {"allocation_id": row.allocation_id, "security_group_ids": groups}
    await tx.audit("network.regroup", row.id, project_id=row.project_id, details=details)
    return view(await _visible(tx, row.id, "network.read"))


# ---- what a launch does with them ----------------------------------------------------------------------------------


async def intend(
    tx: Tx, allocation_id: str, project_id: str, region_id: str, network_id: str, security_group_ids: list[str]
) -> None:
    """Gives the launch an address in the network; its node hears of it once the sandbox runs.

    404, 409 `network_full` or `network_elsewhere`, 422 on groups that cannot be.
    """
    await store.alone(tx)
    network = await network_store.lock(tx, network_id)
    if network is None or network.state == NetworkState.DELETED:
        raise not_found("network", network_id)
    if (network.project_id, network.region_id) != (project_id, region_id):
        raise conflict(
            "network_elsewhere",
            f"Network {network.name} is in region {network.region_id}, in a project of its own.",
            "Choose a network of the launch's project and region.",
        )
    groups = await _groups(tx, security_group_ids, project_id)
    host = network.next_host(await store.taken(tx, network.id))
    if host is None:
        raise conflict("network_full", f"All addresses of {network.name} are taken.", "Use another network.")
    attachment_id = tx.ids.new("natt")
    await network_store.gave_out(tx, network.id, host)
    await store.insert(
        tx,
        id=attachment_id,
        project_id=project_id,
        region_id=region_id,
        network_id=network.id,
        allocation_id=allocation_id,
        security_group_ids=groups,
        address=network.address(host),
    )
    await flows.start(tx, KeepAttachment, attachment_id, tx.tenant_id, why=f"launch {allocation_id}")
    await changed(tx, peers=groups)


async def connect(tx: Tx, allocation_id: str, node_id: str, host: str) -> None:
    """Its sandbox runs on this node, whose published ports are reached at `host`. Calling it again is safe."""
    row = await store.of_allocation(tx, allocation_id)
    if row is not None and row.node_id is None:
        await flows.wake(tx, KIND, row.id)  # flow first, then row: the order of its steps
        await store.placed(tx, row.id, node_id, host)


async def disconnect(tx: Tx, allocation_id: str) -> None:
    """The allocation has ended, and the sandbox took its leg along: address and ports are free again."""
    row = await store.of_allocation(tx, allocation_id)
    if row is not None:
        await flows.intend(tx, KIND, row.id, "detached", f"{allocation_id} has ended")


async def wanted(tx: Tx, attachment_id: str) -> WantedRules | None:
    """What its node has to let pass now; None when there is nothing to ask."""
    row = await store.one(tx, attachment_id)
    if row is None or row.node_id is None or row.deleted_at is not None:
        return None
    groups = [one for one in await group_store.those(tx, row.security_group_ids) if one.deleted_at is None]
    rules = [rule for group in groups for rule in group.rules]
    networks = await network_store.those(tx, _named(rules, "network_id"))
    ranges = {one.id: one.cidr for one in networks if one.deleted_at is None}
    members = await store.members(tx, _named(rules, "security_group_id"))
    ports = await port_store.of_attachment(tx, row.id)
    args = {
        "allocation_id": row.allocation_id,
        "address": row.address,
        "rules": rules_for_node(rules, ranges, members),
        "ports": [{"host_port": port.host_port, "port": port.port} for port in ports],
    }
    return WantedRules(row.id, row.node_id, row.generation, args)


async def related_ids(tx: Tx, allocation_id: str) -> list[str]:
    """The ids under which others tell about an allocation's network and published ports."""
    return await store.related(tx, allocation_id)


async def reported(
    tx: Tx, attachment_id: str, generation: int, *, done: bool, code: str, detail: str, rules: list[str]
) -> None:
    """A node's signed answer. One about an older wish changes nothing."""
    await flows.wake(tx, KIND, attachment_id)  # flow first, then row: the order of its steps
    row = await store.lock(tx, attachment_id)
    if row is None or generation <= max(row.applied_generation, row.refused_generation):
        return
    now = await tx.now()
    if done:
        said = condition("Applied", True, "NodeAgreed", f"The node holds {len(rules)} lines of rules.", now)
    else:
        said = condition("Applied", False, code or "NodeRefused", detail or "The node gave no reason.", now)
    conditions = with_condition(row.conditions, said)
    await store.answered(tx, row.id, generation, conditions, done=done, rules=rules)


async def changed(
    tx: Tx,
    *,
    groups: Iterable[str] = (),
    peers: Iterable[str] = (),
    networks: Iterable[str] = (),
    ids: Iterable[str] = (),
) -> None:
    """Rules of `groups`, members of `peers`, ranges of `networks`, or something of these attachments changed: whoever it
    touches is asked anew. The caller is `alone`, and has locked no attachment yet."""
    await store.bump(tx, await _wake_touched(tx, groups, peers, networks, ids))


async def _wake_touched(
    tx: Tx,
    groups: Iterable[str] = (),
    peers: Iterable[str] = (),
    networks: Iterable[str] = (),
    ids: Iterable[str] = (),
) -> list[str]:
    """Flows first, then rows: the order of their steps."""
    touched = await store.touched(tx, list(groups), list(peers), list(networks), list(ids))
    for attachment_id in touched:
        await flows.wake(tx, KIND, attachment_id)
    return touched


async def left(tx: Tx, security_group_ids: list[str]) -> None:
    """A sandbox has left these groups: whoever let it in lets it in no more."""
    await store.alone(tx)
    await changed(tx, peers=security_group_ids)


def _named(rules: list[dict[str, Any]], member: str) -> list[str]:
    return sorted({rule[member] for rule in rules if rule.get(member)})


async def _groups(tx: Tx, ids: list[str], project_id: str) -> list[str]:
    """Distinct, of this project, and not deleted; 422 otherwise."""
    wanted_ids = list(dict.fromkeys(ids))
    if len(wanted_ids) > MOST_GROUPS:
        raise invalid("security_group_ids", f"A sandbox is in at most {MOST_GROUPS} groups.", "Name fewer.")
    found = {one.id for one in await group_store.those(tx, wanted_ids) if _usable(one, project_id)}
    for group_id in wanted_ids:
        if group_id not in found:
            raise invalid(
                "security_group_ids",
                f"There is no security group {group_id[:80]!r} in the project.",
                "List the security groups of the project, and send the ids of some.",
                code="unknown_security_group",
            )
    return wanted_ids


def _usable(group: SecurityGroup, project_id: str) -> bool:
    return group.project_id == project_id and group.state == SecurityGroupState.ACTIVE


async def _visible(tx: Tx, attachment_id: str, permission: str) -> Attachment:
    row = await store.one(tx, attachment_id)
    if row is None:
        raise not_found("network attachment", attachment_id)
    await iam.require(tx, permission, row.project_id)
    return row


def view(row: Attachment) -> AttachmentView:
    fields = {name: getattr(row, name) for name in AttachmentView.__dataclass_fields__ if name != "applied"}
    return AttachmentView(**fields, applied=row.is_applied)
