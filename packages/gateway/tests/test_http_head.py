"""Heads: what is well formed is read as it was meant, what two readers could differ on is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.http_head import (
    CHUNKED,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    UNTIL_CLOSE,
    AnswerHead,
    RequestHead,
    answer_head,
    request_head,
)
from aifactory_gateway.refusal import Refusal

START = b"POST /v1/chat/completions HTTP/1.1\r\n"
TOKEN = "!#$%&'*+.^_`|~0123456789ABCXYZabcxyz-"


def request(*lines: bytes, start: bytes = START, host: bytes = b"Host: gateway.example\r\n") -> RequestHead:
    return request_head(start + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n")


def answer(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> AnswerHead:
    return answer_head(b"".join(line + b"\r\n" for line in (start, *lines)) + b"\r\n")


def refused(data: bytes, reads=request_head) -> tuple[int, str, bool]:
    with pytest.raises(Refusal) as caught:
        reads(data)
    return caught.value.status, caught.value.code, caught.value.closes


MALFORMED = (400, "malformed_http", True)


def test_a_request_is_read_as_it_was_sent():
    head = request(b"AUTHORIZATION:  Bearer a:b \t", b"Content-Length: 12", b"X-Empty:")
    assert (head.method, head.target, head.length) == (b"POST", b"/v1/chat/completions", 12)
    assert head.headers == {b"host": b"gateway.example", b"authorization": b"Bearer a:b", b"x-empty": b""}


def test_a_request_without_a_length_has_no_body():
    assert request().length == 0


def test_headers_that_may_come_again_are_joined_in_their_order():
    assert request(b"Accept: a", b"ACCEPT: b", b"accept: c").headers[b"accept"] == b"a, b, c"


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED", b"\tchunked "])
def test_a_chunked_request_has_no_length_beforehand(value):
    assert request(b"Transfer-Encoding:" + value).length == CHUNKED


TWO_LENGTHS = [
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5\r\ncontent-length: 5",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
]


@pytest.mark.parametrize("lines", TWO_LENGTHS)
def test_a_body_that_could_end_at_two_places_is_refused(lines):
    assert refused(START + b"Host: x\r\n" + lines + b"\r\n\r\n") == MALFORMED


LENGTHS = [
    b"+5", b"-1", b"-0", b"0x5", b"5 5", b"5,5", b"5, 5", b"5;", b"5.0", b"1e1", b"1_0", b"", b" ", b"five", b'"5"',
    b"1" * 16, b"9" * 20, b"0" * 20 + b"5", b"\xb2", "٥".encode(), b"Infinity", b"0b1", b"\xa05",
]  # fmt: skip


@pytest.mark.parametrize("value", LENGTHS)
def test_a_length_that_is_no_plain_number_is_refused(value):
    assert refused(START + b"Host: x\r\nContent-Length: " + value + b"\r\n\r\n") == MALFORMED
    assert refused(b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n", answer_head) == MALFORMED


CODINGS = [b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"x-chunked", b"chunked;q=1"]
CODINGS += [b"", b'"chunked"', b"chunke\xe4", b"chunked ,", b",chunked", b"\xa0chunked"]


@pytest.mark.parametrize("value", CODINGS)
def test_a_transfer_coding_other_than_chunked_is_refused(value):
    unknown = (501, "unknown_transfer_coding", True)
    assert refused(START + b"Host: x\r\nTransfer-Encoding: " + value + b"\r\n\r\n") == unknown
    assert refused(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + value + b"\r\n\r\n", answer_head) == unknown


LINES = [
    b"X: a\r\n b\r\n", b"X: a\r\n\tb\r\n", b" X: a\r\n",  # folded
    b"X: a\nY: b\r\n", b"X: a\n\r\n", b"X: a\rY: b\r\n", b"X: a\r\r\n",  # a bare LF or CR ends the line for some
    b"X : a\r\n", b"X\t: a\r\n", b"Content-Length : 5\r\n", b"Transfer-Encoding\x0b: chunked\r\n",
    b": a\r\n", b"X\r\n", b"X a\r\n", b"X(y): a\r\n", b"X[]: a\r\n", b'"X": a\r\n', b"X/Y: a\r\n", b"X@Y: a\r\n",
    b"\xc3\xa4: a\r\n", b"X: a\0b\r\n", b"X\0: a\r\n", b"X: \x7f\r\n", b"X: \x1b[31m\r\n", b"X: a\x0bb\r\n",
    b"X: a\x0c\r\n", b"X: \x08\r\n", b"Content-Length\0: 5\r\n",
    b"X: a\r\n\r\nY: b\r\n",  # an empty line inside
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_two_readers_could_read_differently_is_refused(line):
    assert refused(START + b"Host: x\r\n" + line + b"\r\n") == MALFORMED
    assert refused(START + line + b"Host: x\r\n\r\n") == MALFORMED
    assert refused(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n", answer_head) == MALFORMED


STARTS = [
    b"", b"POST / HTTP/1.1\n", b"POST  / HTTP/1.1\r\n", b"POST / HTTP/1.1 \r\n", b" POST / HTTP/1.1\r\n",
    b"POST /a b HTTP/1.1\r\n", b"POST\t/ HTTP/1.1\r\n", b"post / HTTP/1.1\r\n", b"P0ST / HTTP/1.1\r\n",
    b"POST HTTP/1.1\r\n", b"POST  HTTP/1.1\r\n", b"POST /\r\n", b"POST / HTTP/1.2\r\n", b"POST / HTTP/0.9\r\n",
    b"POST / HTTP/2\r\n", b"POST / HTTP/2.0\r\n", b"POST / HTTP/1.10\r\n", b"POST / http/1.1\r\n",
    b"POST / HTTPS/1.1\r\n", b"POST / HTTP/1,1\r\n", b"POST /\0 HTTP/1.1\r\n", b"POST /\x7f HTTP/1.1\r\n",
    b"POST /\xc3\xa4 HTTP/1.1\r\n", b"POST / HTTP/1.1\r\r\n", b"POST /\rx HTTP/1.1\r\n", b"\r\nPOST / HTTP/1.1\r\n",
    b"A" * 17 + b" / HTTP/1.1\r\n", b"POST /" + b"a" * 4_096 + b" HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n",
    b"HTTP/1.1 200 OK\r\n", b"\x16\x03\x01 / HTTP/1.1\r\n",
]  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_a_first_line_of_another_shape_is_refused(start):
    assert refused(start + b"Host: x\r\n\r\n") == MALFORMED


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", START, START + b"Host: x\r\n", START + b"\r\n\r\n"])
def test_less_or_more_than_one_head_is_refused(data):
    assert refused(data) == MALFORMED


def test_what_follows_the_empty_line_is_no_part_of_a_head():
    assert refused(START + b"Host: x\r\n\r\nGET / HTTP/1.1\r\n\r\n") == MALFORMED


def test_http_1_1_wants_a_host():
    assert refused(START + b"\r\n") == MALFORMED
    assert request(start=b"GET / HTTP/1.0\r\n", host=b"").is_1_1 is False


@pytest.mark.parametrize("name", [b"Host", b"Authorization", b"Content-Type", b"Idempotency-Key"])
@pytest.mark.parametrize("second", [b"same", b"other"])
def test_a_header_that_decides_something_comes_once_only(name, second):
    host = b"" if name == b"Host" else b"Host: x\r\n"
    assert refused(START + host + name + b": same\r\n" + name.upper() + b": " + second + b"\r\n\r\n") == MALFORMED


def test_http_1_0_has_no_chunks():
    assert refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == MALFORMED


def test_more_headers_than_are_read_are_refused():
    many = [b"x-%d: a" % number for number in range(MAX_HEADERS)]  # with Host one too many
    data = START + b"Host: x\r\n" + b"".join(line + b"\r\n" for line in many) + b"\r\n"
    assert refused(data) == (431, "too_many_headers", True)
    assert len(request(*many[:-2]).headers) == MAX_HEADERS - 1


def test_as_many_headers_as_are_promised_are_read():
    assert len(request(*[b"x-%d: a" % number for number in range(MAX_HEADERS - 1)]).headers) == MAX_HEADERS


KEEPS = [
    (b"1", [], True),
    (b"1", [b"Connection: close"], False),
    (b"1", [b"Connection: Close"], False),
    (b"1", [b"Connection: keep-alive"], True),
    (b"1", [b"Connection: upgrade"], True),
    (b"1", [b"Connection: te, close"], False),
    (b"1", [b"Connection: keep-alive", b"Connection: close"], False),
    (b"0", [], False),
    (b"0", [b"Connection: keep-alive"], True),
    (b"0", [b"Connection: Keep-Alive"], True),
    (b"0", [b"Connection: keep-alive, close"], False),
    (b"0", [b"Keep-Alive: timeout=5"], False),
]


@pytest.mark.parametrize(("minor", "lines", "keeps"), KEEPS)
def test_a_connection_is_kept_as_both_sides_say(minor, lines, keeps):
    head = request(*lines, start=b"GET / HTTP/1." + minor + b"\r\n")
    assert (head.keeps_alive, head.is_1_1) == (keeps, minor == b"1")
    assert answer(*lines, b"Content-Length: 0", start=b"HTTP/1." + minor + b" 200 OK").keeps_alive is keeps


def test_an_answer_is_read_as_it_was_sent():
    head = answer(b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked")
    assert (head.status, head.length, head.keeps_alive) == (200, CHUNKED, True)
    assert head.headers[b"content-type"] == b"text/event-stream"


@pytest.mark.parametrize("start", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 200 \xc3\x9cber alles \t gut"])
def test_an_answers_reason_may_be_missing_or_strange(start):
    assert answer(b"Content-Length: 3", start=start).length == 3


def test_an_answer_without_a_length_ends_with_its_connection():
    head = answer(b"Connection: keep-alive")
    assert (head.length, head.keeps_alive) == (UNTIL_CLOSE, False)


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_an_answer_that_has_no_body_has_none_whatever_it_says(status):
    assert answer(b"Content-Length: 5", start=b"HTTP/1.1 " + status + b" X").length == 0


ANSWER_STARTS = [b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 600 X", b"HTTP/1.1 099 X", b"HTTP/1.1 2x0 OK"]
ANSWER_STARTS += [b"HTTP/2 200", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"HTTP/1.1 200 O\0K", b""]


@pytest.mark.parametrize("start", ANSWER_STARTS)
def test_an_answers_first_line_of_another_shape_is_refused(start):
    assert refused(start + b"\r\nContent-Length: 0\r\n\r\n", answer_head) == MALFORMED


def test_an_answer_of_http_1_0_has_no_chunks():
    assert refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answer_head) == MALFORMED


names = st.text(TOKEN, min_size=1, max_size=12).map(lambda name: b"x-" + name.encode())
values = st.text(st.characters(codec="latin-1", exclude_characters="\x7f", min_codepoint=32), max_size=30).map(
    lambda value: value.encode("latin-1").strip()
)
blanks = st.text(" \t", max_size=3).map(str.encode)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(names, values, blanks, blanks), max_size=20, unique_by=lambda line: line[0].lower()))
def test_blanks_and_case_change_nothing_that_is_read(lines):
    sent = [name.swapcase() + b":" + before + value + after for name, value, before, after in lines]
    wanted = {b"host": b"gateway.example"} | {name.lower(): value for name, value, _, _ in lines}
    assert request(*sent).headers == wanted
    assert answer(*sent).headers == {name: value for name, value in wanted.items() if name != b"host"}


@settings(max_examples=50, deadline=None)
@given(names, st.lists(values.filter(bool), min_size=1, max_size=30), st.data())
def test_any_split_of_a_list_over_lines_is_the_same_list(name, parts, data):
    lines, left = [], parts
    while left:
        size = data.draw(st.integers(1, len(left)))
        lines.append(name + b": " + b", ".join(left[:size]))
        left = left[size:]
    assert request(*lines).headers == request(name + b": " + b", ".join(parts)).headers


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda data: START + b"Host: x\r\n" + data + b"\r\n\r\n"))
def test_whatever_comes_is_a_head_or_is_refused(data):
    for reads in (request_head, answer_head):
        try:
            head = reads(data)
        except Refusal:
            continue
        assert all(
            name == name.lower() and b"\r" not in value and b"\n" not in value for name, value in head.headers.items()
        )


ROOM = MAX_HEAD_BYTES - 100
HOSTILE = [
    b"X:" + b" " * ROOM,
    b"X:" + b" " * ROOM + b"a",
    b"X: " + b"\t " * (ROOM // 2) + b"\0",
    b" " * ROOM,
    b"X" * ROOM,
    b"X" * ROOM + b" : a",
    b"a:\r\n" * (ROOM // 4) + b"b\n:",
    b"a" * (ROOM // 2) + b":" + b"\xff" * (ROOM // 2) + b"\x00",
    b"\r\n" * (ROOM // 2),
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_head_of_16_kib_is_soon_decided(line):
    for start, reads in ((START + b"Host: x\r\n", request_head), (b"HTTP/1.1 200 OK\r\n", answer_head)):
        try:
            assert set(reads(start + line + b"\r\n\r\n").headers) <= {b"host", b"x"}
        except Refusal as refusal:
            assert refusal.closes
