"""/api/v3/admin/dead-letters."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import (
    DeadLetterDetailView,
    DeadLetterList,
    DeadLetterView,
    ReplayedView,
)
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("platform_control", "/admin/dead-letters")
NO_NUL = r"^[^\x00]*$"
PathId = Annotated[str, Path(max_length=81)]
Filter = Annotated[str | None, Query(max_length=100, pattern=NO_NUL)]


class ReplayKind(BaseModel):
    """Which: all open ones of a consumer, of one event type where it is named."""

    model_config = ConfigDict(extra="forbid")

    consumer: str = Field(min_length=1, max_length=100, pattern=NO_NUL)
    event_type: str | None = Field(None, max_length=100, pattern=NO_NUL)


@router.get("", permission="platform.dead_letter.read", platform_data=True)
async def list_dead_letters(
    tx: OperatorTx,
    page: PageQuery,
    state: Annotated[Literal["open", "replayed"] | None, Query()] = None,
    consumer: Filter = None,
    event_type: Filter = None,
) -> DeadLetterList:
    """Events that a consumer could not take, newest first, with the error of its last try."""
    return await facade.dead_letters(tx, state, page, consumer, event_type)


@router.post("/replay", permission="platform.dead_letter.replay")
async def replay_kind(body: ReplayKind, tx: OperatorTx) -> ReplayedView:
    """Gives a consumer all its open ones again, oldest first, at most 500 at once."""
    return await facade.replay_kind(tx, body.consumer, body.event_type)


@router.get("/{dead_letter_id}", permission="platform.dead_letter.read")
async def show_dead_letter(dead_letter_id: PathId, tx: OperatorTx) -> DeadLetterDetailView:
    """With the event's payload, as long as the event log has it."""
    return await facade.dead_letter(tx, dead_letter_id)


@router.post("/{dead_letter_id}/replay", permission="platform.dead_letter.replay")
async def replay_dead_letter(dead_letter_id: PathId, tx: OperatorTx) -> DeadLetterView:
    """Gives the consumer the event again under the event's own id, so that an effect it already had is not repeated."""
    return await facade.replay_dead_letter(tx, dead_letter_id)
