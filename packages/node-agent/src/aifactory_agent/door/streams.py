"""Waiting for plain descriptors in the event loop, one chunk at a time, so that a slow reader slows the writer."""

from __future__ import annotations

import asyncio
import os

CHUNK_BYTES = 65_536


async def read(descriptor: int) -> bytes:
    """The next bytes; empty at the end, which on a terminal is the last program closing it."""
    while True:
        try:
            return os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            await _ready(descriptor, for_reading=True)
        except OSError:
            return b""


def read_rest(descriptor: int) -> bytes:
    """What can be read at once, without waiting."""
    try:
        return os.read(descriptor, CHUNK_BYTES)
    except OSError:
        return b""


async def write(descriptor: int, data: bytes) -> None:
    """Write everything; raises OSError when the reader is gone."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            await _ready(descriptor, for_reading=False)


async def _ready(descriptor: int, for_reading: bool) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_reader, loop.remove_reader) if for_reading else (loop.add_writer, loop.remove_writer)
    add(descriptor, _set, future)
    try:
        await future
    finally:
        remove(descriptor)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
