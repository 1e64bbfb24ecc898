"""JSON texts that PostgreSQL built from one version of one row, kept so that it need not build them again.

A row's version is its xmin: it changes with every committed change, and a text under it is never wrong, only unused.
Which versions a caller may see is asked of the database each time; a text is only looked up under what it answered.
"""

MAX_TEXTS = 8192  # at about 1 KB each


class RowTexts:
    """`<id>.<xmin>` -> text; the oldest go first. Emptied when the server went away: it may come back from a backup."""

    def __init__(self, most: int = MAX_TEXTS) -> None:
        self._texts: dict[str, str] = {}
        self._most = most

    def of(self, versions: list[str]) -> list[str | None]:
        """In the same order; None for what was not built yet."""
        return list(map(self._texts.get, versions))

    def keep(self, version: str, text: str) -> None:
        while len(self._texts) >= self._most:
            del self._texts[next(iter(self._texts))]
        self._texts[version] = text

    def forget(self) -> None:
        self._texts.clear()
