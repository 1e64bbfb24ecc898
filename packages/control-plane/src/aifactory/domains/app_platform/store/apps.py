"""Rows of app_platform.apps: manifests with their signatures, exactly as they were published."""

from dataclasses import dataclass

from aifactory.kernel.db import Tx

NEWEST_FIRST = """
    select name, version, manifest, signature from app_platform.apps
    where withdrawn_at is null order by name, published_at desc, version desc limit 1000
"""
PUBLISH = """
    insert into app_platform.apps (name, version, manifest, signature)
    values (%(name)s, %(version)s, %(manifest)s, %(signature)s) on conflict (name, version) do nothing
"""


@dataclass(frozen=True)
class AppRow:
    """One published version. `manifest` is the signed text itself."""

    name: str
    version: str
    manifest: str
    signature: str


async def newest_first(tx: Tx) -> list[AppRow]:
    return await tx.all(NEWEST_FIRST, into=AppRow)


async def publish(tx: Tx, row: AppRow) -> bool:
    """False when this version was published before: what is published is never changed."""
    return await tx.run(PUBLISH, vars(row)) == 1
