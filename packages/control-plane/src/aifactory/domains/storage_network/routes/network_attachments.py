"""/api/v3/network-attachments: sandboxes in networks. A launch makes them, its end removes them."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.facade import AttachmentList, AttachmentView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import IfMatch, Routes, TenantTx, etag_of

router = Routes("storage_network", "/network-attachments")
PathId = Annotated[str, Path(max_length=81, pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(min_length=3, max_length=81, pattern=r"^[^\x00]*$")]


class GroupsWrite(BaseModel):
    """The security groups of the sandbox, in the place of those that were. None lets nothing pass."""

    model_config = ConfigDict(extra="forbid")

    security_group_ids: list[Id] = Field(max_length=8)


@router.get("", permission="network.read")
async def list_network_attachments(
    tx: TenantTx,
    page: PageQuery,
    network_id: Annotated[str | None, Query(max_length=81)] = None,
    allocation_id: Annotated[str | None, Query(max_length=81)] = None,
) -> AttachmentList:
    """Sandboxes that are in networks now, newest first."""
    return await facade.list_attachments(tx, page, network_id, allocation_id)


@router.get("/{attachment_id}", permission="network.read")
async def show_network_attachment(attachment_id: PathId, tx: TenantTx, response: Response) -> AttachmentView:
    """`rules` are the lines in which the node's kernel lists what it lets pass."""
    view = await facade.attachment(tx, attachment_id)
    response.headers["ETag"] = etag_of(view.generation)
    return view


@router.put("/{attachment_id}/security-groups", permission="network.create")
async def write_groups(
    attachment_id: PathId, body: GroupsWrite, tx: TenantTx, response: Response, if_match: IfMatch
) -> AttachmentView:
    """Other groups for a running sandbox; `applied` tells when its node holds their rules."""
    view = await facade.regroup(tx, attachment_id, body.security_group_ids, if_match)
    response.headers["ETag"] = etag_of(view.generation)
    return view
