"""/api/v3/token-usage: requests and tokens, by key, project and model."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from aifactory.domains.app_platform.inference import usage
from aifactory.kernel.instant import Instant
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("app_platform", "/token-usage")


class TokenUsage(BaseModel):
    """Requests that began in the period. A member that is not grouped by is null. `failed`: cut short on our side."""

    key_id: str | None
    project_id: str | None
    model_id: str | None
    requests: int
    failed: int
    tokens_in: int
    tokens_out: int


class TokenUsagePage(BaseModel):
    items: list[TokenUsage]
    next_cursor: str | None = None


@router.get("", permission="token_usage.read")
async def read_token_usage(
    tx: TenantTx,
    since: Annotated[
        Instant | None, Query(description="RFC 3339 with an offset; default: a day before `until`.")
    ] = None,
    until: Annotated[Instant | None, Query(description="Default: now. At most 93 days after `since`.")] = None,
    by: Annotated[list[Literal["key", "project", "model"]], Query(max_length=3)] = ["key", "model"],  # noqa: B006
    project_id: Annotated[str | None, Query(max_length=81)] = None,
) -> TokenUsagePage:
    """Summed; the most tokens first, at most a thousand groups."""
    found = await usage.sums(tx, since, until, by, project_id)
    return TokenUsagePage(items=[TokenUsage(**vars(row)) for row in found])
