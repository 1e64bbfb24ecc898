"""A TLS server of the test's own, whose certificate an authority of the test's own gave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio

from aifactory_sim.authority import Authority


@dataclass
class Home:
    """Answers every request with `status` and `body` once `may_answer` is set; `heard`: the requests' first lines."""

    authority: Authority = field(default_factory=Authority)
    status: int = 200
    body: bytes = b"{}"
    heard: list[str] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, _, after = head.partition("content-length: ")
                await reader.readexactly(int(after.split("\r\n")[0]) if after else 0)
                self.heard.append(head.split("\r\n")[0])
                await self.may_answer.wait()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (self.status, len(self.body), self.body)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def home() -> AsyncIterator[Home]:
    made = Home()
    made.may_answer.set()
    server = await asyncio.start_server(made.connection, "127.0.0.1", 0, ssl=made.authority.server_tls())
    made.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
