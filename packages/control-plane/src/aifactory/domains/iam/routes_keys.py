"""/api/v3/keys: API keys."""

from typing import Any

from fastapi import Response

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import ApiKeyView, NewApiKeyView
from aifactory.domains.iam.schemas import ApiKeyCreate, ApiKeyPage, PathId
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import Routes, TenantTx, etag_of

router = Routes("iam", "/keys")


@router.get("", permission="key.read", response_model=ApiKeyPage)
async def list_keys(tx: TenantTx, page: PageQuery) -> dict[str, Any]:
    """The caller's keys, or all of the tenant's for those who manage its members."""
    return page_of(await facade.list_api_keys(tx, page), page, lambda key: (key.created_at, key.id))


@router.post("", permission="key.create", status_code=201, secret_fields=("secret",))
async def create_key(body: ApiKeyCreate, tx: TenantTx, response: Response) -> NewApiKeyView:
    """`secret` is shown in this answer only; repeating the request answers with the key, without it."""
    response.headers["Cache-Control"] = "no-store"
    return await facade.create_api_key(tx, body.name, body.scopes, body.expires_at, body.project_id, body.labels)


@router.get("/{key_id}", permission="key.read")
async def show_key(key_id: PathId, tx: TenantTx, response: Response) -> ApiKeyView:
    key = await facade.api_key(tx, key_id)
    response.headers["ETag"] = etag_of(key.generation)
    return key


@router.delete("/{key_id}", permission="key.revoke", status_code=204)
async def revoke_key(key_id: PathId, tx: TenantTx) -> None:
    """Refused from the next request on."""
    await facade.revoke_api_key(tx, key_id)
