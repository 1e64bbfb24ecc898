"""Limits on everything that arrives, before anything of ours looks at it. Plain ASGI, so that it costs nothing."""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aifactory.kernel.errors import Problem

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32
BODY_SECONDS = 20.0
REQUEST_SECONDS = 40.0
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
UNREAD = (408, 413)  # the rest of the body is still on its way: the connection cannot be used again

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Limits:
    """Names each request, checks its Host, bounds its body, depth and time, and adds the headers every answer needs.

    allowed_hosts: host names without port; empty means any (behind a proxy that checks them).
    """

    def __init__(self, app: App, allowed_hosts: frozenset[str]) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(10)}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(h for h in SECURITY_HEADERS if h[0] not in present),
                ]
            await send(message)

        try:
            self._check_host(scope)
            body = await _in_time(_read(scope, receive))
            async with asyncio.timeout(REQUEST_SECONDS):  # not wait_for, which makes a task for each request
                await self._app(scope, _replay(body, receive), send_with_headers)
        except Problem as problem:
            await _answer(problem, request_id, send_with_headers)
        except TimeoutError:
            if not started:
                await _answer(
                    Problem(
                        503, "request_timeout", "The request took too long", todo="Try again; ask for less at once."
                    ),
                    request_id,
                    send_with_headers,
                )

    def _check_host(self, scope: Scope) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        name = host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
        if self._allowed_hosts and name not in self._allowed_hosts:
            raise Problem(
                421,
                "unknown_host",
                "This server does not answer for that host",
                field="Host",
                todo="Use the address that the operator published.",
            )


async def _in_time(reading: Awaitable[bytes]) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await reading
    except TimeoutError as error:
        detail, todo = f"It did not arrive within {BODY_SECONDS:g} seconds.", "Send it again over a better line."
        raise Problem(408, "body_too_slow", "The body came too slowly", detail, todo=todo) from error


async def _read(scope: Scope, receive: Receive) -> bytes:
    """The whole body, at most 1 MiB and nested at most 32 deep; raises 413 or 400."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise Problem(
            413,
            "body_too_large",
            "The body is too large",
            f"At most {MAX_BODY_BYTES} bytes are read.",
            todo="Send less.",
        )
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise Problem(
                413,
                "body_too_large",
                "The body is too large",
                f"At most {MAX_BODY_BYTES} bytes are read.",
                todo="Send less.",
            )
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"".join(chunks)
    if b"json" in headers.get(b"content-type", b"").lower():
        _check_depth(body)
    return body


def _check_depth(body: bytes) -> None:
    """Brackets inside texts do not count: neither do they deepen, nor do they hide how deep it is."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for character in _TEXT.sub(b"", body):
        if character in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Problem(
                    400,
                    "body_too_deep",
                    "The body is nested too deep",
                    f"At most {MAX_DEPTH} levels are read.",
                    todo="Send a flatter body.",
                )
        elif character in b"]}":
            depth -= 1


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _answer(problem: Problem, request_id: str, send: Send) -> None:
    content = json.dumps(problem.body(request_id)).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *([(b"connection", b"close")] if problem.status in UNREAD else []),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
