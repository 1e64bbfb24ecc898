"""What a connection may cost before there is a request: the size of its head, and the time it takes to arrive."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024  # looked at after each read, so at most one read of the socket more
HEAD_SECONDS = 20.0


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head without end and 408 to one that does not come; the connection closes after either."""

    _in_head = True
    _heads = 0
    _head_bytes = 0
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads, in_head = self._heads, self._in_head
        super().data_received(data)
        if not in_head or self._heads != heads or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._overdue is None:
            self._await_head()
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._overdue is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._in_head, self._head_bytes = False, 0
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def _await_head(self) -> None:
        self._overdue = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _too_slow(self) -> None:
        if self._answering():
            self._await_head()  # pipelined behind a request that is being answered
        else:
            self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        if not self._answering():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
