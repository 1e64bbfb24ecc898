"""What a caller wants is read strictly; everything else in its body reaches the upstream as it was written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_gateway.refusal import Refusal
from aifactory_gateway.request_body import MAX_CHOICES, Wish, read


def wish(**members) -> Wish:
    return read(json.dumps({"model": "m"} | members).encode())


def sent(body: bytes | Wish, limit_field: str | None = "max_tokens", limit: int = 256) -> dict:
    """What the upstream reads."""
    asked = read(body) if isinstance(body, bytes) else body
    return json.loads(asked.for_upstream("upstream/m", limit_field, limit))


def refused(body: bytes, model: str | None = None) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as caught:
        read(body, model)
    assert caught.value.status == 400 and not caught.value.closes
    return caught.value.code, caught.value.param


NO_JSON = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"1", b"true", b'"text"', b"{'model':'m'}", b'{"model":"m"',
    b'{"model":"m",}',
    b'{"model":"m"}{}', b'{"model":"m"} x', b'{"model" "m"}', b'{model:"m"}', b'{"model":"m","x":01}',
    b'{"model":"m","x":1.}',
    b'{"model":"m","x":NaN}', b'{"model":"m","x":-}', b'{"model":"m","x":tru}', b'{"model":"m","x":"\\q"}',
    b'{"model":"m","x":"\\ud800"}', b'{"model":"m","x":"\n"}', b'{"model":"m","x":"\0"}', b'{"model":"\xff"}',
    b'{"\xff":1,"model":"m"}', b'\xef\xbb\xbf{"model":"m"}', b'// c\n{"model":"m"}',
    '{"model":"m"}'.encode("utf-16"),
    b"\x1f\x8b\x08\x00", b"model=m", b"[" * 100_000, b'{"' * 50_000,
]  # fmt: skip


@pytest.mark.parametrize("body", NO_JSON)
def test_a_body_that_is_no_json_object_is_refused(body):
    assert refused(body) == ("invalid_json", None)
    assert refused(body, "named-by-its-address") == ("invalid_json", None)


MEMBERS = {
    "model": [5, True, ["m"], {"id": "m"}, 1.5],
    "stream": ["true", 1, 0, "", [], {}],
    "stream_options": [[], "include_usage", True, 1],
    "max_tokens": ["9", 1.5, 1.0, True, [], {"at": 1}],
    "max_completion_tokens": ["9", 1.5, False],
    "max_output_tokens": ["inf", 2.5, []],
    "n": ["1", 1.5, True, [1]],
}


@pytest.mark.parametrize(("member", "value"), [(name, value) for name, all in MEMBERS.items() for value in all])
def test_a_member_of_another_type_is_refused_by_its_name(member, value):
    assert refused(json.dumps({"model": "m", member: value}).encode()) == ("invalid_type", member)


OUT_OF_RANGE = [
    ("max_tokens", 0),
    ("max_tokens", -1),
    ("max_tokens", -(10**30)),
    ("n", 0),
    ("n", -1),
    ("n", MAX_CHOICES + 1),
]
OUT_OF_RANGE += [("n", 2**64), ("n", 10**300)]


@pytest.mark.parametrize(("member", "value"), OUT_OF_RANGE)
def test_a_number_out_of_its_range_is_refused_by_its_name(member, value):
    assert refused(json.dumps({"model": "m", member: value}).encode()) == ("out_of_range", member)


@pytest.mark.parametrize("body", [b"{}", b'{"model":""}', b'{"model":null}', b'{"Model":"m"}', b'{"x":{"model":"m"}}'])
def test_a_body_that_names_no_model_is_refused_unless_its_address_does(body):
    assert refused(body) == ("model_required", "model")
    assert read(body, "m").model == "m"


def test_the_model_of_the_address_stands_above_the_bodys():
    assert read(b'{"model":"body"}', "address").model == "address"


@pytest.mark.parametrize("depth", [1_500, 100_000])
@pytest.mark.parametrize("member", ["messages", "stream_options"])
def test_a_body_nested_too_deep_is_refused(member, depth):
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    assert refused(b'{"model":"m","%b":%b}' % (member.encode(), nested))[0] == "invalid_json"


def test_null_is_as_good_as_absent():
    absent, null = wish(), wish(stream=None, stream_options=None, max_tokens=None, max_completion_tokens=None, n=None)
    for one in (absent, null):
        assert (one.streams, one.wants_usage, one.chat_limit, one.choices) == (False, False, None, 1)
    assert sent(null)["max_tokens"] == 256


AS_WRITTEN = [
    b"1.50", b"1e2", b"1E+2", b"-0", b"-0.0", b"1.0", b"0.1000000000000000055",
    b"123456789012345678901234567890", b"1e400",
    b'"\\u00fc"', b'"\\u00FC\\n\\/"', '"ü"'.encode(), b'"\\ud83d\\ude00"', '"😀"'.encode(),
    b"[ 1 ,\t2 ]", b'{ "b":1,"a" : 2}',
    b'{"a":1,"a":2}', b'{"model":"inner","max_tokens":3}', b"null", b"true", b'""', b"[]", b"{}", b'"\x7f"',
]  # fmt: skip


@pytest.mark.parametrize("value", AS_WRITTEN)
def test_a_member_that_is_not_ours_goes_on_as_it_was_written(value):
    asked = read(b'{"model":"m", "x" : %b , "y":%b}' % (value, value))
    assert asked.for_upstream("u", "max_tokens", 5) == b'{"model":"u","x":%b,"y":%b,"max_tokens":5}' % (value, value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OURS = {"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n"}


@settings(max_examples=70, deadline=None)
@given(
    st.dictionaries(st.text(max_size=10).filter(lambda name: name not in OURS), json_values, max_size=6), st.booleans()
)
def test_any_other_members_go_on_unchanged(members, ascii_only):
    body = json.dumps({"model": "m"} | members, ensure_ascii=ascii_only).encode()
    asked = read(body)
    assert asked.size == len(body)
    assert sent(asked, None) == {"model": "upstream/m"} | members


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda data: b'{"model":"m","x":' + data + b"}"))
def test_whatever_comes_is_a_wish_or_is_refused(data):
    try:
        asked = read(data)
    except Refusal as refusal:
        assert refusal.status == 400
    else:
        assert asked.for_upstream("u", "max_tokens", 5)


def test_text_that_is_no_utf_8_is_refused():
    assert refused(b'{"model":"m","messages":[{"content":"\xff\xc0\x80"}]}') == ("invalid_json", None)


def test_a_refusal_repeats_nothing_of_the_body():
    for body in (
        b'{"model":"m","x":canary}',
        b'{"model":"m","n":"canary"}',
        b'{"model":"m","stream_options":"canary"}',
        b"canary",
    ):
        with pytest.raises(Refusal) as caught:
            read(body)
        assert b"canary" not in caught.value.body()


def test_the_model_is_called_what_the_upstream_calls_it():
    assert read(b'{"model":"m"}').for_upstream('a"b\\/c', None, 5) == b'{"model":"a\\"b\\\\/c"}'


TWICE = [
    (b'{"model":"a","model":"b"}', "b", None),
    (b'{"model":"a","mod\\u0065l":"b"}', "b", None),
    (b'{"model":"m","max_tokens":5,"max_\\u0074okens":7}', "m", 7),
    (b'{"model":"m","max_tokens":7,"max_tokens":5}', "m", 5),
    (b'{"model":"m","max_tokens":7,"max_tokens":null}', "m", None),
]


@pytest.mark.parametrize(("body", "model", "limit"), TWICE)
def test_of_a_member_that_comes_twice_the_last_is_read_and_the_last_is_sent(body, model, limit):
    asked = read(body)
    assert (asked.model, asked.chat_limit) == (model, limit)
    data = asked.for_upstream("u", "max_tokens", 256)
    assert json.loads(data) == {"model": "u"} | ({"max_tokens": limit or 256} if b"tokens" in data else {})
    assert data.count(b'"model"') == 1 and data.count(b"tokens") == 1


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_the_callers_bound_stays(member):
    asked = wish(**{member: 9})
    assert asked.chat_limit == 9
    assert sent(asked) == {"model": "upstream/m", member: 9}


def test_the_larger_of_two_bounds_counts():
    assert wish(max_tokens=3, max_completion_tokens=8).chat_limit == 8
    assert wish(max_tokens=8, max_completion_tokens=3).chat_limit == 8
    assert wish(max_tokens=None, max_completion_tokens=3).chat_limit == 3


@pytest.mark.parametrize("field", ["max_tokens", "max_output_tokens"])
def test_an_answer_that_nobody_bounded_is_bounded_where_its_upstream_reads_it(field):
    assert sent(wish(), field, 77).items() >= {"model": "upstream/m", field: 77}.items()


def test_what_has_no_text_is_not_bounded():
    assert sent(wish(input="a"), None) == {"model": "upstream/m", "input": "a"}


ELSEWHERE = [("max_tokens", "max_output_tokens"), ("max_output_tokens", "max_tokens")]
ELSEWHERE += [("max_output_tokens", "max_completion_tokens")]


@pytest.mark.parametrize(("read_there", "sent_by_caller"), ELSEWHERE)
def test_a_bound_that_its_upstream_does_not_read_is_none(read_there, sent_by_caller):
    assert sent(wish(**{sent_by_caller: 1}), read_there)[read_there] == 256


def test_a_bound_that_no_model_has_is_refused():
    assert refused(b'{"model":"m","max_tokens":1%b}' % (b"0" * 300)) == ("out_of_range", "max_tokens")


@pytest.mark.parametrize("choices", [1, 2, MAX_CHOICES])
def test_choices_are_counted_and_go_on(choices):
    asked = wish(n=choices)
    assert asked.choices == choices and sent(asked)["n"] == choices


OPTIONS = [
    (None, {"include_usage": True}, False),
    ({}, {"include_usage": True}, False),
    ({"include_usage": False}, {"include_usage": True}, False),
    ({"include_usage": None, "x": 1}, {"include_usage": True, "x": 1}, False),
    ({"include_usage": 1}, {"include_usage": True}, False),
    ({"include_usage": "true", "y": [1, {"z": None}]}, {"include_usage": True, "y": [1, {"z": None}]}, False),
    ({"x": 10**30, "u": "ü😀"}, {"include_usage": True, "x": 10**30, "u": "ü😀"}, False),
    ({"include_usage": True, "x": 1.5}, {"include_usage": True, "x": 1.5}, True),
]


@pytest.mark.parametrize(("options", "merged", "wants"), OPTIONS)
def test_a_stream_always_tells_its_usage_and_keeps_its_other_options(options, merged, wants):
    asked = wish(stream=True, stream_options=options)
    assert asked.streams and asked.wants_usage is wants
    assert sent(asked)["stream_options"] == merged


def test_usage_is_not_asked_for_where_it_comes_anyway():
    assert "stream_options" not in sent(wish(), "max_tokens")
    assert "stream_options" not in sent(wish(stream=True), "max_output_tokens")


def test_a_second_try_sends_the_same():
    asked = wish(stream=True, stream_options={"x": 1})
    first = asked.for_upstream("a", "max_tokens", 5)
    assert asked.for_upstream("b", "max_tokens", 5) == first.replace(b'"a"', b'"b"')
