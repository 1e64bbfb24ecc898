"""A simulated model server: OpenAI's protocol over HTTP/1.1, words of its own, and a count of every token it made.

It says that it is simulated in each answer's `x-simulated` header and in the text. The name of the model chooses how it
behaves: `sim` works, the others fail the way real servers do.

    python -m aifactory_sim.inference_upstream --port 9100
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

MAX_TOKENS = 100_000
ARGUMENTS = '{"place":"sea"}'
FAULTS = {
    "sim": "answers",
    "sim-mute": "never says its usage",
    "sim-busy": "answers 429",
    "sim-broken": "answers 500",
    "sim-refuses": "answers 400 about the request",
    "sim-locked": "answers 401 to our key",
    "sim-silent": "accepts and never answers",
    "sim-cut": "closes in the middle",
    "sim-garbled": "sends what is no chunk",
    "sim-endless": "sends one event without end",
    "sim-liar": "says a usage below zero",
    "sim-boaster": "says a usage without measure",
}
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Error",
}


@dataclass
class Counted:
    """What this server counted for one request. `user`: as the request called its user."""

    tokens_in: int
    tokens_out: int = 0
    ended: bool = False
    user: str = ""


@dataclass
class InferenceUpstream:
    """`pace_seconds` between two tokens of a stream. `counted` by the request id that came with it."""

    pace_seconds: float = 0.0
    counted: dict[str, Counted] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    open_requests: int = 0
    requests: int = 0

    async def serve(self, port: int = 0) -> tuple[asyncio.Server, int]:
        """On loopback. The server to close, and its port."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=2**20)
        return server, server.sockets[0].getsockname()[1]

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """user -> (requests, tokens in, tokens out)"""
        found: dict[str, tuple[int, int, int]] = {}
        for one in self.counted.values():
            requests, tokens_in, tokens_out = found.get(one.user, (0, 0, 0))
            found[one.user] = (requests + 1, tokens_in + one.tokens_in, tokens_out + one.tokens_out)
        return found

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if head[0].startswith("GET "):
                    self._tell(head[0].split()[1].rpartition("/")[2], writer)
                    continue
                self.open_requests += 1
                try:
                    if not await self._answer(head[0].split()[1], headers, body, writer):
                        return
                finally:
                    self.open_requests -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _tell(self, request_id: str, writer: asyncio.StreamWriter) -> None:
        """`GET …/usage/REQUEST`: what was counted for it so far. `GET …/totals`: of all, by user, and how many run."""
        if request_id == "totals":
            _send(writer, 200, {"open": self.open_requests, "users": self.totals()})
            return
        counted = self.counted.get(request_id)
        if counted is None:
            _send(writer, 404, {"error": {"message": "no such request", "code": "not_found", "type": "simulated"}})
        else:
            _send(writer, 200, _usage("", counted))

    async def _answer(self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        self.requests += 1
        wanted = json.loads(body)
        self.bodies = [*self.bodies[-99:], wanted]
        fault = wanted["model"]
        refusals = {"sim-busy": 429, "sim-broken": 500, "sim-refuses": 400, "sim-locked": 401}
        if fault in refusals:
            _send(
                writer, refusals[fault], {"error": {"message": "simulated", "code": "simulated", "type": "simulated"}}
            )
            return True
        if fault == "sim-silent":
            await asyncio.sleep(3_600)
        words = len(json.dumps(wanted.get("messages") or wanted.get("input") or "").split())
        counted = Counted(words, user=str(wanted.get("user") or ""))
        self.counted[headers.get("x-request-id", "")] = counted
        if path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
            _send(writer, 200, {"object": "list", "model": fault, "data": data} | _usage(fault, counted))
            return True
        tokens = min(MAX_TOKENS, wanted.get("max_completion_tokens") or wanted.get("max_tokens") or 16)
        if wanted.get("stream"):
            return await self._stream(fault, wanted, counted, tokens, writer)
        counted.tokens_out, counted.ended = tokens, True
        if fault == "sim-cut":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{")
            return False
        if wanted.get("tools"):
            message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [_call(wanted)]}
            choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
        else:
            message = {"role": "assistant", "content": "simulated " * tokens}
            choices = [{"index": 0, "message": message, "finish_reason": "length"}]
        answer = {"id": "chatcmpl-sim", "object": "chat.completion", "created": 0, "model": fault, "choices": choices}
        _send(writer, 200, answer | _usage(fault, counted))
        return True

    async def _stream(
        self, fault: str, wanted: dict[str, Any], counted: Counted, tokens: int, writer: asyncio.StreamWriter
    ) -> bool:
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-simulated: true\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        if wanted.get("tools"):
            counted.tokens_out, tokens = tokens, 0
            whole = _call(wanted)
            for part in ("", ARGUMENTS[:5], ARGUMENTS[5:]):  # first its name, then its arguments in pieces
                piece = {"arguments": part} if part else {"name": whole["function"]["name"], "arguments": ""}
                call = {"index": 0, "function": piece} | ({} if part else {"id": whole["id"], "type": "function"})
                _event(writer, {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None})
        for number in range(tokens):
            if self.pace_seconds:
                await asyncio.sleep(self.pace_seconds)
            counted.tokens_out += 1
            _event(writer, {"index": 0, "delta": {"content": "simulated "}, "finish_reason": None})
            await writer.drain()
            if number == tokens // 2 and fault == "sim-cut":
                return False
            if fault == "sim-garbled":
                writer.write(b"this is no chunk\r\n")
                return False
            if fault == "sim-endless":
                for _ in range(120):
                    _chunk(writer, b"data: " + b"x" * 100_000)
                    await writer.drain()
        _event(writer, {"index": 0, "delta": {}, "finish_reason": "tool_calls" if wanted.get("tools") else "length"})
        counted.ended = True
        if (wanted.get("stream_options") or {}).get("include_usage") and fault != "sim-mute":
            _chunk(writer, b"data: " + json.dumps({"choices": []} | _usage(fault, counted)).encode() + b"\n\n")
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


def _call(wanted: dict[str, Any]) -> dict[str, Any]:
    """Whoever offers tools sees the first one called."""
    name = wanted["tools"][0]["function"]["name"]
    return {"index": 0, "id": "call_sim", "type": "function", "function": {"name": name, "arguments": ARGUMENTS}}


def _usage(fault: str, counted: Counted) -> dict[str, Any]:
    if fault == "sim-mute":
        return {}
    out = {"sim-liar": -5, "sim-boaster": 2**39}.get(fault, counted.tokens_out)
    usage = {"prompt_tokens": counted.tokens_in, "completion_tokens": out, "total_tokens": counted.tokens_in + out}
    return {"usage": usage}


def _send(writer: asyncio.StreamWriter, status: int, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\nx-simulated: true\r\n"
    writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)


def _event(writer: asyncio.StreamWriter, choice: dict[str, Any]) -> None:
    event = {"id": "chatcmpl-sim", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [choice]}
    _chunk(writer, b"data: " + json.dumps(event | {"usage": None}).encode() + b"\n\n")


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def _run(port: int, pace_seconds: float) -> None:
    server, port = await InferenceUpstream(pace_seconds).serve(port)
    print(f"simulated model server on http://127.0.0.1:{port}/v1", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--pace-seconds", type=float, default=0.0)
    chosen = arguments.parse_args()
    asyncio.run(_run(chosen.port, chosen.pace_seconds))
