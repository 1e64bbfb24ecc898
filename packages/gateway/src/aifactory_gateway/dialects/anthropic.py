"""Anthropic's messages: answers, streams and errors as its SDK reads them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from aifactory_gateway import request_body
from aifactory_gateway.dialects import anthropic_request
from aifactory_gateway.dialects.dialect import StreamTranslator
from aifactory_gateway.refusal import Refusal
from aifactory_gateway.request_body import Wish

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_encode = msgspec.json.encode


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Said(Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(Struct):
    model: str = ""
    choices: list[_Choice] = []
    usage: _Usage | None = None


_answer = msgspec.json.Decoder(_Answer)


class Anthropic:
    """`POST /v1/messages`."""

    shows_usage = True

    def wish(self, body: bytes, model: str | None) -> Wish:
        return request_body.read(anthropic_request.translated(body), model)

    def answer(self, body: bytes, request_id: str) -> bytes:
        answer = _answer.decode(body)
        choice = answer.choices[0]
        said = choice.message or _Said()
        content: list[dict[str, Any]] = [{"type": "text", "text": said.content}] if said.content else []
        content += [_tool_use(call, request_id) for call in said.tool_calls or ()]
        usage = answer.usage or _Usage()
        return _encode(
            _message(request_id, answer.model, content, _REASONS.get(choice.finish_reason or "", "end_turn"), usage)
        )

    def stream(self, request_id: str) -> StreamTranslator | None:
        return _Stream(request_id)

    def error(self, refusal: Refusal) -> bytes:
        kind = _KINDS.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
        return _encode({"type": "error", "error": {"type": kind, "message": f"{refusal.message} ({refusal.code})"}})


class _Stream:
    """One block at a time: text, or a tool's input; each is closed before the next is opened."""

    def __init__(self, request_id: str) -> None:
        self._id = request_id
        self._block = -1
        self._open: object = None  # None, "text", or the index of a tool call
        self._reason = "end_turn"
        self._usage = _Usage()
        self._has_begun = False
        self._has_ended = False

    def feed(self, events: bytes) -> bytes:
        out: list[bytes] = []
        for line in events.splitlines():
            if line == b"data: [DONE]":
                self._end(out)
            elif line.startswith(b"data:"):
                self._take(_answer.decode(line[5:]), out)
        return b"".join(out)

    def end(self) -> bytes:
        out: list[bytes] = []
        self._end(out)
        return b"".join(out)

    def error(self, refusal: Refusal) -> bytes:
        return b"event: error\ndata: %b\n\n" % ANTHROPIC.error(refusal)

    def _take(self, answer: _Answer, out: list[bytes]) -> None:
        if not self._has_begun:
            self._has_begun = True
            message = _message(self._id, answer.model, [], None, _Usage())
            out.append(_event("message_start", {"message": message}))
        self._usage = answer.usage or self._usage
        for choice in answer.choices[:1]:
            said = choice.delta or _Said()
            if said.content:
                self._begin_block("text", {"type": "text", "text": ""}, out)
                self._delta({"type": "text_delta", "text": said.content}, out)
            for call in said.tool_calls or ():
                if call.id or self._open != call.index:
                    self._begin_block(call.index, _tool_use(call, self._id, begins=True), out)
                if call.function.arguments:
                    self._delta({"type": "input_json_delta", "partial_json": call.function.arguments}, out)
            if choice.finish_reason:
                self._reason = _REASONS.get(choice.finish_reason, "end_turn")

    def _begin_block(self, what: object, block: dict[str, Any], out: list[bytes]) -> None:
        if self._open == what:
            return
        self._end_block(out)
        self._block, self._open = self._block + 1, what
        out.append(_event("content_block_start", {"index": self._block, "content_block": block}))

    def _delta(self, delta: dict[str, Any], out: list[bytes]) -> None:
        out.append(_event("content_block_delta", {"index": self._block, "delta": delta}))

    def _end_block(self, out: list[bytes]) -> None:
        if self._open is not None:
            out.append(_event("content_block_stop", {"index": self._block}))
            self._open = None

    def _end(self, out: list[bytes]) -> None:
        if self._has_ended or not self._has_begun:
            return
        self._has_ended = True
        self._end_block(out)
        usage = {"input_tokens": self._usage.prompt_tokens, "output_tokens": self._usage.completion_tokens}
        delta = {"stop_reason": self._reason, "stop_sequence": None}
        out.append(_event("message_delta", {"delta": delta, "usage": usage}))
        out.append(_event("message_stop", {}))


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind} | content))


def _tool_use(call: _Call, request_id: str, begins: bool = False) -> dict[str, Any]:
    """While a stream begins, its input is empty; it follows in pieces."""
    arguments = {} if begins else msgspec.json.decode(call.function.arguments or "{}")
    id = call.id or f"toolu_{request_id[4:]}_{call.index}"
    return {"type": "tool_use", "id": id, "name": call.function.name or "", "input": arguments}


def _message(
    request_id: str, model: str, content: list[dict[str, Any]], reason: str | None, usage: _Usage
) -> dict[str, Any]:
    return {
        "id": f"msg_{request_id[4:]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens},
    }


ANTHROPIC = Anthropic()
