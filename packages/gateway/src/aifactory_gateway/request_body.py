"""What a caller wants, read from the JSON it sent; everything that is not ours to change passes through as it came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aifactory_gateway.refusal import Refusal, bad_request

MAX_CHOICES = 128
_AT = re.compile(r"`\$\.([a-z_]+)")


class _Asked(Struct):
    """What is read of a body. Null is as good as absent."""

    model: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    n: int | None = None


_fields = msgspec.json.Decoder(dict[str, Raw])
_asked = msgspec.json.Decoder(_Asked)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Wish:
    """`max_output_tokens`: for one choice, None when the caller named no limit. `size`: bytes of the request's body."""

    fields: dict[str, Raw]
    model: str
    streams: bool
    options: dict[str, Any] | None
    wants_usage: bool
    max_output_tokens: int | None
    choices: int
    size: int

    def for_upstream(self, upstream_model: str, limit_field: str | None, limit: int) -> bytes:
        """The body to send: the upstream's name of the model, usage always asked for, and a bound on the answer.

        Members that came twice go on once, so that no two readers can take different ones.
        """
        fields = self.fields
        fields["model"] = Raw(_encode(upstream_model))
        if limit_field is not None and self.max_output_tokens is None:
            fields[limit_field] = Raw(b"%d" % limit)
        if self.streams and not self.wants_usage and limit_field != "max_output_tokens":
            fields["stream_options"] = Raw(_encode({**(self.options or {}), "include_usage": True}))
        return _encode(fields)


def read(data: bytes, model: str | None = None) -> Wish:
    """`model`: named elsewhere, in the place of the body's. Raises Refusal 400 that names the member."""
    try:
        fields = _fields.decode(data)
        asked = _asked.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error
    model = model or asked.model
    if not model:
        raise bad_request("model_required", "Name a model; GET /v1/models lists them.", "model")
    limits = [
        value for value in (asked.max_completion_tokens, asked.max_tokens, asked.max_output_tokens) if value is not None
    ]
    choices = 1 if asked.n is None else _positive("n", asked.n, MAX_CHOICES)
    options = asked.stream_options
    return Wish(
        fields,
        model,
        bool(asked.stream),
        options,
        options is not None and options.get("include_usage") is True,
        _positive("max_tokens", max(limits), None) if limits else None,
        choices,
        len(data),
    )


def _unreadable(error: Exception) -> Refusal:
    found = _AT.search(str(error))
    if found is None:
        return bad_request("invalid_json", f"The body is not a JSON object: {error}")
    return bad_request("invalid_type", f"{found[1]}: {error}", found[1])


def _positive(name: str, value: int, most: int | None) -> int:
    if value < 1 or (most is not None and value > most):
        bound = f" and at most {most}" if most else ""
        raise Refusal(400, "out_of_range", f"{name} must be at least 1{bound}.", param=name)
    return value
