"""Signing in by the device flow; and the browser's part of it, played against the development identity provider.

The CLI never sees a password: a browser approves the short code. With `--as EMAIL` the CLI is that browser, which only
the built-in development identity provider allows: it signs in whoever is named, and runs on loopback alone.
"""

from __future__ import annotations

import time
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from aifactory_cli.client import API, Client, new_key
from aifactory_cli.failure import Exit, Failure, failure_of, usage
from aifactory_cli.profiles import is_loopback

DEVELOPMENT_ISSUER = "/dev-issuer/"
REDIRECTS_LIMIT = 10


def wait_for_approval(api: Client, device: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    """Polls until the code was approved; answers {token, expires_at, tenant_id, email}."""
    interval_seconds = float(device.get("interval_seconds") or 2)
    ends = time.monotonic() + min(timeout_seconds, float(device.get("expires_in_seconds") or 600))
    while True:
        try:
            return api.post("/auth/device/token", {"device_code": device["device_code"]})
        except Failure as failure:
            if failure.code == "slow_down":
                interval_seconds += 2
            elif failure.code != "authorization_pending":
                raise _ended(failure) from None
        if time.monotonic() + interval_seconds > ends:
            title = "Nobody approved the sign-in in time"
            raise Failure(Exit.TIMED_OUT, "login_timed_out", title, "", "Run `aif login` again.")
        time.sleep(interval_seconds)


def _ended(failure: Failure) -> Failure:
    if failure.code in ("expired_token", "access_denied"):
        title = "The code expired" if failure.code == "expired_token" else "The sign-in was declined in the browser"
        return Failure(Exit.NOT_SIGNED_IN, failure.code, title, failure.detail, "Run `aif login` again.")
    return failure


def approve_as(host: str, email: str, user_code: str) -> None:
    """Signs in as `email` at the development identity provider of `host` and approves `user_code`."""
    with httpx.Client(base_url=host, timeout=30.0, trust_env=False) as http:
        browser = _Browser(http, host)
        page = browser.visit("GET", f"{API}/auth/login?next=/device")
        if not urlsplit(page.url).path.startswith(DEVELOPMENT_ISSUER):
            todo = "Run `aif login` without --as and approve the code in your browser."
            detail = f"{host} signs in with {urlsplit(page.url).netloc or 'another identity provider'}."
            raise Failure(Exit.REFUSED, "not_development_issuer", "--as works only in development", detail, todo)
        form = _Form.of(page.text)
        landed = browser.visit("POST", urljoin(page.url, form.action or page.url), {**form.hidden, "email": email})
        session = browser.call("GET", f"{API}/auth/session")
        if not session.get("authenticated"):
            raise usage("as", f"The identity provider does not know {email!r}", landed.hint, "unknown_email")
        browser.csrf_token = str(session.get("csrf_token") or "")
        browser.call("POST", f"{API}/auth/device/approve", {"user_code": user_code})


class _Page:
    def __init__(self, url: str, text: str) -> None:
        self.url = url
        self.text = text
        self.hint = "Known are demo@example.com, other@example.com and admin@example.com."


class _Browser:
    """Follows redirects on one host and keeps cookies itself: httpx sends no Secure cookie over http on loopback."""

    def __init__(self, http: httpx.Client, host: str) -> None:
        self.http = http
        self.host = host
        self.csrf_token = ""
        self.cookies: dict[str, str] = {}

    def visit(self, method: str, url: str, form: dict[str, str] | None = None) -> _Page:
        for _ in range(REDIRECTS_LIMIT):
            url = urljoin(self.host, url)
            if not self._stays_here(url):
                return _Page(url, "")
            response = self._send(self.http.build_request(method, url, data=form, headers=self._heads()))
            if not response.is_redirect:
                if response.status_code >= 500:
                    raise failure_of(response.status_code, _object(response), "the sign-in")
                return _Page(url, response.text)
            method, url, form = "GET", urljoin(url, response.headers["location"]), None
        todo = "Check that --host is the address the factory knows itself by."
        raise Failure(Exit.UNEXPECTED, "redirect_loop", "The sign-in goes round in circles", "", todo)

    def _stays_here(self, url: str) -> bool:
        """On one host; where a development host knows itself by another loopback address, from there on by that."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if origin != self.host and is_loopback(urlsplit(origin).hostname or "") and not self.cookies:
            self.host = origin
        return origin == self.host

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        heads = self._heads() | {"X-CSRF-Token": self.csrf_token, "Idempotency-Key": new_key()}
        response = self._send(self.http.build_request(method, self.host + path, json=body, headers=heads))
        if response.status_code >= 400:
            raise failure_of(response.status_code, _object(response), f"{method} {path}")
        return _object(response)

    def _heads(self) -> dict[str, str]:
        heads = {"Origin": self.host}
        if self.cookies:
            heads["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return heads

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self.http.send(request)
        except httpx.TransportError as error:
            todo = "Check the address with `aif context show`, and the host with `aif status`."
            title = f"Cannot reach {self.host}"
            raise Failure(Exit.UNREACHABLE, "host_unreachable", title, str(error), todo) from None
        for line in response.headers.get_list("set-cookie"):
            try:
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            except CookieError:
                continue
        return response


class _Form(HTMLParser):
    """The first form of a page: where it goes, and what it hides."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self._forms = 0

    @classmethod
    def of(cls, page: str) -> _Form:
        form = cls()
        form.feed(page)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms += 1
            if self._forms == 1:
                self.action = values.get("action", "")
        elif tag == "input" and self._forms == 1 and values.get("type") == "hidden" and values.get("name"):
            self.hidden[values["name"]] = values.get("value", "")


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
