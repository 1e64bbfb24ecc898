"""/api/v3/notification-preferences."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import PreferencesView
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("platform_control", "/notification-preferences")
Mail = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^\x00]*$")]


class Recipients(BaseModel):
    """Who is told. An empty list tells nobody."""

    model_config = ConfigDict(extra="forbid")

    recipients: list[Mail] = Field(max_length=10)


@router.get("", permission="notification.read")
async def show_notification_preferences(tx: TenantTx) -> PreferencesView:
    """Who is told of what by mail, and whether this installation sends mail at all."""
    return await facade.notification_preferences(tx)


@router.put("/{kind}", permission="notification.manage")
async def put_notification_preference(
    kind: Annotated[str, Path(max_length=63, pattern=r"^[^\x00]*$")], body: Recipients, tx: TenantTx
) -> PreferencesView:
    """Sets who is told of one kind."""
    return await facade.set_notification_preference(tx, kind, body.recipients)
