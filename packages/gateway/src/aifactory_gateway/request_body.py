"""What a caller wants, read from the JSON it sent; everything that is not ours to change passes through as it came."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aifactory_gateway.refusal import Refusal, bad_request

MAX_CHOICES = 128
MAX_OUTPUT_TOKENS = 2**31 - 1
# What would make an upstream keep something, answer later without usage, reach into another tenant's answers, or go before
# others: none of it is ours to let through.
REFUSED = ("background", "previous_response_id", "conversation", "priority", "chat_template", "kv_transfer_params")
_NOTHING = {b"null", b"false"}
_MEDIA = (b'_url"', b'"input_image"', b'"input_audio"', b'"input_file"', b'"file"')
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
    best_of: int | None = None


_fields = msgspec.json.Decoder(dict[str, Raw])
_asked = msgspec.json.Decoder(_Asked)
_prompts = msgspec.json.Decoder(str | list[Raw])
_encode = msgspec.json.Encoder().encode


class Wish(Struct):
    """`size`: bytes of the request's body. The limits are for one choice, None when the caller named none: `chat_limit` of
    chats and completions, `response_limit` of the responses API. No upstream reads the other one's. `has_media`: pictures,
    sound or files, whose tokens the size does not bound."""

    fields: dict[str, Raw]
    model: str
    streams: bool
    options: dict[str, Any] | None
    wants_usage: bool
    chat_limit: int | None
    response_limit: int | None
    choices: int
    size: int
    has_media: bool

    def limit(self, limit_field: str | None) -> int | None:
        """What bounds the answer at an endpoint whose own member for it is `limit_field`."""
        return self.response_limit if limit_field == "max_output_tokens" else self.chat_limit

    def prompts(self, member: str) -> int:
        """How many there are in the member that may hold an array of them; an array of numbers is one, of tokens."""
        raw = self.fields.get(member)
        try:
            found = _prompts.decode(raw) if raw is not None else ""
        except (msgspec.MsgspecError, RecursionError):
            return 1
        is_many = isinstance(found, list) and found and bytes(found[0])[:1] in b'"['
        return len(found) if is_many else 1

    def for_upstream(self, upstream_model: str, limit_field: str | None, limit: int) -> bytes:
        """The body to send: the upstream's name of the model, usage always asked for, and a bound on the answer.

        Members that came twice go on once, so that no two readers can take different ones.
        """
        fields = self.fields
        fields["model"] = Raw(_encode(upstream_model))
        if limit_field == "max_output_tokens" or "store" in fields:
            fields["store"] = Raw(b"false")
        if limit_field is not None and self.limit(limit_field) is None:
            fields[limit_field] = Raw(b"%d" % limit)
        if self.streams and not self.wants_usage and limit_field != "max_output_tokens":
            fields["stream_options"] = Raw(_encode({**(self.options or {}), "include_usage": True}))
        return _encode(fields)


def read(data: bytes, model: str | None = None) -> Wish:
    """`model`: named elsewhere, in the place of the body's. Raises Refusal 400 that names the member."""
    try:
        if not data.isascii():
            data.decode()  # what is skipped below is not looked at, and goes on as it is
        fields = _fields.decode(data)
        asked = _asked.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error) from error
    model = model or asked.model
    if not model:
        raise bad_request("model_required", "Name a model; GET /v1/models lists them.", "model")
    chat_limit, other = asked.max_tokens, asked.max_completion_tokens
    if other is not None and (chat_limit is None or other > chat_limit):
        chat_limit = other
    for limit in (chat_limit, asked.max_output_tokens):
        if limit is not None and not 1 <= limit <= MAX_OUTPUT_TOKENS:
            raise _out_of_range("max_tokens", f" and at most {MAX_OUTPUT_TOKENS}")
    choices = 1 if asked.n is None else asked.n
    for name, count in (("n", choices), ("best_of", asked.best_of)):
        if count is not None and not 1 <= count <= MAX_CHOICES:
            raise _out_of_range(name, f" and at most {MAX_CHOICES}")
    for name in REFUSED:
        if name in fields and bytes(fields[name]).strip() not in _NOTHING:
            raise bad_request("unsupported_member", f"{name} is not offered here; leave it out.", name)
    options = asked.stream_options
    wants_usage = options is not None and options.get("include_usage") is True
    has_media = any(sign in data for sign in _MEDIA)
    answers = max(choices, asked.best_of or 1)
    return Wish(
        fields, model, bool(asked.stream), options, wants_usage, chat_limit, asked.max_output_tokens, answers, len(data),
        has_media,
    )  # fmt: skip


def _unreadable(error: Exception) -> Refusal:
    found = _AT.search(str(error))
    if found is None:
        return bad_request("invalid_json", f"The body is not a JSON object: {error}")
    return bad_request("invalid_type", f"{found[1]}: {error}", found[1])


def _out_of_range(name: str, bound: str) -> Refusal:
    return bad_request("out_of_range", f"{name} must be at least 1{bound}.", name)
