"""Many callers of a gateway at once, without a client library: whole answers, streams, and streams left in the middle."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

REST_SECONDS = 0.2  # after a connection that failed: the gateway may be starting


@dataclass
class Load:
    """`keys`: name -> text of the key. Each request says its key's name as its user, so that the other side can count by it."""

    port: int
    keys: dict[str, str]
    requests: int
    model: str = "sim"
    callers: int = 48
    seed: int = 1
    sent: int = 0
    answered: int = 0
    left: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    broken: int = 0
    is_over: bool = False

    async def run(self) -> None:
        numbers = iter(range(self.requests))
        await asyncio.gather(*(self._caller(numbers) for _ in range(self.callers)))
        self.is_over = True

    async def _caller(self, numbers: Iterator[int]) -> None:
        connection = None
        for number in numbers:
            chance = random.Random(self.seed * 1_000_003 + number)
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self.port)
                if not await self._ask(*connection, chance):
                    connection[1].close()
                    connection = None
            except (OSError, asyncio.IncompleteReadError, ValueError):
                self.broken += 1
                if connection is not None:
                    connection[1].close()
                    connection = None
                await asyncio.sleep(REST_SECONDS)
        if connection is not None:
            connection[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> bool:
        """Whether the connection can be used again."""
        name = chance.choice(sorted(self.keys))
        streamed, leaves = chance.random() < 0.5, chance.random() < 0.2
        wanted = {"model": self.model, "user": name, "max_tokens": chance.randint(1, 16), "stream": streamed}
        wanted["messages"] = [{"role": "user", "content": " ".join(itertools.repeat("word", chance.randint(1, 12)))}]
        body = json.dumps(wanted).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {self.keys[name]}\r\n"
        writer.write(head.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        self.sent += 1
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(answer.split()[1])
        if status != 200:
            self.refused[status] = self.refused.get(status, 0) + 1
        if status == 200 and streamed and leaves:
            self.left += 1
            return False
        if "transfer-encoding: chunked" in answer:
            await _to_the_end(reader)
        else:
            await reader.readexactly(int(answer.split("content-length: ")[1].split()[0]))
        self.answered += status == 200
        return status == 200


async def _to_the_end(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)
