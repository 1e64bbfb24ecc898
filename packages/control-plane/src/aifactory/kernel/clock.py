"""The wall clock of a process, injected. Stored times never come from here: they are `kernel.now()` in the database."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """This machine's clock, in UTC: for certificates and tokens that are checked on this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # the one allowed place


class FixedClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at
