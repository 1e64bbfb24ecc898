"""Problems (RFC 9457): every refusal has a stable code, the field it is about, and what to do next."""

from typing import Any

TYPE_BASE = "https://aifactory.dev/problems/"


class Problem(Exception):
    """Raise anywhere; the transaction rolls back and the edge answers `application/problem+json`.

    status: HTTP status. code: stable machine-readable name. title: one short sentence for people.
    detail: what happened this time. field: the offending input, dotted. todo: what the caller can do.
    headers: further headers of the answer. extra: further members of the body (e.g. `offers`, `limit`, `used`).
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        field: str | None = None,
        todo: str = "",
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.field = field
        self.todo = todo
        self.headers = headers or {}
        self.extra = extra

    def body(self, request_id: str = "") -> dict[str, Any]:
        content: dict[str, Any] = {
            "type": TYPE_BASE + self.code,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail or self.title,
            "todo": self.todo,
            "request_id": request_id,
        }
        if self.field is not None:
            content["field"] = self.field
        return content | self.extra


def not_found(kind: str, id: str) -> Problem:
    """Also the answer for a foreign id: it must not differ from one that never existed."""
    return Problem(
        404,
        "not_found",
        f"No such {kind}",
        f"There is no {kind} {id!r} that you can see.",
        todo=f"List your {kind}s to find the right id.",
    )


def forbidden(permission: str, because: str, code: str = "forbidden") -> Problem:
    """`code` `tenant_suspended`: the role is there, the tenant may not use it now."""
    if code == "tenant_suspended":
        return Problem(
            403,
            code,
            "Your tenant is suspended",
            f"It may read, pay and release, and begin nothing new; this needs {permission}.",
            todo="Ask the operator why, and what lifts it. What runs can be released.",
            permission=permission,
        )
    return Problem(
        403,
        "forbidden",
        "Not allowed",
        f"This needs the permission {permission}: {because}",
        todo="Ask an administrator of your tenant for a role that has it.",
        permission=permission,
    )


def unauthenticated(detail: str = "No valid session or key came with the request.") -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "Sign in first",
        detail,
        todo="Sign in, or send a valid key as `Authorization: Bearer …`.",
    )


def conflict(code: str, detail: str, todo: str = "", **extra: Any) -> Problem:
    return Problem(409, code, "Not possible in the present state", detail, todo=todo, **extra)


def invalid(field: str, detail: str, todo: str = "", code: str = "invalid_field", **extra: Any) -> Problem:
    return Problem(
        422,
        code,
        "The request is not valid",
        detail,
        field=field,
        todo=todo or f"Correct {field} and send the request again.",
        **extra,
    )


def payment_required(code: str, detail: str, todo: str, **extra: Any) -> Problem:
    return Problem(402, code, "Payment is needed first", detail, todo=todo, **extra)


def unavailable(code: str, detail: str, todo: str = "Try again in a moment.", **extra: Any) -> Problem:
    return Problem(503, code, "Not available right now", detail, todo=todo, **extra)
