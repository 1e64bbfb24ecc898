"""What tenants ask for about security groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network import attachments
from aifactory.domains.storage_network.security_group import (
    Rule,
    SecurityGroup,
    SecurityGroupState,
    check_name,
    check_rules,
)
from aifactory.domains.storage_network.store import attachments as attachment_store
from aifactory.domains.storage_network.store import networks as network_store
from aifactory.domains.storage_network.store import security_groups as store
from aifactory.events.storage_network import SecurityGroupCreated, SecurityGroupDeleted, SecurityGroupRulesChanged
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, invalid, not_found
from aifactory.kernel.pagination import Page, page_of
from aifactory.kernel.resource import Condition
from aifactory.kernel.routes import check_etag

MOST = 200  # of a project


@dataclass(frozen=True)
class SecurityGroupView:
    """A security group as the API shows it."""

    id: str
    tenant_id: str
    project_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    rules: list[Rule]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class SecurityGroupList:
    items: list[SecurityGroupView]
    next_cursor: str | None


async def create(
    tx: Tx,
    name: str,
    project_id: str | None,
    labels: dict[str, str] | None = None,
    rules: Sequence[Rule] = (),
) -> SecurityGroupView:
    """Tells `storage_network.security_group_created`. 409 `security_group_name_taken` or `too_many_security_groups`, 422
    on a name or a rule that cannot be."""
    project = project_id or (await iam.default_project(tx)).id
    await iam.require(tx, "security_group.create", project)
    check_name(name)
    if await store.count(tx, project) >= MOST:
        raise conflict(
            "too_many_security_groups", f"A project has at most {MOST} security groups.", "Delete one first."
        )
    security_group_id = tx.ids.new("sg")
    checked = check_rules(rules)
    await _check_peers(tx, rules)
    made = await store.insert(tx, security_group_id, project, name, labels or {}, checked)
    if made is None:
        raise conflict(
            "security_group_name_taken",
            f"This project has a security group called {name} already.",
            "Choose another name.",
        )
    await tx.audit("security_group.create", made.id, project_id=project, details={"name": name})
    await tx.emit(SecurityGroupCreated(made.id, project, name), made.id, made.generation)
    return view(made)


async def show(tx: Tx, security_group_id: str) -> SecurityGroupView:
    security_group = await store.one(tx, security_group_id)
    if security_group is None:
        raise not_found("security group", security_group_id)
    await iam.require(tx, "security_group.read", security_group.project_id)
    return view(security_group)


async def list_security_groups(tx: Tx, page: Page, project_id: str | None) -> SecurityGroupList:
    """Those of the projects in which the caller may see security groups, newest first."""
    found = await store.many(tx, page, project_id, iam.visible_projects(tx, "security_group.read"))
    return SecurityGroupList(**page_of([view(row) for row in found], page, key=lambda row: (row.created_at, row.id)))


async def write_rules(tx: Tx, security_group_id: str, rules: Sequence[Rule], if_match: str | None) -> SecurityGroupView:
    """Replaces all rules and tells `storage_network.security_group_rules_changed`; the flows of the sandboxes in it have
    their nodes apply them. 412 when somebody else changed them meanwhile, 422 on a rule that cannot be."""
    await attachment_store.alone(tx)
    group = await store.lock(tx, security_group_id)
    if group is None:
        raise not_found("security group", security_group_id)
    await iam.require(tx, "security_group.create", group.project_id)
    check_etag(if_match, group.generation)
    if group.state == SecurityGroupState.DELETED:
        raise conflict("security_group_deleted", f"Security group {group.name} is deleted.", "Make another.")
    checked = check_rules(rules)
    await _check_peers(tx, rules)
    made = await store.write_rules(tx, group.id, checked)
    await attachments.changed(tx, groups=[group.id])
    await tx.audit("security_group.write_rules", group.id, project_id=group.project_id, details={"rules": len(checked)})
    event = SecurityGroupRulesChanged(group.id, group.project_id, group.name, len(checked))
    await tx.emit(event, group.id, made.generation)
    return view(made)


async def _check_peers(tx: Tx, rules: Sequence[Rule]) -> None:
    """Networks and groups that rules name must be there, and visible to the tenant."""
    networks = {one.id for one in await network_store.those(tx, [r.network_id for r in rules if r.network_id])}
    groups = {one.id for one in await store.those(tx, [r.security_group_id for r in rules if r.security_group_id])}
    for index, rule in enumerate(rules):
        for member, known in (("network_id", networks), ("security_group_id", groups)):
            named = getattr(rule, member)
            if named is not None and named not in known:
                todo = "Send the id of one that you see in the list."
                raise invalid(f"rules.{index}.{member}", f"There is no {named[:80]!r}.", todo, code="unknown_peer")


async def delete(tx: Tx, security_group_id: str) -> None:
    """Leaves a tombstone and tells `storage_network.security_group_deleted`. 409 while sandboxes are in it."""
    await attachment_store.alone(tx)
    security_group = await store.lock(tx, security_group_id)
    if security_group is None:
        raise not_found("security group", security_group_id)
    await iam.require(tx, "security_group.delete", security_group.project_id)
    if security_group.state == SecurityGroupState.DELETED:
        return
    if await attachment_store.uses_group(tx, security_group.id):
        raise conflict(
            "security_group_in_use",
            f"Sandboxes are in security group {security_group.name}.",
            "Give them other groups, or release them.",
        )
    version = await store.enter(tx, security_group.id, SecurityGroupState.DELETED)
    await attachments.changed(tx, peers=[security_group.id])
    await tx.audit(
        "security_group.delete",
        security_group.id,
        project_id=security_group.project_id,
        details={"name": security_group.name},
    )
    await tx.emit(
        SecurityGroupDeleted(security_group.id, security_group.project_id, security_group.name),
        security_group.id,
        version,
    )


def view(group: SecurityGroup) -> SecurityGroupView:
    fields = {name: getattr(group, name) for name in SecurityGroupView.__dataclass_fields__ if name != "rules"}
    return SecurityGroupView(**fields, rules=[Rule(**rule) for rule in group.rules])
