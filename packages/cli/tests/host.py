"""A small host for the CLI's tests: it answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as the host saw it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass
class Answer:
    """What to say: `content` as JSON unless it is bytes. `delay_seconds` before; `hang_up` says nothing at all."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    hang_up: bool = False


Reply = Answer | Callable[[Asked], Answer]


def problem(status: int, code: str, title: str = "Refused", **members: Any) -> Answer:
    body = {"type": f"https://aifactory.dev/problems/{code}", "title": title, "status": status, "code": code, **members}
    return Answer(body, status, {"Content-Type": "application/problem+json"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is what some tests are about."""


class Host:
    """`host.on("GET", "/regions", answer, …)`: answers in turn, the last for ever. Unknown paths answer 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[tuple[str, str], list[Reply]] = {}
        self.server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self.replies[method, path] = list(replies)

    def mutations(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method != "GET"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def reply_to(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        replies = self.replies.get((asked.method, asked.path))
        if not replies:
            return problem(404, "not_found", "No such thing", detail=f"There is no {asked.path}.")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(asked) if callable(reply) else reply

    def _handler(host) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                parts = urlsplit(self.path)
                path = parts.path.removeprefix("/api/v3")
                heads = {name.lower(): value for name, value in self.headers.items()}
                body = raw.decode() if "form" in heads.get("content-type", "") else (json.loads(raw) if raw else None)
                answer = host.reply_to(Asked(self.command, path, parse_qs(parts.query), heads, body))
                time.sleep(answer.delay_seconds)
                if answer.hang_up:
                    self.close_connection = True
                    return
                content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, format: str, *args: object) -> None:
                return

        return Handler
