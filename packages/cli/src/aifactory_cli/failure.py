"""How the CLI fails: stable exit codes, and one way to say what happened, where, and what to do."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes that scripts may rely on. They never change their meaning."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    FORBIDDEN = 4
    NOT_FOUND = 5
    REFUSED = 6
    PAYMENT_REQUIRED = 7
    TIMED_OUT = 8
    UNREACHABLE = 9
    INTERRUPTED = 130


EXIT_BY_STATUS = {
    400: Exit.USAGE,
    401: Exit.NOT_SIGNED_IN,
    402: Exit.PAYMENT_REQUIRED,
    403: Exit.FORBIDDEN,
    404: Exit.NOT_FOUND,
    405: Exit.USAGE,
    409: Exit.REFUSED,
    410: Exit.NOT_FOUND,
    412: Exit.REFUSED,
    413: Exit.USAGE,
    415: Exit.USAGE,
    422: Exit.USAGE,
    428: Exit.USAGE,
    429: Exit.REFUSED,
    502: Exit.UNREACHABLE,
    503: Exit.UNREACHABLE,
    504: Exit.UNREACHABLE,
}

TODO_BY_STATUS = {
    401: "Sign in with `aif login`, or set AIF_TOKEN to an API key.",
    403: "Ask an administrator of the tenant for the permission, or check `aif whoami`.",
    404: "Check the id with the matching `list` command; ids of other tenants are answered the same way.",
    429: "Wait a little and repeat the command.",
    503: "The host is up but not ready. Look at `aif status`, then repeat the command.",
}


class Failure(Exception):
    """Something that the user must be told; carries the exit code and what to do about it."""

    def __init__(
        self,
        exit_code: Exit,
        code: str,
        title: str,
        detail: str = "",
        todo: str = "",
        field: str | None = None,
        problem: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.exit_code = exit_code
        self.code = code
        self.title = title
        self.detail = detail
        self.todo = todo
        self.field = field
        self.problem = problem

    def as_json(self) -> str:
        """The host's problem details unchanged where there are any; otherwise ours in the same shape."""
        own = {"title": self.title, "code": self.code, "detail": self.detail, "field": self.field, "todo": self.todo}
        return json.dumps(self.problem if self.problem is not None else own, ensure_ascii=False)

    def as_text(self) -> str:
        """What happened, the field, what to do; one fact a line."""
        problem = self.problem or {}
        lines = [f"aif: {self.title} ({self.code})"]
        if self.detail and self.detail != self.title:
            lines.append(f"  why:    {self.detail}")
        if self.field:
            lines.append(f"  field:  {self.field}")
        lines.extend(_field_lines(problem, self.field))
        lines.extend(offer_lines(problem.get("offers")))
        if self.todo:
            lines.append(f"  do:     {self.todo}")
        if problem.get("request_id") and self.exit_code is Exit.UNEXPECTED:
            lines.append(f"  report: request {problem['request_id']}")
        return "\n".join(printable(line) for line in lines)


def failure_of(status: int, problem: dict[str, Any], what: str) -> Failure:
    """The host's answer `problem` (RFC 9457) to the call `what`, as a Failure with the exit code of its status."""
    exit_code = EXIT_BY_STATUS.get(status, Exit.UNEXPECTED if status >= 500 else Exit.REFUSED)
    field = problem.get("field")
    return Failure(
        exit_code,
        str(problem.get("code") or f"http_{status}"),
        str(problem.get("title") or f"The host answered {status} to {what}"),
        str(problem.get("detail") or ""),
        str(problem.get("todo") or TODO_BY_STATUS.get(status, "")),
        str(field) if field else None,
        problem,
    )


def refused_until(what: str, reason: str, todo: str) -> Failure:
    """For surface that exists already so that scripts can rely on its name, but arrives with a later release."""
    return Failure(Exit.REFUSED, "not_available_yet", f"{what} is not available in this release", reason, todo)


def usage(field: str, title: str, todo: str, code: str = "usage") -> Failure:
    """Bad input that the CLI can tell without asking the host."""
    return Failure(Exit.USAGE, code, title, "", todo, field)


def offer_lines(offers: Any) -> list[str]:
    """Ranked offers of a capacity refusal, best first, at most five."""
    if not isinstance(offers, list) or not offers:
        return []
    lines = ["  offers: (best first)"]
    for offer in (entry for entry in offers[:5] if isinstance(entry, dict)):
        free = f"{offer.get('available', '?')} of {offer.get('capacity', '?')} free"
        lines.append(
            f"    {offer.get('sku')} in {offer.get('region_id')}: {free}  {offer.get('reason') or ''}".rstrip()
        )
    return lines


def printable(text: str) -> str:
    """Text from elsewhere without control characters: a name must not be able to drive the terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _field_lines(problem: dict[str, Any], already: str | None) -> list[str]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return []
    known = [entry for entry in errors if isinstance(entry, dict) and entry.get("field") != already]
    return [f"  field:  {entry.get('field')}: {entry.get('detail') or entry.get('code')}" for entry in known[:10]]
