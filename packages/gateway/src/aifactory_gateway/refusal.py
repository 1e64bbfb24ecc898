"""What a caller is told when the gateway does not carry a request: OpenAI's error shape, a stable code, what to do."""

from __future__ import annotations

import msgspec

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
REASONS = {
    200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 402: b"Payment Required", 403: b"Forbidden",
    404: b"Not Found", 405: b"Method Not Allowed", 408: b"Request Timeout", 413: b"Content Too Large",
    417: b"Expectation Failed", 421: b"Misdirected Request", 429: b"Too Many Requests",
    431: b"Request Header Fields Too Large", 500: b"Internal Server Error", 501: b"Not Implemented",
    502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout", 505: b"HTTP Version Not Supported",
}  # fmt: skip


class Refusal(Exception):
    """`status` is HTTP's, `code` stable, `message` for people, `param` the field it is about, `retry_after_seconds` when
    the same request may succeed later. `closes`: what follows on this connection cannot be understood any more."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_seconds: float | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_seconds = retry_after_seconds
        self.closes = closes

    def body(self) -> bytes:
        """The JSON that OpenAI's clients read."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


def bad_request(code: str, message: str, param: str | None = None) -> Refusal:
    """400: the request cannot be carried as it is."""
    return Refusal(400, code, message, param=param)


def malformed(message: str) -> Refusal:
    """400, and the connection ends: where the next request begins is unknown."""
    return Refusal(400, "malformed_http", message, closes=True)
