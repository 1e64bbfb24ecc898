"""The chunked coding, however it is cut on its way: the payload comes out whole, nothing of what follows is taken."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aifactory_gateway.chunked import MAX_SIZE_LINE_BYTES, MAX_TRAILER_BYTES, BadChunk, ChunkReader

END = b"0\r\n\r\n"


def fed(*pieces: bytes) -> tuple[bytes, bool, bytes]:
    """Payload, done, rest; as a caller's connection does, nothing is fed after the end."""
    reader = ChunkReader()
    payload = b""
    for number, piece in enumerate(pieces):
        payload += reader.feed(piece)
        if reader.done:
            return payload, True, reader.rest + b"".join(pieces[number + 1 :])
    return payload, reader.done, reader.rest


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@st.composite
def encodings(draw) -> tuple[bytes, bytes]:
    """A payload and one of its many encodings: size in either case, zeros before it, extensions, trailers."""
    payload, wire = b"", b""
    for part in draw(st.lists(st.binary(min_size=1, max_size=300) | st.just(b"\r\n0\r\n\r\n"), max_size=8)):
        size = draw(st.sampled_from([b"%x", b"%X", b"%08x", b"0%x"])) % len(part)
        extension = draw(st.sampled_from([b"", b"", b";a", b";a=b", b' ; a = "b;c"', b";" + b"x" * 200, b"\t", b" "]))
        wire += size + extension + b"\r\n" + part + b"\r\n"
        payload += part
    last = draw(st.sampled_from([b"0", b"000", b"0;last", b"00000000"]))
    trailers = b"".join(draw(st.lists(st.sampled_from([b"X: y\r\n", b"Digest: 0\r\n", b"a:\r\n"]), max_size=3)))
    return payload, wire + last + b"\r\n" + trailers + b"\r\n"


places = st.lists(st.integers(0, 10_000), max_size=30)
followers = st.sampled_from([b"", b"\r\n", b"0\r\n\r\n", b"POST /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff"])


@settings(max_examples=100, deadline=None)
@given(encodings(), followers, places)
def test_any_cut_of_any_encoding_gives_back_its_payload(encoding, follows, at):
    payload, wire = encoding
    assert fed(*cut(wire + follows, at)) == (payload, True, follows)


@settings(max_examples=50, deadline=None)
@given(encodings(), followers)
def test_byte_by_byte_gives_back_the_payload(encoding, follows):
    payload, wire = encoding
    assert fed(*one_by_one(wire + follows)) == (payload, True, follows)


@settings(max_examples=60, deadline=None)
@given(encodings(), st.integers(1, 10_000), places)
def test_without_its_end_it_is_never_done(encoding, missing, at):
    payload, wire = encoding
    part = wire[: -(missing % len(wire) + 1)]
    got, done, rest = fed(*cut(part, at))
    assert payload.startswith(got) and not done and rest == b""


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.text("0123456789abf;\r\n x", max_size=60).map(str.encode), places)
@example(b"3\r\nabcd\r\n", [4])
@example(b"5\r\nabc\r\n0\r\n\r\n", [7])
def test_the_cut_decides_neither_what_is_refused_nor_what_is_read(data, at):
    outcomes = []
    for pieces in ([data], cut(data, at), one_by_one(data)):
        try:
            outcomes.append(fed(*pieces))
        except BadChunk:
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_payload_is_handed_on_before_its_chunk_is_whole():
    reader = ChunkReader()
    assert reader.feed(b"a\r\nabc") == b"abc"
    assert reader.feed(b"def") == b"def"
    assert reader.feed(b"ghij\r") == b"ghij"
    assert reader.feed(b"\n" + END + b"next") == b""
    assert reader.done and reader.rest == b"next"


def test_nothing_fed_is_nothing_read():
    reader = ChunkReader()
    assert reader.feed(b"") == b"" and not reader.done and reader.rest == b""


