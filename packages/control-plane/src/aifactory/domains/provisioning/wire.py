"""Reads what agents send. Whatever does not fit becomes problem details with the field, before anything is touched."""

import re
from typing import TypeVar

import msgspec
from fastapi import Request, Response

from aifactory.kernel.errors import Problem
from aifactory_protocol.limits import MAX_BODY_BYTES

T = TypeVar("T")
_AT = re.compile(r" - at `\$?\.?(?P<path>[^`]*)`$")
_NAMED = re.compile(r"field `(?P<name>[^`]+)`")
_CODES = (
    ("Object missing required field", "missing_field"),
    ("Object contains unknown field", "unknown_field"),
    ("Invalid enum value", "unknown_value"),
    ("Invalid RFC3339", "invalid_instant"),
    ("length", "invalid_length"),
    ("matching regex", "invalid_format"),
    (">=", "out_of_range"),
    ("<=", "out_of_range"),
    ("timezone", "invalid_instant"),
)


async def read(request: Request, kind: type[T]) -> T:
    """The body as `kind`. 413 when it is too large, 400 when it is not JSON, 422 with the field otherwise."""
    return decode(await request.body(), kind)


def decode(body: bytes, kind: type[T]) -> T:
    if len(body) > MAX_BODY_BYTES:
        raise Problem(
            413,
            "body_too_large",
            "The body is too large",
            f"It has {len(body)} bytes; {MAX_BODY_BYTES} are read.",
            field="body",
            todo="Send less at once.",
        )
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(
            400, "malformed_json", "The body is not JSON", str(error)[:300], field="body", todo="Send one JSON object."
        ) from error


def _misfit(text: str) -> Problem:
    """The library says: what - at `$.path`."""
    found = _AT.search(text)
    path = found["path"].replace("[", ".").replace("]", "") if found else ""
    what = text[: found.start()] if found else text
    named = _NAMED.search(what)
    field = ".".join(part for part in (path, named["name"] if named else "") if part) or "body"
    code = next((code for sign, code in _CODES if sign in what), "wrong_type")
    return Problem(
        422, code, "The request is not valid", what[:300], field=field, todo=f"Correct {field} as the protocol says."
    )


def answer(value: object, status: int = 200) -> Response:
    """A protocol struct as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")
