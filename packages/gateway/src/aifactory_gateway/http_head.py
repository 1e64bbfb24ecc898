"""Heads of HTTP/1.1 messages, scanned by hand: one pass of a strict pattern, then the few headers that matter.

Callers and upstreams send the same head again and again, but for the length of the body: what was read once is remembered
without it, which saves a fifth of a request's time here.

Anything that two readers could understand differently is refused (RFC 9112, sections 5.1, 6.1, 6.3 and 11.2): a line
folded or ended by a bare LF, a blank before a colon, two lengths, a length beside a transfer coding.
"""

from __future__ import annotations

import re
from typing import TypeVar

from msgspec import Struct

from aifactory_gateway.refusal import Refusal, malformed

MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 100
MAX_REMEMBERED = 2_048
MAX_REMEMBERED_BYTES = 2_048
END = b"\r\n\r\n"
CHUNKED = -1
UNTIL_CLOSE = -2

_HEADERS = rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
_REQUEST = re.compile(rb"([A-Z]{1,16}) ([!-~]{1,4096}) HTTP/1\.([01])\r\n" + _HEADERS)
_ANSWER = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n" + _HEADERS)
_LENGTH_LINE = re.compile(rb"\r\n[Cc]ontent-[Ll]ength:[ \t]*+([0-9]{1,15})[ \t]*+\r\n\r\n")
_ONCE = {b"content-length", b"transfer-encoding", b"host", b"authorization", b"content-type", b"idempotency-key"}


class RequestHead(Struct):
    """`length` of the body in bytes, or CHUNKED. Header names are lower case; not to be changed, heads share them."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    length: int
    keeps_alive: bool
    is_1_1: bool


class AnswerHead(Struct):
    """`length` of the body in bytes, CHUNKED, or UNTIL_CLOSE."""

    status: int
    headers: dict[bytes, bytes]
    length: int
    keeps_alive: bool


Head = TypeVar("Head", RequestHead, AnswerHead)
_requests: dict[bytes, RequestHead] = {}
_answers: dict[bytes, AnswerHead] = {}


def request_head(data: bytes) -> RequestHead:
    """From the first byte up to and with the empty line. Raises Refusal."""
    cut = data.rfind(b"\r\n", 0, -4)
    last = _LENGTH_LINE.fullmatch(data, cut) if cut > 0 else None
    if last is None:
        return _request_head(data)
    known = _requests.get(data[:cut])
    if known is None:
        known = _request_head(data)
        _remember(_requests, data[:cut], known)
        return known
    return RequestHead(known.method, known.target, known.headers, int(last[1]), known.keeps_alive, known.is_1_1)


def answer_head(data: bytes) -> AnswerHead:
    """As `request_head`, of an answer to a request that was neither HEAD nor CONNECT. Raises Refusal."""
    known = _answers.get(data)
    if known is None:
        known = _answer_head(data)
        _remember(_answers, data, known)
    return known


def _remember(heads: dict[bytes, Head], data: bytes, head: Head) -> None:
    if len(data) <= MAX_REMEMBERED_BYTES:
        if len(heads) >= MAX_REMEMBERED:
            heads.clear()
        heads[data] = head


def _request_head(data: bytes) -> RequestHead:
    match = _REQUEST.fullmatch(data)
    if match is None:
        raise malformed("The head of the request is not HTTP/1.1.")
    method, target, minor, block = match.groups()
    headers = _headers(block)
    if minor == b"1" and b"host" not in headers:
        raise malformed("HTTP/1.1 wants a Host header.")
    length = _length(headers, 0)
    if minor == b"0" and length == CHUNKED:
        raise malformed("HTTP/1.0 has no transfer codings.")
    return RequestHead(method, target, headers, length, _keeps_alive(minor, headers), minor == b"1")


def _answer_head(data: bytes) -> AnswerHead:
    match = _ANSWER.fullmatch(data)
    if match is None:
        raise malformed("The head of the answer is not HTTP/1.1.")
    minor, status_text, block = match.groups()
    headers, status = _headers(block), int(status_text)
    length = 0 if status in (204, 304) else _length(headers, UNTIL_CLOSE)
    if minor == b"0" and length == CHUNKED:
        raise malformed("HTTP/1.0 has no transfer codings.")
    return AnswerHead(status, headers, length, length != UNTIL_CLOSE and _keeps_alive(minor, headers))


def _headers(block: bytes) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    lines = block.split(b"\r\n")
    if len(lines) - 1 > MAX_HEADERS:
        raise Refusal(431, "too_many_headers", f"At most {MAX_HEADERS} headers are read.", closes=True)
    for line in lines[:-1]:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip()
        if name in headers:
            if name in _ONCE:
                raise malformed(f"The header {name.decode()} may be sent once only.")
            value = headers[name] + b", " + value
        headers[name] = value
    return headers


def _length(headers: dict[bytes, bytes], absent: int) -> int:
    """Takes the length's own header away: a remembered head is used with other lengths."""
    coding, text = headers.get(b"transfer-encoding"), headers.pop(b"content-length", None)
    if coding is not None:
        if text is not None:
            raise malformed("Content-Length and Transfer-Encoding exclude each other.")
        if coding.lower() != b"chunked":
            raise Refusal(501, "unknown_transfer_coding", "The only transfer coding read here is chunked.", closes=True)
        return CHUNKED
    if text is None:
        return absent
    if not text.isdigit() or len(text) > 15:
        raise malformed("Content-Length is not a number of bytes.")
    return int(text)


def _keeps_alive(minor: bytes, headers: dict[bytes, bytes]) -> bool:
    wish = headers.get(b"connection")
    if wish is None:
        return minor == b"1"
    wishes = wish.lower()
    return b"close" not in wishes and (minor == b"1" or b"keep-alive" in wishes)
