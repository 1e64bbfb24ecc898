"""Heads of HTTP/1.1 messages: read strictly, changed where an app must neither see nor say something. Pure.

One request a connection: so nothing that follows a request can be taken for another one.
"""

import re
from dataclasses import dataclass

COOKIE = "__Host-aif_app"
MAX_FIELDS = 128
_METHOD = re.compile(rb"[A-Z]{3,10}")
_TARGET = re.compile(rb"/[\x21-\x7e]{0,8191}")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]{0,16384}")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]{0,512})?")
_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
}
Fields = list[tuple[bytes, bytes]]


class BadHead(ValueError):
    """Not a head that we pass on."""


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    fields: Fields

    def one(self, name: bytes) -> str:
        """The only field of this name; empty when there is none. Raises BadHead when there are several."""
        found = [value for known, value in self.fields if known == name]
        if len(found) > 1:
            raise BadHead(f"several {name.decode()} fields")
        return found[0].decode("latin-1") if found else ""

    @property
    def host(self) -> str:
        return self.one(b"host")

    @property
    def is_websocket(self) -> bool:
        return self.method == "GET" and self.one(b"upgrade").lower() == "websocket"

    @property
    def cookie(self) -> str:
        """Our own cookie's value; empty without."""
        for value in (value for name, value in self.fields if name == b"cookie"):
            for part in value.split(b";"):
                name, _, content = part.strip().partition(b"=")
                if name == COOKIE.encode():
                    return content.decode("latin-1")
        return ""

    def forged(self, origin: str) -> bool:
        """Whether a browser says that a page of another origin asks, other than by following a link to here."""
        said = self.one(b"origin")
        if said and said != origin and (self.method not in ("GET", "HEAD") or self.is_websocket):
            return True
        by_link = self.one(b"sec-fetch-mode") == "navigate" and self.one(b"sec-fetch-dest") == "document"
        return self.one(b"sec-fetch-site") in ("same-site", "cross-site") and not (by_link and self.method == "GET")

    def for_app(self) -> bytes:
        """As the app gets it: without our cookie and hop-by-hop fields, and told to close afterwards."""
        lines = [f"{self.method} {self.target} HTTP/1.1".encode()]
        for name, value in self.fields:
            if name in _HOP or (name == b"upgrade" and not self.is_websocket):
                continue
            if name == b"cookie":
                value = _without_ours(value)
                if not value:
                    continue
            lines.append(name + b": " + value)
        lines.append(b"connection: Upgrade" if self.is_websocket else b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def read_request(head: bytes) -> Request:
    """Raises BadHead for what is not exactly one HTTP/1.1 request's head."""
    first, fields = _split(head)
    words = first.split(b" ")
    if len(words) != 3 or words[2] != b"HTTP/1.1" or not _METHOD.fullmatch(words[0]) or not _TARGET.fullmatch(words[1]):
        raise BadHead("not a request line")
    request = Request(words[0].decode(), words[1].decode(), fields)
    if request.one(b"transfer-encoding") and request.one(b"content-length"):
        raise BadHead("two lengths")
    request.one(b"content-length"), request.one(b"origin"), request.one(b"upgrade")
    if not request.host:
        raise BadHead("no host")
    return request


def response_for_browser(head: bytes) -> tuple[int, bytes]:
    """(status, the head as the browser gets it): no cookie for other hosts or in our name, closing, not to be framed."""
    first, fields = _split(head)
    matched = _STATUS.fullmatch(first)
    if matched is None:
        raise BadHead("not a status line")
    status = int(matched[1])
    if status < 200:
        return status, head
    kept = [
        (name, value) for name, value in fields if name not in _HOP and not (name == b"set-cookie" and _foreign(value))
    ]
    kept += [(b"connection", b"close"), (b"content-security-policy", b"frame-ancestors 'self'")]
    return status, b"\r\n".join([first, *(name + b": " + value for name, value in kept)]) + b"\r\n\r\n"


def _split(head: bytes) -> tuple[bytes, Fields]:
    first, *lines = head[:-4].split(b"\r\n")
    if len(lines) > MAX_FIELDS:
        raise BadHead("too many fields")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadHead("not a field")
        fields.append((name.lower(), value))
    return first, fields


def _without_ours(value: bytes) -> bytes:
    parts = [part.strip() for part in value.split(b";")]
    return b"; ".join(part for part in parts if not part.startswith(COOKIE.encode() + b"="))


def _foreign(set_cookie: bytes) -> bool:
    name = set_cookie.split(b"=", 1)[0].strip().lower()
    attributes = [part.strip().lower() for part in set_cookie.split(b";")[1:]]
    return name.startswith(b"__host-aif") or any(part.startswith(b"domain") for part in attributes)
