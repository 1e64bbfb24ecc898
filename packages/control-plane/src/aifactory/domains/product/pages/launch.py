"""Everything the one-page launch needs, in one answer: hardware with prices, keys, volumes, quotas, credit."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.facade import ProjectView, QuotaView, SshKeyView
from aifactory.domains.product.pages.read_model import Listed, WalletPart, page, wallet_part
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.provisioning.facade import CatalogItem
from aifactory.domains.storage_network import facade as storage_network
from aifactory.domains.storage_network.facade import VolumeFilter, VolumeView
from aifactory.kernel.pagination import MAX_LIMIT, Page
from aifactory.kernel.read_cache import kept
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("product", "/pages/launch")
ALL = Page(limit=MAX_LIMIT)


class LaunchPage(BaseModel):
    """What can be launched and what it can be launched with. `wallet` is null for those who may not see money."""

    as_of: datetime
    catalog: list[CatalogItem]
    projects: list[ProjectView]
    ssh_keys: list[SshKeyView]
    volumes: Listed[VolumeView]
    quotas: list[QuotaView]
    wallet: WalletPart | None


@router.get("", permission="allocation.create", response_model=LaunchPage)
@kept
async def launch_page(request: Request, tx: TenantTx) -> Response:
    parts = {
        "catalog": provisioning.catalog(tx),
        "projects": _first(iam.list_projects(tx, ALL)),
        "ssh_keys": _first(iam.list_ssh_keys(tx, ALL)),
        "volumes": storage_network.list_volumes(tx, ALL, VolumeFilter()),
        "quotas": iam.quota_usage(tx),
        "wallet": wallet_part(tx),
    }
    return await page(tx, request, parts)


async def _first(items: Awaitable[list[Any]]) -> list[Any]:
    """Facades answer one more than the page holds."""
    return (await items)[:MAX_LIMIT]
