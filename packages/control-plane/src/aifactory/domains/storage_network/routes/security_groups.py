"""/api/v3/security-groups."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import Rule, SecurityGroupList, SecurityGroupView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import IfMatch, Routes, TenantTx, etag_of

router = Routes("storage_network", "/security-groups")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81, pattern=NO_NUL)]


class RuleWrite(BaseModel):
    """Lets connections begin: in from a peer, or out to a peer. Exactly one of cidr, network_id, security_group_id."""

    model_config = ConfigDict(extra="forbid")

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "any"]
    first_port: int | None = Field(None, strict=True, ge=1, le=65_535, description="tcp and udp; none means all.")
    last_port: int | None = Field(None, strict=True, ge=1, le=65_535)
    cidr: str | None = Field(None, max_length=18, description="Like 10.0.0.0/8; 0.0.0.0/0 is everybody.")
    network_id: str | None = Field(None, max_length=81, pattern=NO_NUL)
    security_group_id: str | None = Field(None, max_length=81, pattern=NO_NUL)

    def rule(self) -> Rule:
        return Rule(**self.model_dump())


class SecurityGroupCreate(BaseModel):
    """A security group of a project."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=63, description="Unique in the project; lowercase, digits, hyphens.")
    project_id: str | None = Field(None, max_length=81, description="The tenant's default project when left out.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)
    rules: list[RuleWrite] = Field(default_factory=list, max_length=64, description="No rule lets nothing pass.")


class RulesWrite(BaseModel):
    """All rules, in the place of those that were."""

    model_config = ConfigDict(extra="forbid")

    rules: list[RuleWrite] = Field(max_length=64)


@router.get("", permission="security_group.read")
async def list_security_groups(
    tx: TenantTx, page: PageQuery, project_id: Annotated[str | None, Query(max_length=81)] = None
) -> SecurityGroupList:
    """Security groups that are not deleted, newest first."""
    return await facade.list_security_groups(tx, page, project_id)


@router.post("", permission="security_group.create", status_code=201)
async def create_security_group(body: SecurityGroupCreate, tx: TenantTx) -> SecurityGroupView:
    """409 `security_group_name_taken` when the project has one of this name."""
    return await facade.create_security_group(
        tx, body.name, body.project_id, body.labels, [rule.rule() for rule in body.rules]
    )


@router.get("/{security_group_id}", permission="security_group.read")
async def show_security_group(security_group_id: PathId, tx: TenantTx, response: Response) -> SecurityGroupView:
    view = await facade.security_group(tx, security_group_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.delete("/{security_group_id}", permission="security_group.delete", status_code=204)
async def delete_security_group(security_group_id: PathId, tx: TenantTx) -> None:
    """It is shown no more, and its name is free again."""
    await facade.delete_security_group(tx, security_group_id)


@router.put("/{security_group_id}/rules", permission="security_group.create")
async def write_rules(
    security_group_id: PathId, body: RulesWrite, tx: TenantTx, response: Response, if_match: IfMatch
) -> SecurityGroupView:
    """The sandboxes in it follow within seconds: `applied` of their network attachments tells."""
    view = await facade.write_rules(tx, security_group_id, [rule.rule() for rule in body.rules], if_match)
    response.headers["ETag"] = etag_of(view.generation)
    return view
