"""API keys as token gateways know them: under a second hash, whose pepper gateways have and which opens nothing here."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import installation
from aifactory.domains.iam.authorization import Target, check
from aifactory.domains.iam.secret_token import keyed_hash
from aifactory.domains.iam.store import credentials as store
from aifactory.kernel.db import Tx
from aifactory.kernel.principal import Grant, Principal

PERMISSION = "inference.use"


@dataclass(frozen=True)
class GatewayKey:
    """A key that may call models now. `project_id`: who uses; the tenant's default project for a key of no project."""

    id: str
    hash: bytes
    tenant_id: str
    project_id: str
    expires_at: datetime


def gateway_pepper() -> bytes:
    """32 bytes, the same for every gateway of this installation; they say nothing of the pepper they come from."""
    return hmac.digest(installation.current().pepper, b"token gateways", "sha256")


def gateway_hash(secret: str) -> bytes:
    return keyed_hash(gateway_pepper(), secret)


async def gateway_keys(tx: Tx) -> list[GatewayKey]:
    """Of all tenants that are not suspended. Worker role."""
    return [_key(row) for row in await store.gateway_keys(tx) if _may_call(row)]


def _may_call(row: store.GatewayKeyRow) -> bool:
    grants = tuple(Grant(role, object) for role, object in row.grants)
    who = Principal(row.id, "api_key", row.id, row.tenant_id, grants, key_id=row.id, scopes=tuple(row.scopes))
    return check(who, PERMISSION, Target(row.tenant_id, row.project_id)).allowed


def _key(row: store.GatewayKeyRow) -> GatewayKey:
    return GatewayKey(row.id, bytes(row.gateway_hash), row.tenant_id, row.project_id, row.expires_at)
