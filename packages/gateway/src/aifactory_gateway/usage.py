"""How many tokens an answer took: as its upstream counted them, whole or as a stream of events."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

MAX_EVENT_BYTES = 10 * 1024**2
_EVENT_END = re.compile(rb"(?<=\n\n)|(?<=\n\r\n)")
_TEXT = re.compile(rb'"(?:content|text|delta|arguments|reasoning_content)"\s*:\s*"[^"]')
MAX_TOKENS = 2**40


class BadStream(ValueError):
    """What the upstream sends is no stream of events."""


class _Usage(Struct):
    """The names of the chat API, and those of the responses API. Embeddings have none that come out."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Response(Struct):
    usage: _Usage | None = None


class _Answer(Struct):
    usage: _Usage | None = None
    response: _Response | None = None
    choices: list[msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def _answer(body: bytes) -> _Answer | None:
    """None for what is no answer, nested deeper than anything is read included."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def of_answer(body: bytes) -> tuple[int, int] | None:
    """Tokens in and out; None when it does not say, or says what cannot be."""
    answer = _answer(body)
    return _tokens(answer) if answer is not None else None


def _tokens(answer: _Answer) -> tuple[int, int] | None:
    usage = answer.usage or (answer.response.usage if answer.response else None)
    if usage is None:
        return None
    came = usage.prompt_tokens if usage.prompt_tokens is not None else usage.input_tokens
    went = usage.completion_tokens if usage.completion_tokens is not None else usage.output_tokens
    if came is None and went is None:
        return None
    came, went = came or 0, went or 0
    return (came, went) if 0 <= came <= MAX_TOKENS and 0 <= went <= MAX_TOKENS else None


def estimated(body: bytes, bytes_per_token: int) -> int:
    """Tokens out of an answer whose upstream does not say them: what its choices weigh."""
    answer = _answer(body)
    return sum(len(bytes(choice)) for choice in (answer.choices if answer else None) or ()) // bytes_per_token


class StreamUsage:
    """Stands between upstream and caller: hands on whole events, and keeps the usage that the caller did not ask for.

    `tokens` is what the upstream counted, None before it said so; `text_events` counts events that carried text; `held`
    bytes of an event wait here for its end: its usage may be in any part of it."""

    __slots__ = ("_shows_usage", "_tail", "held", "text_events", "tokens")

    def __init__(self, shows_usage: bool) -> None:
        self._shows_usage = shows_usage
        self._tail = bytearray()
        self.held = 0
        self.tokens: tuple[int, int] | None = None
        self.text_events = 0

    def feed(self, data: bytes) -> bytes:
        """What may go on to the caller now. Raises BadStream."""
        if self.held or not data.endswith((b"\n\n", b"\n\r\n")):
            data = self._whole_events(data)
        self.text_events += len(_TEXT.findall(data))
        return self._with_usage(data) if _tells_usage(data) else data

    def end(self) -> bytes:
        """What is left when the upstream has ended: an event without its empty line."""
        left, self._tail, self.held = bytes(self._tail), bytearray(), 0
        self.text_events += len(_TEXT.findall(left))
        return self._with_usage(left) if _tells_usage(left) else left

    def _whole_events(self, data: bytes) -> bytes:
        """With what was held before; the rest is held. Only what is new is searched, so that a large event that comes
        in small pieces costs no more than its bytes. Raises BadStream."""
        tail = self._tail
        begin = max(0, len(tail) - 2)
        tail += data
        cut = _end_of_events(tail, begin)
        whole = bytes(tail[:cut])
        del tail[:cut]
        self.held = len(tail)
        if self.held > MAX_EVENT_BYTES:
            raise BadStream(f"an event has more than {MAX_EVENT_BYTES} bytes")
        return whole

    def _with_usage(self, events: bytes) -> bytes:
        kept = []
        for event in _EVENT_END.split(events):
            if not (_tells_usage(event) and self._is_only_usage(event)) or self._shows_usage:
                kept.append(event)
        return b"".join(kept)

    def _is_only_usage(self, event: bytes) -> bool:
        lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
        answer = _answer(b"\n".join(lines))
        if answer is None:
            return False
        self.tokens = _tokens(answer) or self.tokens
        return answer.usage is not None and answer.choices == []


def _end_of_events(data: bytearray, begin: int) -> int:
    """Behind the last empty line, whichever of both line ends it has; 0 when there is none."""
    lf, crlf = data.rfind(b"\n\n", begin), data.rfind(b"\n\r\n", begin)
    return max(lf + 2 if lf >= 0 else 0, crlf + 3 if crlf >= 0 else 0)


def _tells_usage(events: bytes) -> bool:
    """Quick, and never wrong where it says no: most events of a stream say `"usage":null`, if they speak of it at all."""
    return events.count(b'"usage"') != events.count(b'"usage":null')
