"""Events that a consumer could not take: looked at, and given again under the event's own id, one or all of a kind."""

from aifactory.domains.platform_control.store import registers as store
from aifactory.domains.platform_control.views import (
    DeadEventView,
    DeadLetterDetailView,
    DeadLetterList,
    DeadLetterView,
    ReplayedView,
)
from aifactory.events.platform_control import DeadLetterReplayed
from aifactory.kernel.consumers import replay
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.pagination import Page, page_of

MAX_AT_ONCE = 500


async def dead_letters(
    tx: Tx, state: str | None, page: Page, consumer: str | None = None, event_type: str | None = None
) -> DeadLetterList:
    """Newest first; `state` is `open`, `replayed` or None for both."""
    rows = [_view(row) for row in await store.dead_letters(tx, state, consumer, event_type, page)]
    return DeadLetterList(**page_of(rows, page, key=lambda row: (row.created_at, row.id)))


async def dead_letter(tx: Tx, dead_letter_id: str) -> DeadLetterDetailView:
    """With the event itself, as long as the event log has it."""
    row = await _existing(tx, dead_letter_id)
    event = await store.event_of(tx, row.event_id)
    return DeadLetterDetailView(**vars(row), event=DeadEventView(**vars(event)) if event else None)


async def replay_dead_letter(tx: Tx, dead_letter_id: str) -> DeadLetterView:
    """Gives the consumer the event again, under the event's own id; it dead-letters anew if it fails again.

    Raises 404 for an unknown one and 409 when it was replayed already, or its event is older than the event log.
    """
    row = await _existing(tx, dead_letter_id)
    if row.state == "open" and await store.event_of(tx, row.event_id) is None:
        raise conflict("event_forgotten", "Its event is older than the event log keeps.", "Repair its effect by hand.")
    if not await replay(tx, dead_letter_id, tx.principal.id):
        raise conflict(
            "already_replayed",
            f"It was replayed at {row.replayed_at:%Y-%m-%d %H:%M:%S} UTC.",
            "If the consumer failed again there is a newer dead letter: list the open ones.",
        )
    return await _replayed(tx, dead_letter_id)


async def replay_kind(tx: Tx, consumer: str, event_type: str | None) -> ReplayedView:
    """The same for all open ones of a consumer (and event type), oldest first, at most 500 at once; each is audited."""
    ids = await store.open_of_a_kind(tx, consumer, event_type, MAX_AT_ONCE)
    replayed = 0
    for dead_letter_id in ids:
        if await replay(tx, dead_letter_id, tx.principal.id):
            await _replayed(tx, dead_letter_id)
            replayed += 1
    rest = await store.open_of_a_kind(tx, consumer, event_type, MAX_AT_ONCE)
    return ReplayedView(replayed, len(rest))


async def _replayed(tx: Tx, dead_letter_id: str) -> DeadLetterView:
    row = await _existing(tx, dead_letter_id)
    await tx.audit("dead_letter.replay", row.id, details={"consumer": row.consumer, "event_id": row.event_id})
    await tx.emit(DeadLetterReplayed(row.id, row.consumer, row.event_id, row.event_type), row.id, 1)
    return _view(row)


async def _existing(tx: Tx, dead_letter_id: str) -> store.DeadLetterRow:
    row = await store.dead_letter(tx, dead_letter_id)
    if row is None:
        raise not_found("dead letter", dead_letter_id)
    return row


def _view(row: store.DeadLetterRow) -> DeadLetterView:
    return DeadLetterView(**vars(row))
