"""What a dialect has to translate. The first, OpenAI's own, translates nothing and so costs nothing."""

from __future__ import annotations

from typing import Protocol

from aifactory_gateway import request_body
from aifactory_gateway.refusal import Refusal
from aifactory_gateway.request_body import Wish


class StreamTranslator(Protocol):
    """From OpenAI's events to the caller's, as they come."""

    def feed(self, events: bytes) -> bytes:
        """`events` are whole."""

    def end(self) -> bytes:
        """What the stream still needs when the upstream has ended."""

    def error(self, refusal: Refusal) -> bytes:
        """The event that ends a stream which broke."""


class Dialect(Protocol):
    """`shows_usage`: its streams always tell the usage, asked for or not."""

    shows_usage: bool

    def wish(self, body: bytes, model: str | None) -> Wish:
        """What the caller wants; `model` when the address named it. Raises Refusal."""

    def answer(self, body: bytes, request_id: str) -> bytes:
        """A whole answer. Raises ValueError when the upstream's is not OpenAI's."""

    def stream(self, request_id: str) -> StreamTranslator | None:
        """None: events pass as they are."""

    def error(self, refusal: Refusal) -> bytes:
        """The JSON of a refusal."""


class OpenAI:
    """Also Azure's way to ask for it, where the address names the model."""

    shows_usage = False

    def wish(self, body: bytes, model: str | None) -> Wish:
        return request_body.read(body, model)

    def answer(self, body: bytes, request_id: str) -> bytes:
        return body

    def stream(self, request_id: str) -> StreamTranslator | None:
        return None

    def error(self, refusal: Refusal) -> bytes:
        return refusal.body()


OPENAI: Dialect = OpenAI()
