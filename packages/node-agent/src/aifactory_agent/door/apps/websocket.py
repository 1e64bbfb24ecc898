"""The server's side of WebSockets (RFC 6455), as much as a terminal needs: no extensions, bounded messages."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_MESSAGE_BYTES = 1_048_576


class Broken(Exception):
    """The other side does not speak the protocol, or too much of it."""


def accept(key: str) -> str:
    """The answer to Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def frame(kind: int, payload: bytes) -> bytes:
    """One unmasked, final frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | kind, size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | kind, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | kind, 127, size)
    return head + payload


async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes] | None:
    """The next message as (TEXT or BINARY, payload); None when the other side closes. Answers pings. Raises Broken."""
    kind, whole = 0, b""
    while True:
        final, opcode, payload = await _frame(reader)
        if opcode == CLOSE:
            writer.write(frame(CLOSE, payload[:2]))
            return None
        if opcode == PING:
            writer.write(frame(PONG, payload))
            continue
        if opcode == PONG:
            continue
        if (opcode == 0) != (kind != 0):
            raise Broken("a fragment of nothing, or a message inside a message")
        kind = kind or opcode
        whole += payload
        if len(whole) > MAX_MESSAGE_BYTES:
            raise Broken("too long a message")
        if final:
            return kind, whole


async def _frame(reader: asyncio.StreamReader) -> tuple[bool, int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    if first & 0x70 or not second & 0x80 or size > MAX_MESSAGE_BYTES:
        raise Broken("an unmasked, extended or too long frame")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return bool(first & 0x80), first & 0x0F, (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
