"""One connection to an upstream: a request at a time, its answer handed on piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from aifactory_gateway.chunked import BadChunk, ChunkReader
from aifactory_gateway.http_head import CHUNKED, END, MAX_HEAD_BYTES, UNTIL_CLOSE, AnswerHead, answer_head
from aifactory_gateway.refusal import Refusal


class Taker(Protocol):
    """Who wants the answer. Nothing is called after `answer_ended` or `answer_failed`."""

    def answer_began(self, head: AnswerHead) -> None: ...

    def answer_data(self, data: bytes) -> None: ...

    def answer_ended(self) -> None: ...

    def answer_failed(self, why: str) -> None: ...


class Link(asyncio.Protocol):
    """`patience`: how many more looks of the pool it may be silent. `was_idle`: kept alive from an earlier request, so
    that the other side may have closed it in the same moment."""

    __slots__ = (
        "_between_looks", "_buffer", "_head", "_left", "_lost", "_reader", "_taker", "_transport", "heard", "idle_since",
        "patience", "was_idle",
    )  # fmt: skip

    def __init__(self, lost: Callable[[Link], None], between_looks: float) -> None:
        self._lost = lost
        self._between_looks = between_looks
        self._transport: asyncio.Transport | None = None
        self._taker: Taker | None = None
        self._buffer = b""
        self._head: AnswerHead | None = None
        self._reader: ChunkReader | None = None
        self._left = 0
        self.patience = 0.0
        self.idle_since = 0
        self.heard = False
        self.was_idle = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, taker: Taker, first_byte_looks: float) -> None:
        """The link must be idle and open."""
        assert self._transport is not None and self._taker is None
        self._taker = taker
        self._head, self.heard, self._buffer = None, False, b""
        self.patience = first_byte_looks
        self._transport.write(request)

    def pause(self) -> None:
        """The caller reads slower than the upstream writes; while it does, the upstream is not late."""
        if self._transport is not None and self.is_open:
            self._transport.pause_reading()
            self.patience = float("inf")

    def resume(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.resume_reading()
            self.patience = self._between_looks

    def abort(self) -> None:
        """Ends the connection without a word to its taker."""
        self._taker = None
        if self._transport is not None:
            self._transport.abort()

    def look(self) -> None:
        """Called every LOOK_SECONDS."""
        self.patience -= 1
        if self.patience < 0 and self._taker is not None:
            self._fail("it was silent for too long")

    def data_received(self, data: bytes) -> None:
        taker = self._taker
        if taker is None:  # nobody asked
            self.abort()
            return
        self.heard = True
        self.patience = self._between_looks
        try:
            if self._head is None:
                data = self._read_head(taker, data)
            if self._head is not None:
                self._read_body(taker, self._head, data)
        except (BadChunk, Refusal) as error:
            self._fail(str(error))

    def eof_received(self) -> bool:
        head = self._head
        if self._taker is not None and head is not None and head.length == UNTIL_CLOSE:
            self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._taker is not None:
            self._fail(f"it closed the connection{f' ({exc})' if exc else ''}")
        self._lost(self)

    def _read_head(self, taker: Taker, data: bytes) -> bytes:
        """The start of the body, once the head is whole."""
        data = self._buffer + data
        while True:
            end = data.find(END)
            if end < 0:
                if len(data) > MAX_HEAD_BYTES:
                    raise BadChunk("the head of its answer has no end")
                self._buffer = data
                return b""
            head = answer_head(data[: end + 4])
            data = data[end + 4 :]
            if head.status >= 200:
                break
        self._buffer = b""
        self._head = head
        self._left = head.length
        self._reader = ChunkReader() if head.length == CHUNKED else None
        taker.answer_began(head)
        return data

    def _read_body(self, taker: Taker, head: AnswerHead, data: bytes) -> None:
        if self._taker is not taker:  # it let go of us in between
            return
        reader = self._reader
        if reader is not None:
            payload = reader.feed(data)
            is_last, rest = reader.done, reader.rest
        elif head.length == UNTIL_CLOSE:
            payload, is_last, rest = data, False, b""
        else:
            payload, rest = data[: self._left], data[self._left :]
            self._left -= len(payload)
            is_last = self._left == 0
        if payload:
            taker.answer_data(payload)
        if is_last and self._taker is taker:
            if rest:
                self._head = None  # what follows an answer belongs to nobody
            self._end()

    def _end(self) -> None:
        taker, self._taker = self._taker, None
        if (self._head is None or not self._head.keeps_alive) and self._transport is not None:
            self._transport.abort()
        if taker is not None:
            taker.answer_ended()

    def _fail(self, why: str) -> None:
        taker, self._taker = self._taker, None
        if self._transport is not None:
            self._transport.abort()
        if taker is not None:
            taker.answer_failed(why)
