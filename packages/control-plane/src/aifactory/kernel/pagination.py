"""Keyset pages: stable under inserts, the same cost on page 1 and page 1,000."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query

from aifactory.kernel.errors import Problem

MAX_LIMIT = 200
T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """What the caller asked for: at most `limit` items after `cursor`. `after` is the key of the last item seen: (instant, id)."""

    limit: int = 50
    cursor: str | None = None

    @property
    def after(self) -> tuple[str, ...] | None:
        return self.key(2)

    def key(self, parts: int) -> tuple[str, ...] | None:
        """The key of the last item seen: an instant, then plain texts. Raises Problem 422 for another list's or a forged one."""
        if not self.cursor:
            return None
        instant, *rest = decode_cursor(self.cursor)
        try:
            at = datetime.fromisoformat(instant)
            fits = at.tzinfo is not None and len(rest) == parts - 1
            at = at.astimezone(UTC)
        except (ValueError, OverflowError):
            fits = False
        if not fits or not all(part.isascii() and part.isprintable() for part in rest):
            raise _foreign()
        return (at.isoformat(), *rest)


def encode_cursor(key: Sequence[Any]) -> str:
    text = json.dumps([part.isoformat() if hasattr(part, "isoformat") else part for part in key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str, ...]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, UnicodeDecodeError):
        parts = None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise _foreign()
    return tuple(parts)


def _foreign() -> Problem:
    return Problem(
        422,
        "invalid_cursor",
        "The cursor is not one of ours",
        "It was not made by this list.",
        field="cursor",
        todo="Start again without a cursor, then follow next_cursor.",
    )


def page_of(rows: Sequence[T], page: Page, key: Callable[[T], Sequence[Any]]) -> dict[str, Any]:
    """`rows` were fetched with `limit + 1`; the extra row only says that there is a next page."""
    items = list(rows[: page.limit])
    more = len(rows) > page.limit
    return {"items": items, "next_cursor": encode_cursor(key(items[-1])) if more else None}


async def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Page:
    return Page(limit, cursor)


PageQuery = Annotated[Page, Depends(_page)]
