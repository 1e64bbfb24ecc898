"""The app `terminal`: a page with a terminal, and a login shell for each page that is open. Listens on a unix socket that
only the sandbox's door reaches; who comes through it was let in by the platform."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from aifactory_agent.door import children, streams, terminal
from aifactory_agent.door.apps import websocket

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
PAGES = {"/": "index.html"} | {f"/{file.name}": file.name for file in STATIC.glob("*.*") if file.suffix in TYPES}
MOST_SHELLS = 16
HEAD_SECONDS = 15
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server:
    """Pages and shells."""

    def __init__(self, home: Path, kind: str) -> None:
        self._home = home
        self._kind = kind
        self._shells = 0
        self._reaper = children.Reaper()

    async def run(self, path: str) -> None:
        """Until SIGTERM."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        self._reaper.start(loop)
        os.umask(0o077)
        server = await asyncio.start_unix_server(self._serve, path)
        print("the terminal listens", flush=True)
        await stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            first, *lines = head.decode("latin-1").split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            method, target, _ = first.split(" ", 2)
            path = target.partition("?")[0]
            if path == "/shell" and fields.get("upgrade", "").lower() == "websocket":
                await self._shell(fields, reader, writer)
            elif method == "GET" and path in PAGES:
                file = STATIC / PAGES[path]
                writer.write(_answer("200 OK", TYPES[file.suffix], file.read_bytes()))
            else:
                writer.write(_answer("404 Not Found", TYPES[".html"], b"<p>There is no such page.</p>"))
            await writer.drain()
        writer.close()

    async def _shell(self, fields: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._shells >= MOST_SHELLS or "sec-websocket-key" not in fields:
            writer.write(_answer("503 Service Unavailable", TYPES[".html"], b"<p>Too many shells are open.</p>"))
            return
        self._shells += 1
        try:
            key = websocket.accept(fields["sec-websocket-key"])
            head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}"
            writer.write(f"{head}\r\n\r\n".encode())
            await self._converse(reader, writer)
        finally:
            self._shells -= 1

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        master, slave = terminal.open_terminal((80, 24, 0, 0), {})
        os.set_blocking(master, False)
        variables = children.environment(self._home, self._kind, {"LANG": "C.UTF-8"}, "xterm-256color")
        try:
            child = children.spawn(None, self._home, variables, slave)
        finally:
            os.close(slave)
        ended = self._reaper.expect(child.pid)
        ways = [
            asyncio.create_task(self._show(master, writer)),
            asyncio.create_task(self._feed(master, reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            writer.write(websocket.frame(websocket.CLOSE, b"\x03\xe8"))
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            os.close(master)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGHUP)
            if not ended.done():
                ended.cancel()

    async def _show(self, master: int, writer: asyncio.StreamWriter) -> None:
        while data := await streams.read(master):
            writer.write(websocket.frame(websocket.BINARY, data))
            await writer.drain()

    async def _feed(self, master: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(websocket.Broken, asyncio.IncompleteReadError, OSError):
            while (message := await websocket.receive(reader, writer)) is not None:
                kind, payload = message
                if kind == websocket.TEXT:
                    _resize(master, payload)
                else:
                    await streams.write(master, payload)


def _resize(master: int, payload: bytes) -> None:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        told = json.loads(payload)
        terminal.resize(master, (int(told["columns"]), int(told["rows"]), 0, 0))


def _answer(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    safe = f"Content-Security-Policy: {POLICY}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
    return f"{head}{safe}\r\n".encode() + body


def main() -> None:
    """`python -m aifactory_agent.door.apps.terminal SOCKET`"""
    server = Server(Path(os.environ["HOME"]), os.environ.get("AIF_SANDBOX_KIND", ""))
    asyncio.run(server.run(sys.argv[1]))


if __name__ == "__main__":
    main()
