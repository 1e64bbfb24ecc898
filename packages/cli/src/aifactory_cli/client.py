"""The HTTP client: one door for every call, with idempotency keys, bounded retries, bounded answers.

A mutating call gets one Idempotency-Key that stays the same across its retries, so repeating after a lost answer
is safe: the host replays what it did the first time.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx

from aifactory_cli.failure import Exit, Failure, failure_of, usage
from aifactory_cli.profiles import Profile

API = "/api/v3"
ATTEMPTS = 4
BACKOFF_SECONDS = (0.2, 0.6, 1.5)
RETRY_AFTER_LIMIT_SECONDS = 10.0
RETRIED_STATUSES = (429, 502, 503, 504)
ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
PAGE_LIMIT = 200


def new_key() -> str:
    return "cli-" + secrets.token_hex(16)


class Client:
    """Calls one host as one profile."""

    def __init__(self, profile: Profile, *, anonymous: bool = False, pause: Any = time.sleep) -> None:
        self.profile = profile
        self.anonymous = anonymous
        self._pause = pause
        self._http = httpx.Client(
            base_url=profile.host,
            timeout=httpx.Timeout(_timeout_seconds(), connect=5.0),
            headers={"User-Agent": "aif/0.1.0", "Accept": "application/json, application/problem+json"},
            trust_env=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params=_given(params))

    def post(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None, if_match: str | None = None
    ) -> Any:
        """`if_match`: the ETag of what was read, for changes that must not meet another one."""
        return self._call("POST", path, body=_given(body or {}), key=key or new_key(), if_match=if_match)

    def put(self, path: str, body: dict[str, Any], *, if_match: str | None = None) -> Any:
        return self._call("PUT", path, body=body, if_match=if_match, key=new_key())

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, key=new_key())

    def probe(self, path: str) -> tuple[int, Any]:
        """Status and answer of a whole path (`/api/v3/…`, `/healthz`) without judging them; text where it is not JSON."""
        request = self._http.build_request("GET", path, headers=self._headers(None))
        try:
            status, _, content = self._send(request)
        except httpx.TransportError as error:
            raise _unreachable(self.profile.host, error) from None
        try:
            return status, json.loads(content)
        except (ValueError, RecursionError):
            return status, content.decode("utf-8", "replace")

    def items(self, path: str, limit: int = 1000, **params: Any) -> Iterator[dict[str, Any]]:
        """Follows the pages of a list until `limit` items were seen."""
        yield from self.listing(path, limit, **params)["items"]

    def listing(self, path: str, limit: int = 1000, **params: Any) -> dict[str, Any]:
        """The list as the API gives it, `{items, next_cursor}`, its pages joined up to `limit` items."""
        items: list[dict[str, Any]] = []
        cursor: str | None = params.pop("cursor", None)
        while True:
            page = self.get(path, limit=min(PAGE_LIMIT, limit - len(items)), cursor=cursor, **params)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise _not_ours(self.profile.host, f"{path} did not answer with a list")
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor or not page["items"] or len(items) >= limit:
                return {**page, "items": items, "next_cursor": cursor or None}

    def joined(self, path: str, member: str, **params: Any) -> dict[str, Any]:
        """An object that holds a paged list under `member`, with all pages of it joined."""
        found = self.get(path, **params)
        while isinstance(found, dict) and found.get("next_cursor") and found.get(member):
            page = self.get(path, **params, cursor=found["next_cursor"])
            found = {**found, member: found[member] + page.get(member, []), "next_cursor": page.get("next_cursor")}
        if not isinstance(found, dict):
            raise _not_ours(self.profile.host, f"{path} did not answer with an object")
        return found

    def _call(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Any:
        headers = self._headers(key) | ({"If-Match": if_match} if if_match else {})
        request = self._http.build_request(method, API + path, params=params, json=body, headers=headers)
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                status, answer_headers, content = self._send(request)
            except httpx.TransportError as error:
                if last or isinstance(error, httpx.UnsupportedProtocol):
                    raise _unreachable(self.profile.host, error) from None
                self._pause(BACKOFF_SECONDS[attempt])
                continue
            still_running = status == 409 and b'"idempotency_in_progress"' in content
            if last or not (still_running or status in RETRIED_STATUSES):
                return _answer(self.profile.host, f"{method} {path}", status, content)
            self._pause(_retry_after_seconds(answer_headers, BACKOFF_SECONDS[attempt]))
        raise AssertionError("unreachable")

    def _send(self, request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        response = self._http.send(request, stream=True)
        try:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > ANSWER_LIMIT_BYTES:
                    raise _not_ours(self.profile.host, f"the answer is larger than {ANSWER_LIMIT_BYTES} bytes")
            return response.status_code, response.headers, bytes(content)
        finally:
            response.close()

    def _headers(self, key: str | None) -> dict[str, str]:
        headers = {"Idempotency-Key": key} if key else {}
        if self.anonymous:
            return headers
        if not self.profile.token:
            raise _not_signed_in(self.profile)
        if not (self.profile.token.isascii() and self.profile.token.isprintable()):
            todo = "Set AIF_TOKEN to the token text only, or run `aif login`."
            raise usage("AIF_TOKEN", "The token holds characters that no token has", todo, "invalid_token")
        headers["Authorization"] = f"Bearer {self.profile.token}"
        if self.profile.tenant_id:
            headers["X-Aif-Tenant"] = self.profile.tenant_id
        return headers


def _answer(host: str, what: str, status: int, content: bytes) -> Any:
    if status == 204 or (200 <= status < 300 and not content):
        return None
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        parsed = None
    if 200 <= status < 300 and parsed is not None:
        return parsed
    if status >= 400 and (isinstance(parsed, dict) or status in RETRIED_STATUSES):
        raise failure_of(status, parsed if isinstance(parsed, dict) else {}, what)
    start = printable_start(content)
    raise _not_ours(host, f"{what} answered {status} with something that is not ours: {start}")


def printable_start(content: bytes) -> str:
    return " ".join(content[:120].decode("utf-8", "replace").split()) or "nothing"


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _retry_after_seconds(headers: httpx.Headers, otherwise: float) -> float:
    try:
        return min(max(float(headers.get("Retry-After", "")), 0.0), RETRY_AFTER_LIMIT_SECONDS)
    except ValueError:
        return otherwise


def _timeout_seconds() -> float:
    text = os.environ.get("AIF_HTTP_TIMEOUT_SECONDS", "30")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        todo = "Set it to seconds between 0 and 600, or unset it."
        raise usage("AIF_HTTP_TIMEOUT_SECONDS", f"{text!r} is not a timeout", todo, "invalid_timeout")
    return seconds


def _unreachable(host: str, error: httpx.TransportError) -> Failure:
    detail = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        code, title = "host_timed_out", f"{host} did not answer in time"
    else:
        code, title = "host_unreachable", f"Cannot reach {host}"
    todo = "Check the address (--host, AIF_HOST, `aif context show`); on your own machine start it with `aif up`."
    return Failure(Exit.UNREACHABLE, code, title, detail, todo)


def _not_signed_in(profile: Profile) -> Failure:
    detail = f"Profile {profile.name!r} holds no sign-in for {profile.host}."
    todo = f"Run `aif login --host {profile.host}`, or set AIF_TOKEN to an API key."
    return Failure(Exit.NOT_SIGNED_IN, "not_signed_in", "You are not signed in", detail, todo)


def _not_ours(host: str, detail: str) -> Failure:
    todo = "Check that --host points to an AI Factory, not to a proxy or another service."
    return Failure(Exit.UNEXPECTED, "unexpected_answer", f"{host} gave an answer the CLI cannot read", detail, todo)
