"""The chunked transfer coding (RFC 9112, section 7.1), taken apart as it arrives."""

from __future__ import annotations

import re

MAX_SIZE_LINE_BYTES = 256
MAX_TRAILER_BYTES = 8_192
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*+(?:;[\t\x20-\x7e\x80-\xff]*+)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+")


class BadChunk(ValueError):
    """What came is not the chunked coding."""


class ChunkReader:
    """Feed it what arrives; it gives back the payload. `done` after the last chunk and its trailers; what came after
    them is in `rest`."""

    __slots__ = ("_left", "_pending", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self._pending = b""
        self._left = 0  # bytes of the present chunk still to come, with its CRLF
        self._trailers = -1  # bytes of trailers seen; -1 before the last chunk
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The payload in it, in one piece. Raises BadChunk."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        parts: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.done:
            if self._trailers >= 0:
                at = self._read_trailer(data, at)
            elif self._left > 0:
                at = self._read_chunk(data, at, parts)
            else:
                at = self._read_size(data, at)
            if at < 0:
                break
        if self.done:
            self.rest = data[at:]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_chunk(self, data: bytes, at: int, parts: list[bytes]) -> int:
        available = len(data) - at
        if available >= self._left:
            stop = at + self._left
            if data[stop - 2 : stop] != b"\r\n":
                raise BadChunk("a chunk is longer than it says")
            if stop - 2 > at:
                parts.append(data[at : stop - 2])
            self._left = 0
            return stop
        payload = min(available, self._left - 2)
        if payload > 0:
            parts.append(data[at : at + payload])
            self._left -= payload
        self._pending = data[at + max(payload, 0) :]
        return -1

    def _read_size(self, data: bytes, at: int) -> int:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            if len(data) - at > MAX_SIZE_LINE_BYTES + 1:  # its CR may be there already
                raise BadChunk("the line with a chunk's size has no end")
            self._pending = data[at:]
            return -1
        match = _SIZE.fullmatch(data, at, line_end)
        if match is None or line_end - at > MAX_SIZE_LINE_BYTES:
            raise BadChunk("a chunk's size is not a hexadecimal number")
        size = int(match[1], 16)
        if size == 0:
            self._trailers = 0
        else:
            self._left = size + 2
        return line_end + 2

    def _read_trailer(self, data: bytes, at: int) -> int:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            if self._trailers + len(data) - at > MAX_TRAILER_BYTES:
                raise BadChunk("the trailers have no end")
            self._pending = data[at:]
            return -1
        self._trailers += line_end + 2 - at
        if self._trailers > MAX_TRAILER_BYTES:
            raise BadChunk("the trailers are too long")
        self.done = line_end == at
        if not self.done and _TRAILER.fullmatch(data, at, line_end) is None:
            raise BadChunk("a trailer is no header")
        return line_end + 2
