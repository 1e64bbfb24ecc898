"""One caller's connection: reads whole requests, hands each to an exchange, writes its answer. One at a time, in order."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from aifactory_gateway.chunked import BadChunk, ChunkReader
from aifactory_gateway.http_head import CHUNKED, END, MAX_HEAD_BYTES, RequestHead, request_head
from aifactory_gateway.pool import LOOK_SECONDS
from aifactory_gateway.refusal import REASONS, Refusal, malformed

MAX_CALLERS = 20_000
MAX_BODY_BYTES = 32 * 1024**2
MAX_EARLY_BYTES = 65_536  # of the next requests, read while this one is answered
WRITE_BUFFER_BYTES = 262_144
IDLE_SECONDS = 75.0
HEAD_SECONDS = 20.0
BODY_SECONDS = 120.0
SLOW_SECONDS = 120.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NEVER = float("inf")


def _looks(seconds: float) -> float:
    return seconds / LOOK_SECONDS


class Exchange(Protocol):
    """What answers one request."""

    def caller_gone(self) -> None:
        """Nobody reads the answer any more."""

    def caller_slow(self) -> None:
        """Write no more until `caller_ready`."""

    def caller_ready(self) -> None: ...


class Around(Protocol):
    """What a connection needs around it."""

    callers: set[Caller]
    buffered_bytes: int
    max_buffered_bytes: int

    def begin(self, caller: Caller, head: RequestHead, body: bytes) -> Exchange | None:
        """Starts to answer; None when it has answered already. Raises Refusal."""


class Caller(asyncio.Protocol):
    """`patience`: how many more looks at it (every LOOK_SECONDS) it may be as slow as it is."""

    __slots__ = (
        "_around", "_body", "_early", "_exchange", "_head", "_is_last", "_is_reading", "_is_ready", "_loop", "_reader",
        "_reads_chunks", "_transport", "patience",
    )  # fmt: skip

    def __init__(self, around: Around) -> None:
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._is_reading = False  # an exchange has been started and not ended
        self._head: RequestHead | None = None
        self._body = bytearray()
        self._reader: ChunkReader | None = None
        self._early = b""
        self._is_last = False
        self._is_ready = True
        self._reads_chunks = True
        self.patience = _looks(IDLE_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        if len(self._around.callers) >= MAX_CALLERS:
            self._transport.abort()
        else:
            self._around.callers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._around.callers.discard(self)
        self._drop_body()
        exchange, self._exchange = self._exchange, None
        self._transport = None
        if exchange is not None:
            exchange.caller_gone()

    def eof_received(self) -> bool:
        """Who sends no more is taken to read no more: a closed socket looks the same until it is written to."""
        return False

    def pause_writing(self) -> None:
        self._is_ready = False
        self.patience = _looks(SLOW_SECONDS)
        if self._exchange is not None:
            self._exchange.caller_slow()

    def resume_writing(self) -> None:
        self._is_ready = True
        self.patience = _NEVER if self._is_reading else _looks(IDLE_SECONDS)
        if self._exchange is not None:
            self._exchange.caller_ready()

    def data_received(self, data: bytes) -> None:
        if self._is_reading:
            self._early += data
            if len(self._early) > MAX_EARLY_BYTES and self._transport is not None:
                self._transport.pause_reading()
            return
        try:
            if self._head is None:
                self._read_head(data)
            else:
                self._read_body(self._head, data)
        except BadChunk as error:
            self.refuse(malformed(str(error)))
        except Refusal as refusal:
            self.refuse(refusal)

    @property
    def is_ready(self) -> bool:
        """False while more was written than the caller has read."""
        return self._is_ready

    @property
    def is_local(self) -> bool:
        """It speaks from this machine."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return peer is not None and peer[0] in ("127.0.0.1", "::1")

    @property
    def is_between_requests(self) -> bool:
        return not self._is_reading and self._head is None and not self._early

    def look(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close_after_answer(self) -> None:
        """The gateway stops: this request is the last one here."""
        self._is_last = True
        if self.is_between_requests and self._transport is not None:
            self._transport.close()

    # reading

    def _read_head(self, data: bytes) -> None:
        if self._early:
            data = self._early + data
        else:
            self.patience = _looks(HEAD_SECONDS)
        end = data.find(END)
        if end < 0 or end > MAX_HEAD_BYTES:
            if len(data) > MAX_HEAD_BYTES:
                raise Refusal(431, "head_too_large", f"A head may have {MAX_HEAD_BYTES} bytes.", closes=True)
            self._early = data
            return
        self._early = b""
        head = request_head(data[: end + 4].lstrip(b"\r\n"))
        if head.length > MAX_BODY_BYTES:
            raise _too_large()
        if not head.keeps_alive:
            self._is_last = True
        rest = data[end + 4 :]
        if 0 <= head.length <= len(rest):
            self._early = rest[head.length :]
            self._begin(head, rest[: head.length])
            return
        self._expect_body(head)
        self._read_body(head, rest)

    def _expect_body(self, head: RequestHead) -> None:
        self._head = head
        self._reader = ChunkReader() if head.length == CHUNKED else None
        self.patience = _looks(BODY_SECONDS)
        expectation = head.headers.get(b"expect")
        if expectation is not None:
            if expectation.lower() != b"100-continue":
                raise Refusal(417, "unknown_expectation", "Only 100-continue can be expected.", closes=True)
            if self._transport is not None:
                self._transport.write(_CONTINUE)

    def _read_body(self, head: RequestHead, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            missing = head.length - len(self._body)
            self._keep(data[:missing])
            rest, done = data[missing:], len(data) >= missing
        else:
            self._keep(reader.feed(data))
            rest, done = reader.rest, reader.done
        if done:
            body = bytes(self._body)
            self._drop_body()
            self._head, self._reader, self._early = None, None, rest
            self._begin(head, body)

    def _keep(self, data: bytes) -> None:
        around = self._around
        if len(self._body) + len(data) > MAX_BODY_BYTES:
            raise _too_large()
        if around.buffered_bytes + len(data) > around.max_buffered_bytes:
            raise Refusal(
                503, "gateway_full", "This gateway holds too much already.", retry_after_seconds=2, closes=True
            )
        around.buffered_bytes += len(data)
        self._body += data

    def _drop_body(self) -> None:
        if self._body:
            self._around.buffered_bytes -= len(self._body)
            self._body = bytearray()

    def _begin(self, head: RequestHead, body: bytes) -> None:
        self._is_reading = True
        self._reads_chunks = head.is_1_1
        self.patience = _NEVER
        exchange = self._around.begin(self, head, body)
        if self._is_reading:
            self._exchange = exchange

    # answering

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer. `headers`: lines that each end in CRLF, without length and connection."""
        if self._transport is not None:
            last = b"connection: close\r\n" if self._is_last else b""
            self._transport.write(
                b"HTTP/1.1 %d %b\r\n%bcontent-length: %d\r\n%b\r\n%b"
                % (status, REASONS.get(status, b"Unknown"), headers, len(body), last, body)
            )
        self._finish()

    def refuse(self, refusal: Refusal, headers: bytes = b"", body: bytes | None = None) -> None:
        """The refusal as JSON, OpenAI's when no `body` says it otherwise; when it `closes`, the connection ends."""
        self._is_last = self._is_last or refusal.closes
        headers += b"content-type: application/json\r\n"
        if refusal.retry_after_seconds is not None:
            headers += b"retry-after: %d\r\n" % max(1, round(refusal.retry_after_seconds + 0.5))
        if refusal.status == 401:
            headers += b"www-authenticate: Bearer\r\n"
        self.answer(refusal.status, headers, refusal.body() if body is None else body)

    def begin_stream(self, headers: bytes) -> None:
        """A 200 whose length is not known; `write` its parts, then `end_stream`."""
        self._is_last = self._is_last or not self._reads_chunks  # HTTP/1.0 knows the end by the connection's
        if self._transport is not None:
            last = b"connection: close\r\n" if self._is_last else b""
            coding = b"transfer-encoding: chunked\r\n" if self._reads_chunks else b""
            self._transport.write(b"HTTP/1.1 200 OK\r\n%b%b%b\r\n" % (headers, coding, last))

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._reads_chunks else data)

    def end_stream(self, is_last: bool = False) -> None:
        self._is_last = self._is_last or is_last
        if self._transport is not None and self._reads_chunks:
            self._transport.write(b"0\r\n\r\n")
        self._finish()

    def _finish(self) -> None:
        self._exchange, self._is_reading, self._head, self._reader = None, False, None, None
        self._drop_body()
        transport = self._transport
        if transport is None:
            return
        if self._is_last:
            transport.close()
            return
        self.patience = _looks(IDLE_SECONDS if self._is_ready else SLOW_SECONDS)
        if self._early:
            if len(self._early) > MAX_EARLY_BYTES:
                transport.resume_reading()
            self._loop.call_soon(self._read_early)

    def _read_early(self) -> None:
        if self._transport is not None and not self._is_reading and self._early:
            early, self._early = self._early, b""
            self.data_received(early)


def _too_large() -> Refusal:
    return Refusal(413, "body_too_large", f"A request may have {MAX_BODY_BYTES // 1024**2} MiB.", closes=True)
