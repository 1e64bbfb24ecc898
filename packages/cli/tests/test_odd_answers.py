"""What hosts, proxies and networks do to a command line, and what the reader is told."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from aifactory_cli import client


def test_a_503_is_repeated_until_the_host_is_ready(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/regions", answers.Answer(None, 503), answers.Answer(None, 503), answers.Answer({"items": []}))
    assert aif("regions").code == 0
    assert len(host.asked) == 3


def test_a_lost_answer_is_asked_for_again_under_the_same_key(aif: Any, host: Any, answers: Any) -> None:
    host.on("POST", "/projects", answers.Answer(hang_up=True), answers.Answer({"id": "prj_1", "name": "x"}, 201))
    ran = aif("projects", "create", "x")
    assert ran.code == 0
    first, second = (asked.headers["idempotency-key"] for asked in host.mutations())
    assert first == second
    assert len(first) >= 32


def test_different_changes_have_different_keys(aif: Any, host: Any, answers: Any) -> None:
    host.on("POST", "/projects", answers.Answer({"id": "prj_1", "name": "x"}, 201))
    aif("projects", "create", "x")
    aif("projects", "create", "x")
    first, second = (asked.headers["idempotency-key"] for asked in host.mutations())
    assert first != second


def test_a_host_that_stays_away_ends_with_code_9(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/regions", answers.Answer(None, 503))
    ran = aif("regions")
    assert ran.code == 9
    assert "http_503" in ran.err
    assert "aif status" in ran.err
    assert len(host.asked) == client.ATTEMPTS


def test_nobody_listening_ends_with_code_9(aif: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ran = aif("regions", "--host", f"http://127.0.0.1:{port}")
    assert ran.code == 9
    assert "host_unreachable" in ran.err
    assert "aif up" in ran.err


def test_a_host_too_slow_ends_with_code_9(aif: Any, host: Any, answers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_HTTP_TIMEOUT_SECONDS", "0.1")
    host.on("GET", "/regions", answers.Answer({"items": []}, delay_seconds=0.4))
    ran = aif("regions")
    assert (ran.code, "host_timed_out" in ran.err) == (9, True)


@pytest.mark.parametrize("content", [b"<html>Welcome to nginx</html>", b"{", b"\xff\xfe", b"[" * 100_000])
def test_garbage_is_named_as_such(aif: Any, host: Any, answers: Any, content: bytes) -> None:
    host.on("GET", "/regions", answers.Answer(content))
    ran = aif("regions")
    assert ran.code == 1
    assert "unexpected_answer" in ran.err
    assert "proxy" in ran.err


@pytest.mark.parametrize("content", [[], "text", 7, None, {"items": None}, {"items": [1]}, {}])
def test_json_of_another_shape_never_shows_a_traceback(aif: Any, host: Any, answers: Any, content: Any) -> None:
    host.on("GET", "/volumes", answers.Answer(content))
    ran = aif("volumes", "list")
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) <= 4


def test_an_unknown_state_is_shown_as_it_is(aif: Any, host: Any, answers: Any) -> None:
    thing = {"id": "alloc_1", "name": "dev", "state": "hibernating", "sku": "local.cpu.1", "novelty": {"a": 1}}
    host.on("GET", "/allocations", answers.Answer({"items": [thing], "next_cursor": None}))
    assert "hibernating" in aif("allocations", "list").out
    assert json.loads(aif("allocations", "list", "-o", "json").out)["items"] == [thing]


def test_problem_details_tell_what_where_and_what_to_do(aif: Any, host: Any, answers: Any) -> None:
    errors = [{"field": "name", "code": "too_long", "detail": "at most 63 signs"}]
    refusal = answers.problem(
        422, "invalid_field", "The request is not valid", detail="size_gb is 0", field="size_gb", todo="Take 1 or more.",
        errors=errors,
    )  # fmt: skip
    host.on("POST", "/volumes", refusal)
    ran = aif("volumes", "create", "x", "--size", "1")
    assert ran.code == 2
    for part in (
        "The request is not valid",
        "invalid_field",
        "size_gb is 0",
        "name: at most 63 signs",
        "Take 1 or more.",
    ):
        assert part in ran.err
    assert ran.out == ""
    assert json.loads(aif("volumes", "create", "x", "--size", "1", "-o", "json").err) == refusal.content


def test_a_capacity_refusal_shows_the_ranked_offers(aif: Any, host: Any, answers: Any) -> None:
    offers = [{"sku": "local.cpu.1", "region_id": "north", "available": 3, "capacity": 8, "reason": "same silicon"}]
    host.on("POST", "/allocations", answers.problem(409, "no_capacity", offers=offers))
    ran = aif("allocations", "create", "--sku", "local.cpu.1")
    assert ran.code == 6
    assert "local.cpu.1 in north: 3 of 8 free  same silicon" in ran.err


@pytest.mark.parametrize(
    ("status", "code"), [(401, 3), (402, 7), (403, 4), (404, 5), (409, 6), (412, 6), (422, 2), (429, 6), (500, 1)]
)
def test_each_kind_of_refusal_has_its_exit_code(aif: Any, host: Any, answers: Any, status: int, code: int) -> None:
    host.on("GET", "/wallet", answers.problem(status, "some_code"))
    assert aif("wallet").code == code


def test_retry_after_is_honoured_within_limits(aif: Any, host: Any, answers: Any) -> None:
    busy = answers.Answer(None, 429, {"Retry-After": "0.05"})
    host.on("GET", "/regions", busy, answers.Answer({"items": []}))
    assert aif("regions").code == 0


def test_names_cannot_drive_the_terminal(aif: Any, host: Any, answers: Any) -> None:
    evil = {"id": "vol_1", "name": "\x1b[2Jgone\r[red]x[/red]", "size_gb": 1}
    host.on("GET", "/volumes", answers.Answer({"items": [evil], "next_cursor": None}))
    ran = aif("volumes", "list")
    assert "\x1b" not in ran.out
    assert "\r" not in ran.out
    assert "[red]x[/red]" in ran.out


def test_a_token_is_never_sent_to_another_host(aif: Any, host: Any, answers: Any) -> None:
    other = answers.Host()
    try:
        ran = aif("wallet", "--host", other.url)
        assert ran.code == 3
        assert "not_signed_in" in ran.err
        assert not other.asked
    finally:
        other.close()


def test_public_commands_send_no_token(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/catalog", answers.Answer({"items": []}))
    assert aif("catalog").code == 0
    assert "authorization" not in host.asked[0].headers


def test_a_redirect_is_not_followed(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/wallet", answers.Answer(None, 302, {"Location": "https://elsewhere.example.com/"}))
    ran = aif("wallet")
    assert (ran.code, "unexpected_answer" in ran.err) == (1, True)


def test_pages_are_followed_up_to_the_limit(aif: Any, host: Any, answers: Any) -> None:
    def page(asked: Any) -> Any:
        start = int(asked.query.get("cursor", ["0"])[0])
        size = int(asked.query["limit"][0])
        items = [{"id": f"vol_{number}", "name": "v", "size_gb": 1} for number in range(start, start + size)]
        return answers.Answer({"items": items, "next_cursor": str(start + size)})

    host.on("GET", "/volumes", page)
    ran = aif("volumes", "list", "--limit", "450", "-o", "name")
    assert len(ran.out.splitlines()) == 450
    assert [asked.query["limit"] for asked in host.asked] == [["200"], ["200"], ["50"]]
