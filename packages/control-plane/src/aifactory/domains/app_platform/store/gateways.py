"""Gateways, the tokens with which they enrol, and the version of what they must know."""

from dataclasses import dataclass
from datetime import datetime

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page


@dataclass(frozen=True)
class GatewayRow:
    id: str
    name: str
    region_id: str
    state: str
    known_version: int
    seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class TokenRow:
    id: str
    gateway_name: str
    region_id: str
    used: bool
    expired: bool


INSERT_TOKEN = """
    insert into app_platform.gateway_tokens (id, token_hash, gateway_name, region_id, expires_at, created_by)
    values (%(id)s, %(token_hash)s, %(gateway_name)s, %(region_id)s,
            kernel.now() + make_interval(secs => %(life_seconds)s), kernel.principal())
    returning expires_at
"""
TOKEN = """
    select id, gateway_name, region_id, used_at is not null as used, expires_at <= kernel.now() as expired
    from app_platform.gateway_tokens where token_hash = %(token_hash)s for update
"""
USE_TOKEN = """
    update app_platform.gateway_tokens set used_at = kernel.now(), used_by = %(gateway_id)s
    where id = %(id)s and used_at is null
"""

COLUMNS = "id, name, region_id, state, known_version, seen_at, created_at, updated_at"
ENROL = """
    insert into app_platform.gateways (id, name, region_id) values (%(id)s, %(name)s, %(region_id)s)
    on conflict (region_id, name) do update set state = 'enrolled', updated_at = kernel.now()
    returning id
"""
GATEWAY = f"select {COLUMNS} from app_platform.gateways where id = %(id)s"
GATEWAYS = f"""
    select {COLUMNS} from app_platform.gateways
    where %(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s)
    order by created_at desc, id desc limit %(limit)s
"""
RETIRE = "update app_platform.gateways set state = 'retired', updated_at = kernel.now() where id = %(id)s and state <> 'retired'"
SEEN = "update app_platform.gateways set seen_at = kernel.now(), known_version = %(known)s where id = %(id)s"

VERSION = "select version from app_platform.gateway_snapshots where region_id = %(region_id)s"
PUT_DIGEST = """
    insert into app_platform.gateway_snapshots as s (region_id, version, digest) values (%(region_id)s, 1, %(digest)s)
    on conflict (region_id) do update set version = s.version + 1, digest = excluded.digest, changed_at = kernel.now()
    where s.digest <> excluded.digest
"""


async def insert_token(
    tx: Tx, *, id: str, token_hash: str, gateway_name: str, region_id: str, life_seconds: int
) -> datetime:
    """Returns when it expires."""
    values = {
        "id": id, "token_hash": token_hash, "gateway_name": gateway_name, "region_id": region_id, "life_seconds": life_seconds
    }  # fmt: skip
    return await tx.value(INSERT_TOKEN, values)  # type: ignore[no-any-return]


async def token(tx: Tx, token_hash: str) -> TokenRow | None:
    """Locked: of many that bring the same token at once, the second sees that the first used it."""
    return await tx.one(TOKEN, {"token_hash": token_hash}, into=TokenRow)


async def use_token(tx: Tx, token_id: str, gateway_id: str) -> bool:
    return await tx.run(USE_TOKEN, {"id": token_id, "gateway_id": gateway_id}) == 1


async def enrol(tx: Tx, id: str, name: str, region_id: str) -> str:
    """The gateway's id: the one it had, if there was one of this name."""
    return str(await tx.value(ENROL, {"id": id, "name": name, "region_id": region_id}))


async def gateway(tx: Tx, gateway_id: str) -> GatewayRow | None:
    return await tx.one(GATEWAY, {"id": gateway_id}, into=GatewayRow)


async def gateways(tx: Tx, page: Page) -> list[GatewayRow]:
    """One more than the page holds."""
    after_at, after_id = page.after or (None, None)
    return await tx.all(
        GATEWAYS, {"limit": page.limit + 1, "after_at": after_at, "after_id": after_id}, into=GatewayRow
    )


async def retire(tx: Tx, gateway_id: str) -> bool:
    """False when it was retired before."""
    return await tx.run(RETIRE, {"id": gateway_id}) == 1


async def seen(tx: Tx, gateway_id: str, known_version: int) -> None:
    await tx.run(SEEN, {"id": gateway_id, "known": known_version})


async def version(tx: Tx, region_id: str) -> int:
    """0: nothing was published for this region yet."""
    return int(await tx.value(VERSION, {"region_id": region_id}) or 0)


async def put_digest(tx: Tx, region_id: str, digest: bytes) -> bool:
    """True when that is another one than before: then the version counts up."""
    return await tx.run(PUT_DIGEST, {"region_id": region_id, "digest": digest}) == 1
