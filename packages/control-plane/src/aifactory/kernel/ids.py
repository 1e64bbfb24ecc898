"""Typed, prefixed, time-ordered ids (`alloc_01j…`): sortable by creation, never reused, readable in a log line."""

import os
import time
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u to misread
_LENGTH = 26


def _base32(number: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        number, low = divmod(number, 32)
        digits.append(_ALPHABET[low])
    return "".join(reversed(digits))


class Ids:
    """Makes ids. Tests inject a seeded one, so that a run can be repeated exactly.

    milliseconds: wall clock in ms since the epoch; only orders ids, no decision is taken from it.
    entropy: n -> n random bytes.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._milliseconds = milliseconds
        self._entropy = entropy
        self._last = 0

    def new(self, prefix: str) -> str:
        """`<prefix>_<26 characters>`; ids of one process increase strictly."""
        number = (self._milliseconds() << 80) | int.from_bytes(self._entropy(10), "big")
        self._last = max(number, self._last + 1)
        return f"{prefix}_{_base32(self._last & ((1 << 130) - 1))}"


def well_formed(prefix: str, text: str) -> bool:
    """True when `text` could have been made by `Ids.new(prefix)`."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _LENGTH and all(c in _ALPHABET for c in tail)
