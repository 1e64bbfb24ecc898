"""Tokens are what the upstream counted, however its answer was cut; the caller sees the usage only when it asked."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway import usage
from aifactory_gateway.usage import BadStream, StreamUsage, of_answer

COUNTED = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
TALK = '","usage":{"prompt_tokens":9999,"completion_tokens":9999},"choices":[],"x":"'
"""What a model may say, or a tenant make it say."""
DONE = b"data: [DONE]\n\n"


def event(content: object, line_end: str = "\n", **how) -> bytes:
    return f"data: {json.dumps(content, **how)}{line_end}{line_end}".encode()


def said(text: str, **more) -> dict:
    return {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]} | more


def counted(tokens: object = COUNTED) -> dict:
    return {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": tokens}


def passed(pieces: list[bytes], shows_usage: bool) -> tuple[bytes, tuple[int, int] | None, int]:
    """What the caller gets, the tokens, and how many events carried text."""
    stream = StreamUsage(shows_usage)
    shown = b"".join(stream.feed(piece) for piece in pieces) + stream.end()
    return shown, stream.tokens, stream.text_events


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


texts = st.text(max_size=20) | st.sampled_from([TALK, '"usage": {', "\n\n", "\r\n\r\n", "data: ", '\\"usage\\":{'])
contents = st.one_of(
    texts.map(said),
    texts.map(lambda text: said(text, usage=None)),
    st.just(counted()),
    st.just(said("x", usage={"prompt_tokens": 1, "completion_tokens": 2})),
    texts.map(lambda text: {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": text}}]}}]}),
)
styles = st.sampled_from([{}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"separators": (" , ", "\t:  ")}])
line_ends = st.sampled_from(["\n", "\r\n"])
comments = st.sampled_from([": keep-alive", ': "usage": {', 'event: x\ndata: {"a":1}', "retry: 5"])


@st.composite
def streams(draw) -> bytes:
    """Events as many upstreams write them, with comments between, with or without an end, also with both line ends."""
    written = []
    for content in draw(st.lists(contents, max_size=6)):
        line_end = draw(line_ends)
        if draw(st.booleans()):
            written.append((draw(comments).replace("\n", line_end) + 2 * line_end).encode())
        written.append(event(content, line_end, **draw(styles)))
    if draw(st.booleans()):
        written.append(f"data: [DONE]{2 * draw(line_ends)}".encode())
    return b"".join(written)


places = st.lists(st.integers(0, 10_000), max_size=20)


@settings(max_examples=100, deadline=None)
@given(streams(), places, st.booleans())
def test_any_cut_of_a_stream_gives_the_same_bytes_and_the_same_tokens(stream, at, shows):
    at_once = passed([stream], shows)
    assert passed(cut(stream, at), shows) == at_once
    assert passed([stream[at : at + 1] for at in range(len(stream))], shows) == at_once


@settings(max_examples=60, deadline=None)
@given(streams(), places)
def test_who_asked_for_usage_gets_every_byte(stream, at):
    assert passed(cut(stream, at), True)[0] == stream


@settings(max_examples=60, deadline=None)
@given(st.lists(contents, max_size=8), places, st.sampled_from(["\n", "\r\n"]))
def test_who_did_not_ask_gets_every_event_but_the_usage(said_by_upstream, at, line_end):
    stream = b"".join(event(content, line_end) for content in said_by_upstream)
    wanted = b"".join(event(content, line_end) for content in said_by_upstream if content["choices"])
    assert passed(cut(stream, at), False)[0] == wanted


@settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from(["\n", "\r\n"]), styles)
def test_what_the_model_says_is_never_taken_for_usage(text, line_end, style):
    stream = event(said(text), line_end, **style) + event(said(TALK), line_end, **style)
    assert passed([stream], False)[:2] == (stream, None)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_what_a_whole_answer_says_is_never_taken_for_usage(text):
    answer = {"choices": [{"message": {"content": text + TALK, "usage": COUNTED}}]}
    assert of_answer(json.dumps(answer).encode()) is None
    assert of_answer(json.dumps(answer | {"usage": COUNTED}).encode()) == (11, 7)


def test_nothing_is_held_back_longer_than_its_event():
    stream = StreamUsage(False)
    first, second = event(said("a")), event(said("b"))
    assert stream.feed(first + second[:-1]) == first
    assert stream.feed(second[-1:]) == second
    assert stream.feed(event(counted()) + DONE) == DONE
    assert (stream.tokens, stream.text_events) == ((11, 7), 2)


EMPTY_LINES = ["\n\n", "\r\n\r\n", "\n\r\n", "\r\n\n"]


@pytest.mark.parametrize("first", EMPTY_LINES)
@pytest.mark.parametrize("second", EMPTY_LINES)
def test_events_with_different_line_ends_are_not_held_back(first, second):
    one, two = (f"data: {json.dumps(said('a'))}{empty}".encode() for empty in (first, second))
    stream = StreamUsage(False)
    assert stream.feed(one + two) == one + two
    assert stream.feed(one + two + b"data: ") == one + two
    assert stream.held == len(b"data: ")
    usage_of_first = one.replace(json.dumps(said("a")).encode(), json.dumps(counted()).encode())
    assert passed([usage_of_first + two], False) == (two, (11, 7), 1)


def test_a_large_event_passes_whole_and_its_usage_counts():
    large = RESPONSE | {"response": RESPONSE["response"] | {"output": ["x" * 6 * 1024**2]}}
    stream = event(said("a")) + event(large) + DONE
    pieces = [stream[at : at + 65_536] for at in range(0, len(stream), 65_536)]
    assert passed(pieces, False)[:2] == (stream, (36, 87))
    assert len(event(large)) > usage.MAX_EVENT_BYTES / 2


def test_the_last_usage_counts():
    stream = event(said("a", usage={"prompt_tokens": 11, "completion_tokens": 1})) + event(counted()) + DONE
    assert passed([stream], False) == (stream.replace(event(counted()), b""), (11, 7), 1)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_usage_without_the_empty_line_after_it_counts_and_is_hidden(line_end):
    first = event(said("a"), line_end)
    last = event(counted(), line_end)[: -len(line_end)]
    assert passed([first + last], False)[:2] == (first, (11, 7))
    assert passed([first, last], True)[:2] == (first + last, (11, 7))


def test_usage_in_several_data_lines_counts():
    stream = b'data: {"choices":[],\ndata: "usage":{"prompt_tokens":11,\ndata: "completion_tokens":7}}\n\n'
    assert passed([stream], False)[:2] == (b"", (11, 7))


def test_a_null_usage_is_no_usage():
    stream = event(said("a", usage=None)) + event(counted(None))
    assert passed([stream], False)[:2] == (stream, None)


RESPONSE = {
    "type": "response.completed",
    "sequence_number": 9,
    "response": {
        "id": "resp_1",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": TALK}]}],
        "usage": {"input_tokens": 36, "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 0}},
    },
}


@pytest.mark.parametrize("shows", [True, False])
def test_the_responses_api_tells_usage_in_its_last_event_which_the_caller_gets(shows):
    created = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "usage": None}}
    delta = {"type": "response.output_text.delta", "delta": "Hi"}
    stream = b"".join(b"event: %b\n%b" % (one["type"].encode(), event(one)) for one in (created, delta, RESPONSE))
    assert passed([stream], shows)[:2] == (stream, (36, 87))


def test_a_whole_response_tells_its_usage():
    assert of_answer(json.dumps(RESPONSE["response"]).encode()) == (36, 87)


def test_embeddings_have_tokens_in_only():
    assert of_answer(b'{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}') == (5, 0)


NOT_COUNTS = [
    {"prompt_tokens": -1, "completion_tokens": 7}, {"prompt_tokens": 11, "completion_tokens": -7},
    {"prompt_tokens": 11, "completion_tokens": 7.5}, {"prompt_tokens": 11, "completion_tokens": "7"},
    {"prompt_tokens": True, "completion_tokens": 7}, {"prompt_tokens": None, "completion_tokens": None},
    {"prompt_tokens": [11], "completion_tokens": 7}, {"input_tokens": 11, "output_tokens": -2**70}, [], "7", 7, None,
]  # fmt: skip


@pytest.mark.parametrize("tokens", NOT_COUNTS)
def test_a_usage_that_cannot_be_is_not_believed(tokens):
    assert of_answer(json.dumps({"usage": tokens}).encode()) is None
    assert passed([event(counted(tokens)) + DONE], False)[1] is None


@pytest.mark.parametrize("tokens", NOT_COUNTS[:-1])
def test_a_usage_that_cannot_be_does_not_replace_one_that_could(tokens):
    assert passed([event(said("a", usage=COUNTED)) + event(counted(tokens))], False)[1] == (11, 7)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"usage"', b"\xff\xfe", b'{"usage":', b"<html>usage</html>"]
)
def test_an_answer_that_is_no_json_object_tells_nothing(body):
    assert of_answer(body) is None
    assert usage.estimated(body, 4) == 0


@pytest.mark.parametrize("tokens", [2**40 + 1, 2**64, 10**30])
def test_a_usage_larger_than_any_record_can_hold_is_not_believed(tokens):
    for count in ({"prompt_tokens": 1, "completion_tokens": tokens}, {"input_tokens": tokens, "output_tokens": 1}):
        assert of_answer(json.dumps({"usage": count}).encode()) is None


@pytest.mark.parametrize("tokens", [{}, {"total_tokens": 9}, {"prompt_tokens_details": {}}])
def test_a_usage_that_tells_nothing_is_no_usage(tokens):
    assert of_answer(json.dumps({"usage": tokens}).encode()) is None


def test_an_answer_nested_too_deep_tells_nothing():
    assert of_answer(b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"usage":{"prompt_tokens":1}}') is None


def test_text_without_the_empty_line_after_it_is_counted():
    assert passed([event(said("a")) + event(said("b"))[:-2]], False)[2] == 2


@pytest.mark.parametrize("piece", [4_096, 65_536, usage.MAX_EVENT_BYTES + 1])
def test_an_event_without_end_is_refused(piece):
    stream, seen = StreamUsage(False), 0
    assert stream.feed(event(said("a")))
    with pytest.raises(BadStream):
        while seen < 4 * usage.MAX_EVENT_BYTES:
            assert stream.feed(b"x" * piece) == b""
            seen += piece
    assert seen <= usage.MAX_EVENT_BYTES


def test_many_events_together_may_be_larger_than_one_may_be():
    data = event(said("x" * 1_000)) * (2 * usage.MAX_EVENT_BYTES // 1_000)
    assert passed([data], False)[0] == data


def test_text_is_counted_whatever_carries_it():
    carriers = [
        said("a"), said(""), said('"'), {"choices": [{"text": "a"}]},
        {"choices": [{"delta": {"reasoning_content": "a"}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{"}}]}}]}, {"delta": "a"},
        {"delta": {"role": "x"}},
        {"choices": [{"delta": {"content": None}}]}, {"choices": [{"finish_reason": "stop", "delta": {}}]},
    ]  # fmt: skip
    assert [passed([event(carrier)], False)[2] for carrier in carriers] == [1, 0, 1, 1, 1, 1, 1, 0, 0, 0]


def test_what_has_no_usage_weighs_what_its_choices_weigh():
    choice = {"message": {"content": "x" * 400}}
    weight = len(json.dumps(choice))
    assert usage.estimated(json.dumps({"choices": [choice, choice]}).encode(), 4) == 2 * weight // 4
    assert usage.estimated(b'{"data":[]}', 4) == 0
