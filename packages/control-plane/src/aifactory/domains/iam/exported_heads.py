"""The heads of the audit chain that were exported outside the database: a file for each tenant, one JSON line per seal.

Lines are in the order of their seals, but for neighbours that two sealers wrote at once; so a part is found by halving.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

NEAR_BYTES = 64 * 1024  # halving ends here, and neighbours that changed places are never further apart
MAX_LINE_BYTES = 4096
_NUMBER = re.compile(rb'\{"seal_no": ?(\d{1,18}),')


@dataclass
class ExportedHeads:
    """`heads` of the seals asked for; `unreadable`: where lines are that hold none."""

    heads: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def between(file: Path, after: int, last: int | None, size: int) -> ExportedHeads | None:
    """Of the seals after `after`, up to `last` (None: all), in the first `size` bytes. None when this process cannot see
    the exports.

    Blocks: reads as much of the file as those seals take.
    """
    found = ExportedHeads()
    try:
        with open(file, "rb") as lines:
            _read(lines, _beginning(lines, size, after), size, after, last, found)
    except OSError:
        return None
    return found


def _read(lines: BinaryIO, begin: int, size: int, after: int, last: int | None, found: ExportedHeads) -> None:
    seen, end = after if begin == 0 else None, size
    for at, line in _lines_from(lines, begin):
        if at >= end:
            return
        head = _head(line)
        if head is None:
            if seen is not None and after <= seen and (last is None or seen <= last):
                found.unreadable.append(f"the line at byte {at}")
            continue
        seen = head["seal_no"]
        if seen > after and (last is None or seen <= last):
            found.heads.append(head)
        elif last is not None and seen > last:
            end = min(end, at + NEAR_BYTES)


def _beginning(lines: BinaryIO, size: int, after: int) -> int:
    """A byte before the first line of a seal after `after`."""
    low, high = 0, size
    while high - low > NEAR_BYTES:
        middle = (low + high) // 2
        number = _first_number(lines, middle, high)
        if number is None or number > after:
            high = middle
        else:
            low = middle
    return max(0, low - NEAR_BYTES)


def _first_number(lines: BinaryIO, begin: int, end: int) -> int | None:
    for at, line in _lines_from(lines, begin):
        if at >= end:
            return None
        if match := _NUMBER.match(line):
            return int(match[1])
    return None


def _lines_from(lines: BinaryIO, begin: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines and where they begin, from the first that begins at `begin` or later."""
    at = begin
    lines.seek(begin)
    if begin:
        lines.seek(begin - 1)
        at = begin - 1 + len(lines.readline())
    while line := lines.readline(MAX_LINE_BYTES):
        yield at, line
        at += len(line)


def _head(line: bytes) -> dict[str, Any] | None:
    try:
        head = json.loads(line)
        return {"seal_no": int(head["seal_no"]), "last_position": head["last_position"], "head": head["head"]}
    except (ValueError, KeyError, TypeError):
        return None