SIZES = [
    b"", b" ", b"g", b"-1", b"+1", b"0x1", b"1_0", b"1 0", b" 1", b"\t1", b"1.0", b"\xb2", b"\0", b"1\0", b"1\n",
    b";a", b"1,2", "１".encode(), b"000000001", b"123456789", b"f" * 9, b"f" * 200,
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_no_short_hexadecimal_number_is_refused(size):
    for pieces in ([size + b"\r\na\r\n" + END], one_by_one(size + b"\r\na\r\n" + END)):
        with pytest.raises(BadChunk):
            fed(*pieces)


@pytest.mark.parametrize(
    "wire", [b"1\r\nab\r\n", b"1\r\na0\r\n\r\n", b"1\r\na\n0\r\n\r\n", b"1\r\na\r0\r\n\r\n", b"1\r\na\n\r"]
)
def test_a_chunk_that_is_longer_than_it_says_is_refused(wire):
    for pieces in ([wire], one_by_one(wire)):
        with pytest.raises(BadChunk):
            fed(*pieces)


def test_a_bare_line_end_ends_no_size():
    with pytest.raises(BadChunk):
        fed(b"1\na\n0\n\n" + b"\r\n")


@pytest.mark.parametrize("begins", [b"", b"5;"])
def test_a_size_line_without_end_is_refused_soon(begins):
    reader, seen = ChunkReader(), 0
    reader.feed(begins)
    with pytest.raises(BadChunk):
        while seen < 100 * MAX_SIZE_LINE_BYTES:
            reader.feed(b"0" * 16)
            seen += 16
    assert seen <= MAX_SIZE_LINE_BYTES


def test_a_long_size_line_is_refused_also_when_it_comes_at_once():
    with pytest.raises(BadChunk):
        fed(b"1;" + b"x" * MAX_SIZE_LINE_BYTES + b"\r\na\r\n" + END)


@pytest.mark.parametrize("line", [b"a: b\r\n", b"x" * 64, b"a:" + b" " * 62])
def test_trailers_without_end_are_refused_soon(line):
    reader, seen = ChunkReader(), 0
    reader.feed(b"0\r\n")
    with pytest.raises(BadChunk):
        while seen < 100 * MAX_TRAILER_BYTES:
            assert reader.feed(line) == b"" and not reader.done
            seen += len(line)
    assert seen <= MAX_TRAILER_BYTES


def test_long_trailers_are_refused_also_when_they_come_at_once():
    with pytest.raises(BadChunk):
        fed(b"0\r\n" + b"a: b\r\n" * MAX_TRAILER_BYTES + b"\r\n")


def test_the_largest_size_line_and_trailers_are_read():
    size_line = b"1;" + b"x" * (MAX_SIZE_LINE_BYTES - 2)
    trailer = b"x:" + b"x" * (MAX_TRAILER_BYTES - 6)
    assert fed(size_line + b"\r\na\r\n0\r\n" + trailer + b"\r\n\r\n") == (b"a", True, b"")


def test_the_largest_size_line_is_read_also_when_its_line_end_is_cut():
    size_line = b"1;" + b"x" * (MAX_SIZE_LINE_BYTES - 2)
    assert fed(size_line + b"\r", b"\na\r\n" + END) == (b"a", True, b"")


AMBIGUOUS = [
    b"1;a\nb\r\na\r\n" + END,  # who ends the line at the LF reads `b` as the chunk
    b"1;\n\r\na\r\n" + END,
    b"1;a\rb\r\na\r\n" + END,
    b"1;a\0\r\na\r\n" + END,
    b"0\r\nX: a\nY: b\r\n\r\n",
    b"0\r\n\nGET / HTTP/1.1\r\n\r\n",
    b"0\r\nX : a\r\n\r\n",
    b"0\r\n folded\r\n\r\n",
    b"0\r\nGET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("wire", AMBIGUOUS)
def test_an_extension_or_a_trailer_that_two_readers_could_read_differently_is_refused(wire):
    with pytest.raises(BadChunk):
        fed(wire)
