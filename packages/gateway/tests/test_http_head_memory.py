"""Heads that came before are read from memory: nobody can tell, and nothing is let in that is refused when new."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway import http_head
from aifactory_gateway.http_head import MAX_HEADERS, MAX_REMEMBERED, MAX_REMEMBERED_BYTES, answer_head, request_head
from aifactory_gateway.refusal import Refusal

START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"


def forgetful():
    """The same code in a module of its own, which remembers nothing."""
    spec = importlib.util.spec_from_file_location("forgetful_http_head", http_head.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.MAX_REMEMBERED_BYTES = -1
    return module


FORGETFUL = forgetful()


def outcome(reads, data: bytes) -> tuple:
    """All that is read of a head but the text of the length, which `length` tells; or why it is refused."""
    try:
        head = reads(data)
    except Refusal as refusal:
        return refusal.status, refusal.code, refusal.closes
    fields = {name: getattr(head, name) for name in head.__struct_fields__}
    headers = {name: value for name, value in head.headers.items() if name != b"content-length"}
    return tuple(sorted((fields | {"headers": tuple(sorted(headers.items()))}).items()))


@pytest.mark.parametrize("length", [0, 1, 5, 10**15 - 1])
@pytest.mark.parametrize(
    "line", [b"Content-Length: %d", b"content-length:%d", b"Content-Length: \t%d \t", b"CONTENT-LENGTH: %d"]
)
def test_the_same_head_with_another_length_has_that_length(line, length):
    for number in (7, length, 7):
        assert request_head(START + line % number + b"\r\n\r\n").length == number
        assert answer_head(b"HTTP/1.1 200 OK\r\n" + line % number + b"\r\n\r\n").length == number


MORE = [
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: +5",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Content-Length: 1" + b"0" * 15, b"Content-Length: 5 5", b"Content-Length: 5\n", b"Content-Length: 5\r",
    b"Content-Length:",
    b"Content-Length : 5", b" Content-Length: 5", b"X\nContent-Length: 5", b"X: a\r\n Content-Length: 5",
    b"Content-Length: 5\0",
    b"Content-Length: 5\r\n\r\nContent-Length: 5", b"\r\nContent-Length: 5", b"Host: y\r\nContent-Length: 5",
]  # fmt: skip


@pytest.mark.parametrize("lines", MORE)
def test_what_is_refused_when_it_is_new_is_refused_beside_its_well_formed_twin(lines):
    for _ in range(2):
        assert request_head(START + b"Content-Length: 5\r\n\r\n").length == 5
        with pytest.raises(Refusal):
            request_head(START + lines + b"\r\n\r\n")


parts = st.sampled_from(
    [
        b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.0\r\n", b"HTTP/1.1 200 OK\r\n", b"Host: x\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 66\r\n", b"content-length:\t5 \r\n", b"content-Length: 5",
        b"Transfer-Encoding: chunked\r\n", b"\r\n",
        b"Connection: close\r\n", b"X: a\r\n", b"X: a\n", b" b\r\n", b"\n", b"\r", b"\0", b": 5\r\n",
        b"Content-Length: 55555",
    ]
)  # fmt: skip
heads = st.lists(parts, max_size=7).map(b"".join) | st.lists(parts, max_size=5).map(
    lambda lines: START + b"".join(lines) + b"Content-Length: 9\r\n\r\n"
)


@settings(max_examples=120, deadline=None)
@given(st.lists(heads, min_size=1, max_size=6))
def test_no_row_of_heads_is_read_otherwise_than_each_alone(row):
    for data in [*row, *row]:
        data = data if data.endswith(b"\r\n\r\n") else data + b"\r\n\r\n"
        assert outcome(request_head, data) == outcome(FORGETFUL.request_head, data)
        assert outcome(answer_head, data) == outcome(FORGETFUL.answer_head, data)


def test_secrets_do_not_mix():
    for secret in (b"one", b"two", b"one"):
        head = request_head(START + b"Authorization: Bearer %b\r\nContent-Length: 5\r\n\r\n" % secret)
        assert head.headers[b"authorization"] == b"Bearer " + secret


def test_more_heads_than_are_remembered_are_read_all_the_same():
    for number in range(MAX_REMEMBERED + 2):
        assert request_head(START + b"X: %d\r\nContent-Length: 5\r\n\r\n" % number).headers[b"x"] == b"%d" % number
    large = START + b"X: " + b"a" * MAX_REMEMBERED_BYTES + b"\r\nContent-Length: %d\r\n\r\n"
    assert [request_head(large % length).length for length in (5, 6)] == [5, 6]


def test_too_many_headers_are_refused_again_and_again():
    lines = b"".join(b"x-%d: a\r\n" % number for number in range(MAX_HEADERS))
    for _ in range(2):
        with pytest.raises(Refusal):
            request_head(START + lines + b"Content-Length: 5\r\n\r\n")


def test_no_header_keeps_the_length_of_another_body():
    for length in (b"5", b"6"):
        head = request_head(START + b"X-Mine: 1\r\nContent-Length: " + length + b"\r\n\r\n")
        assert head.headers == {b"host": b"x", b"x-mine": b"1"}
