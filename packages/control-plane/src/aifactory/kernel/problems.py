"""Renders problems, and turns the framework's own errors into problems of ours."""

import json
from typing import Any

from fastapi import Response
from fastapi.exceptions import RequestValidationError

from aifactory.kernel.errors import Problem

_MAX_ERRORS = 20
VARIES_BY = "Cookie, Authorization, X-Aif-Tenant"  # everything that tells who asks


def render(problem: Problem, request_id: str) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": VARIES_BY}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="aifactory"'
    if problem.status in (429, 503):
        headers["Retry-After"] = str(problem.extra.get("retry_after_seconds", 1))
    headers |= problem.headers
    return Response(
        json.dumps(problem.body(request_id), default=str),
        problem.status,
        headers,
        media_type="application/problem+json",
    )


def unstorable() -> Problem:
    """The database refused a value that passed every check of ours: a NUL, half of a surrogate pair, a number out of range."""
    return Problem(
        422,
        "unstorable_value",
        "A value cannot be stored",
        "A text holds a NUL or half a character, or a number is out of range. Nothing was changed.",
        todo="Send plain Unicode text and ordinary numbers.",
    )


def internal() -> Problem:
    """What a bug looks like from outside: nothing of its inside, and the way to have it looked at."""
    return Problem(
        500,
        "internal_error",
        "Something broke on our side",
        "Nothing was changed. It has been recorded under the request's id.",
        todo="Try again; if it stays, tell the operator the request_id.",
    )


def from_validation(error: RequestValidationError) -> Problem:
    """The first wrong field leads; `errors` lists up to twenty."""
    errors = [_one(item) for item in error.errors()[:_MAX_ERRORS]]
    first: dict[str, Any] = (
        errors[0] if errors else {"field": "", "code": "invalid", "detail": "The request is not valid."}
    )
    return Problem(
        422,
        first["code"],
        "The request is not valid",
        f"{first['field']}: {first['detail']}",
        field=first["field"],
        todo=f"Correct {first['field'] or 'the request'} and send it again.",
        errors=errors,
    )


def _one(item: dict[str, Any]) -> dict[str, str]:
    location = [str(part) for part in item.get("loc", ())]
    field = ".".join(
        location[1:] if len(location) > 1 and location[0] in ("body", "query", "path", "header", "cookie") else location
    )
    return {
        "field": field or "body",
        "code": str(item.get("type", "invalid")),
        "detail": str(item.get("msg", "invalid")),
    }
