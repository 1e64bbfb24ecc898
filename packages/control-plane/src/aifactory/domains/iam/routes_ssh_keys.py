"""/api/v3/ssh-keys."""

from typing import Any

from fastapi import Response

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import SshKeyView
from aifactory.domains.iam.schemas import PathId, SshKeyCreate, SshKeyPage
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("iam", "/ssh-keys")


@router.get("", permission="ssh_key.read", response_model=SshKeyPage)
async def list_ssh_keys(tx: TenantTx, page: PageQuery) -> dict[str, Any]:
    return page_of(await facade.list_ssh_keys(tx, page), page, lambda key: (key.created_at, key.id))


@router.post("", permission="ssh_key.create", status_code=201)
async def create_ssh_key(body: SshKeyCreate, tx: TenantTx) -> SshKeyView:
    """409 `ssh_key_exists` names the key when the tenant has it already."""
    return await facade.create_ssh_key(tx, body.name, body.public_key, body.labels)


@router.get("/{key_id}", permission="ssh_key.read")
async def show_ssh_key(key_id: PathId, tx: TenantTx, response: Response) -> SshKeyView:
    key = await facade.ssh_key(tx, key_id)
    response.headers["ETag"] = etag_of(key.generation)
    return key


@router.delete("/{key_id}", permission="ssh_key.delete", status_code=204)
async def delete_ssh_key(key_id: PathId, tx: TenantTx) -> None:
    """New allocations no longer let it in; running ones keep what they were started with."""
    await facade.delete_ssh_key(tx, key_id)
