"""/api/v3/runbooks: what to do, as text."""

from typing import Annotated

from fastapi import Path, Response

from aifactory.domains.observability import facade
from aifactory.domains.observability.facade import RunbookList
from aifactory.kernel.routes import Routes

router = Routes("observability", "/runbooks")
Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9_-]+$")]


class MarkdownResponse(Response):
    media_type = "text/markdown"


@router.get("", permission="platform.incident.read", tx=False, platform_data=True)
async def list_runbooks() -> RunbookList:
    """Every domain's runbooks."""
    return facade.runbooks()


@router.get(
    "/{domain}/{name}",
    permission="platform.incident.read",
    tx=False,
    platform_data=True,
    response_class=MarkdownResponse,
)
async def show_runbook(domain: Name, name: Name) -> Response:
    """One runbook, as Markdown."""
    return MarkdownResponse(facade.runbook(domain, name))
