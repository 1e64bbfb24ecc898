"""How many tokens an answer took: as its upstream counted them, whole or as a stream of events."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

MAX_EVENT_BYTES = 1_048_576
_MENTIONED = re.compile(rb'"usage"\s*:\s*\{')
_TEXT = re.compile(rb'"(?:content|text|delta|arguments|reasoning_content)"\s*:\s*"[^"]')


class BadStream(ValueError):
    """What the upstream sends is no stream of events."""


class _Usage(Struct):
    """The names of the chat API, and those of the responses API."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Response(Struct):
    usage: _Usage | None = None


class _Answer(Struct):
    usage: _Usage | None = None
    response: _Response | None = None
    choices: list[msgspec.Raw] | None = None


_answer = msgspec.json.Decoder(_Answer)


def of_answer(body: bytes) -> tuple[int, int] | None:
    """Tokens in and out; None when it does not say, or says what cannot be."""
    try:
        return _tokens(_answer.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _tokens(answer: _Answer) -> tuple[int, int] | None:
    usage = answer.usage or (answer.response.usage if answer.response else None)
    if usage is None:
        return None
    came, went = usage.prompt_tokens or usage.input_tokens, usage.completion_tokens or usage.output_tokens
    return (came, went) if came >= 0 and went >= 0 else None


def estimated(body: bytes, bytes_per_token: int) -> int:
    """Tokens out of an answer whose upstream does not say them: what its choices weigh."""
    try:
        choices = _answer.decode(body).choices or []
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0
    return sum(len(bytes(choice)) for choice in choices) // bytes_per_token


class StreamUsage:
    """Stands between upstream and caller: hands on whole events, and keeps the usage that the caller did not ask for.

    `tokens` is what the upstream counted, None before it said so; `text_events` counts events that carried text."""

    __slots__ = ("_shows_usage", "_tail", "text_events", "tokens")

    def __init__(self, shows_usage: bool) -> None:
        self._shows_usage = shows_usage
        self._tail = b""
        self.tokens: tuple[int, int] | None = None
        self.text_events = 0

    def feed(self, data: bytes) -> bytes:
        """What may go on to the caller now. Raises BadStream."""
        if self._tail:
            data = self._tail + data
        cut = data.rfind(b"\n\n") + 2
        if cut == 1 and (cut := data.rfind(b"\r\n\r\n") + 4) == 3:
            if len(data) > MAX_EVENT_BYTES:
                raise BadStream(f"an event has more than {MAX_EVENT_BYTES} bytes")
            self._tail = data
            return b""
        self._tail = data[cut:]
        whole = data[:cut]
        self.text_events += len(_TEXT.findall(whole))
        return self._with_usage(whole) if _MENTIONED.search(whole) else whole

    def end(self) -> bytes:
        """What is left when the upstream has ended: an event without its empty line."""
        left, self._tail = self._tail, b""
        return self._with_usage(left) if _MENTIONED.search(left) else left

    def _with_usage(self, events: bytes) -> bytes:
        kept = []
        for event in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", events):
            if not (_MENTIONED.search(event) and self._is_only_usage(event)) or self._shows_usage:
                kept.append(event)
        return b"".join(kept)

    def _is_only_usage(self, event: bytes) -> bool:
        lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
        try:
            answer = _answer.decode(b"\n".join(lines))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        self.tokens = _tokens(answer) or self.tokens
        return answer.choices == []
