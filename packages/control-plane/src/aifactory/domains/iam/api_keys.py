"""API keys: shown once, stored as a keyed hash, scoped, expiring. A key acts for the person who made it, within its
scopes and within what that person may do at the moment of use."""

from dataclasses import fields
from datetime import datetime, timedelta

from aifactory.domains.iam import installation
from aifactory.domains.iam.authorization import Target, check, holds_somewhere
from aifactory.domains.iam.gateway_keys import gateway_hash
from aifactory.domains.iam.permission_gate import require, visible_projects
from aifactory.domains.iam.roles import is_scope
from aifactory.domains.iam.secret_token import keyed_hash, new_token
from aifactory.domains.iam.store import credentials as store
from aifactory.domains.iam.views import ApiKeyView, NewApiKeyView
from aifactory.events.iam import ApiKeyCreated, ApiKeyRevoked
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, forbidden, invalid, not_found
from aifactory.kernel.pagination import Page

DEFAULT_SCOPES = ["member"]
DEFAULT_LIFE = timedelta(days=90)
MAX_LIFE = timedelta(days=366)
MAX_SCOPES = 8
MOST = 100  # valid ones of one person


async def create(
    tx: Tx,
    name: str,
    scopes: list[str] | None,
    expires_at: datetime | None,
    project_id: str | None = None,
    labels: dict[str, str] | None = None,
) -> NewApiKeyView:
    """The secret is in the answer and nowhere else. `project_id` narrows the key to one project's roles. People make
    keys; keys make none, so that revoking one revokes all that it could do."""
    await require(tx, "key.create", project_id)
    wanted = sorted(set(scopes or DEFAULT_SCOPES))
    _check_scopes(wanted)
    ends, user_id = await _end(tx, expires_at), tx.principal.id
    if await store.count_keys(tx, user_id) >= MOST:
        raise conflict("too_many_keys", f"A person has at most {MOST} valid keys.", "Revoke those that are not used.")
    secret, key_id = new_token("key"), tx.ids.new("key")
    await store.insert_key(
        tx,
        id=key_id,
        project_id=project_id,
        user_id=user_id,
        name=name,
        token_hash=keyed_hash(installation.current().pepper, secret),
        gateway_hash=gateway_hash(secret),
        hint=secret[:12],
        scopes=wanted,
        labels=labels or {},
        expires_at=ends,
    )
    key = await _visible(tx, key_id)
    details = {"name": name, "scopes": wanted, "expires_at": ends.isoformat()}
    await tx.audit("key.create", key_id, project_id=project_id, details=details)
    await tx.emit(ApiKeyCreated(key_id, key.tenant_id, key.user_id, wanted, ends.isoformat()), key_id, 1)
    return NewApiKeyView(**{item.name: getattr(key, item.name) for item in fields(key)}, secret=secret)


async def _end(tx: Tx, wanted: datetime | None) -> datetime:
    now = await tx.now()
    latest = now + MAX_LIFE
    ends = wanted or now + DEFAULT_LIFE
    if not now < ends <= latest:
        todo = "Leave expires_at out, or choose an earlier instant."
        raise invalid("expires_at", f"This key expires until {latest.isoformat()}, and not in the past.", todo)
    return ends


def _check_scopes(wanted: list[str]) -> None:
    if len(wanted) > MAX_SCOPES:
        raise invalid("scopes", f"At most {MAX_SCOPES} scopes.")
    for scope in wanted:
        if not is_scope(scope):
            raise invalid("scopes", f"{scope!r} is neither a role nor a permission that a key can have.")


async def _user_behind(tx: Tx) -> str:
    if tx.principal.kind == "user":
        return tx.principal.id
    return (await _visible(tx, tx.principal.id)).user_id


async def show(tx: Tx, key_id: str) -> ApiKeyView:
    key = await _visible(tx, key_id)
    return await _mine_or_managed(tx, key, "key.read")


async def list_keys(tx: Tx, page: Page) -> list[ApiKeyView]:
    """One more than the page holds, newest first. Members see their own, those who manage members see all, and a key
    only keys of the projects that it reaches."""
    mine = None if _manages(tx) else await _user_behind(tx)
    reached = visible_projects(tx, "key.read") if tx.principal.kind == "api_key" else None
    return await store.keys(tx, page, mine, reached)


async def revoke(tx: Tx, key_id: str) -> None:
    """Refused from the next request on. Revoking twice is the same as once."""
    key = await _mine_or_managed(tx, await _visible(tx, key_id), "key.revoke")
    if not await store.revoke_key(tx, key_id):
        return
    await tx.audit("key.revoke", key_id, project_id=key.project_id, details={"name": key.name})
    await tx.emit(ApiKeyRevoked(key_id, key.tenant_id, key.user_id), key_id, key.generation + 1)


async def _visible(tx: Tx, key_id: str) -> ApiKeyView:
    key = await store.key(tx, key_id)
    if key is None:
        raise not_found("key", key_id)
    return key


async def _mine_or_managed(tx: Tx, key: ApiKeyView, permission: str) -> ApiKeyView:
    """Somebody else's key answers as if it were not there, unless one manages the tenant's members; so does one that
    reaches further than the key that asks."""
    if key.user_id != await _user_behind(tx) and not _manages(tx):
        raise not_found("key", key.id)
    if tx.principal.kind == "api_key" and not check(tx.principal, permission, _place_of(tx, key)).allowed:
        raise not_found("key", key.id)
    decision = holds_somewhere(tx.principal, permission)
    if not decision.allowed:
        raise forbidden(permission, decision.because, decision.code)
    return key


def _place_of(tx: Tx, key: ApiKeyView) -> Target:
    return Target(tx.tenant_id, key.project_id)


def _manages(tx: Tx) -> bool:
    return check(tx.principal, "member.manage", Target(tx.tenant_id)).allowed
