"""Clients that send too slowly, or heads that never end, on a real socket: they are answered and let go."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from aifactory.api import connections, limits
from aifactory.api.connections import BoundedProtocol
from aifactory.api.limits import Limits


async def hello(scope, receive, send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"s." if len(body) < 9 else b"l."})


@pytest.fixture
async def port(monkeypatch) -> AsyncIterator[int]:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            Limits(hello, frozenset()), http=BoundedProtocol, ws="none", log_config=None, lifespan="off"
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def told(port: int, *pieces: bytes) -> bytes:
    """What the server says until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
    try:
        return await asyncio.wait_for(reader.read(), 3)
    finally:
        writer.close()


async def test_a_head_that_never_ends_is_refused(port):
    endless = [b"GET / HTTP/1.1\r\nX: "] + [b"x" * 32_000] * 3
    assert (await told(port, *endless)).startswith(b"HTTP/1.1 431")


async def test_a_head_that_does_not_come_is_not_waited_for(port):
    assert (await told(port)).startswith(b"HTTP/1.1 408")
    assert (await told(port, b"GET / HTTP/1.1\r\n", b"X: y\r\n")).startswith(b"HTTP/1.1 408")
    answered = await told(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n")
    assert answered.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 408" in answered


async def test_a_body_that_trickles_is_answered_and_let_go(port):
    answer = await told(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", b"a", b"b")
    assert answer.startswith(b"HTTP/1.1 408") and b"body_too_slow" in answer


async def test_ordinary_requests_and_large_bodies_pass_on_one_connection(port):
    body = b"x" * 400_000
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + body
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await told(port, post, post, last)
    assert answer.count(b"HTTP/1.1 200") == 3 and answer.count(b"\r\n\r\nl.") == 2


def test_depth_is_that_of_the_json_not_of_its_texts():
    limits._check_depth(b'{"reason": "' + b"[" * 200 + b'"}')
    for hidden in (b'["]]]]]]]]",' * 40, b'["\\"]]]]]]",' * 40):
        with pytest.raises(limits.Problem, match="body_too_deep"):
            limits._check_depth(hidden)
