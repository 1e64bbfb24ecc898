"""Cursors of lists that are built in SQL: a time, then what makes it unique."""

from aifactory.kernel.errors import invalid
from aifactory.kernel.pagination import Page


def keyset(page: Page, *, numbered: bool = False) -> tuple[str, ...] | None:
    """The key of the last item seen: (instant, id), with `numbered` also a line's number. Raises Problem 422 for another list's."""
    after = page.key(2 + numbered)
    if after is not None and numbered and not (after[2].isdigit() and int(after[2]) < 2**15):
        raise invalid(
            "cursor",
            "It was not made by this list.",
            "Start again without a cursor, then follow next_cursor.",
            code="invalid_cursor",
        )
    return after
