"""/api/v3/apps: what anyone may look at."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel

from aifactory.domains.app_platform import facade
from aifactory.domains.app_platform.facade import AppView
from aifactory.kernel.routes import PUBLIC, Routes, TenantTx

router = Routes("app_platform", "/apps")


class AppPage(BaseModel):
    items: list[AppView]
    next_cursor: str | None = None


@router.get("", permission=PUBLIC)
async def list_apps(tx: TenantTx) -> AppPage:
    """Every app that can be launched, in its newest version, with the schema of its parameters."""
    return AppPage(items=await facade.apps(tx))


@router.get("/{name}", permission=PUBLIC)
async def show_app(name: Annotated[str, Path(max_length=64)], tx: TenantTx) -> AppView:
    return await facade.app(tx, name)
