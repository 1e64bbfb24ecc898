"""What must not be carried: each refusal has a status and a code of its own, holds nothing, and harms nobody else."""

import asyncio
import json

import pytest

from aifactory_gateway import caller as callers

CHAT = "/v1/chat/completions"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a secret of the tests\r\n"


async def raw(setup, data: bytes, seconds: float = 5.0) -> bytes:
    """Everything that comes back until the gateway closes, or until it is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(setup.url.rpartition(":")[2]))
    writer.write(data)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            while part := await reader.read(65_536):
                answer += part
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return answer


def status_and_code(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


async def nothing_is_left(setup) -> bool:
    """No hold, no slot, no stream, and the next request is served."""
    async with setup.client() as client:
        served = await client.post(CHAT, json=setup.chat(max_tokens=1))
    leases = setup.gateway.budgets.open_leases()
    return served.status_code == 200 and not setup.gateway.journal.running and not any(one.open_holds for one in leases)


def body(**more) -> bytes:
    return json.dumps({"model": "sim", "messages": []} | more).encode()


BODIES = [
    (b"", 400, "invalid_json", None),
    (b"{", 400, "invalid_json", None),
    (b"[]", 400, "invalid_json", None),
    (b'"text"', 400, "invalid_json", None),
    (b"\xff\xfe", 400, "invalid_json", None),
    (b"[" * 100_000, 400, "invalid_json", None),
    (b'{"messages":[]}', 400, "model_required", "model"),
    (body(model=""), 400, "model_required", "model"),
    (body(model=5), 400, "invalid_type", "model"),
    (body(model="a" * 5_000), 404, "model_not_found", "model"),
    (body(model="../../etc/passwd"), 404, "model_not_found", "model"),
    (body(stream="yes"), 400, "invalid_type", "stream"),
    (body(stream_options=[]), 400, "invalid_type", "stream_options"),
    (body(max_tokens=0), 400, "out_of_range", "max_tokens"),
    (body(max_tokens=-5), 400, "out_of_range", "max_tokens"),
    (body(max_tokens="9"), 400, "invalid_type", "max_tokens"),
    (body(max_tokens=1.5), 400, "invalid_type", "max_tokens"),
    (body(n=0), 400, "out_of_range", "n"),
    (body(n=1_000_000), 400, "out_of_range", "n"),
    (body(max_tokens=10**18), 400, "out_of_range", "max_tokens"),
    (body(max_completion_tokens=2**31 - 1, n=100), 402, "insufficient_credit", None),
    (b'{"model":"sim","messages":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400, "invalid_json", None),
    (b'{"model":"sim","messages":[{"content":"\xff"}]}', 400, "invalid_json", None),
]


@pytest.mark.parametrize(("content", "status", "code", "param"), BODIES)
async def test_a_body_that_cannot_be_carried(setup, content, status, code, param):
    async with setup.client() as client:
        answer = await client.post(CHAT, content=content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert not setup.upstream.requests
    assert await nothing_is_left(setup)


REQUESTS = [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "unknown_path"),
    (b"DELETE /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", 404, "unknown_path"),
    (b"GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    (b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", 401, "key_required"),
    (
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"k" * 9_000 + b"\r\n\r\n",
        401,
        "invalid_api_key",
    ),
    (b"nonsense\r\n\r\n", 400, "malformed_http"),
    (b"GET /v1/models HTTP/1.1\r\n\r\n", 400, "malformed_http"),
    (b"GET /v1/models HTTP/2.0\r\nHost: x\r\n\r\n", 400, "malformed_http"),
    (b"GET /v1/models HTTP/1.1\r\nHost : x\r\n\r\n", 400, "malformed_http"),
    (b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400, "malformed_http"),
    (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400, "malformed_http"),
    (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_http"),
    (HEAD + b"Content-Length: -1\r\n\r\n", 400, "malformed_http"),
    (HEAD + b"Content-Length: 99999999999\r\n\r\n", 413, "body_too_large"),
    (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501, "unknown_transfer_coding"),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed_http"),
    (HEAD + b"Expect: miracles\r\nContent-Length: 5\r\n\r\n", 417, "unknown_expectation"),
    (HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431, "head_too_large"),
    (b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431, "too_many_headers"),
]


@pytest.mark.parametrize(("data", "status", "code"), REQUESTS)
async def test_a_request_that_is_none(setup, data, status, code):
    answer = await raw(setup, data, 0.5)
    assert status_and_code(answer) == (status, code)
    assert not setup.upstream.requests
    assert await nothing_is_left(setup)


async def test_a_body_without_end_is_cut_off(setup, monkeypatch):
    monkeypatch.setattr(callers, "MAX_BODY_BYTES", 100_000)
    endless = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 4
    assert status_and_code(await raw(setup, endless)) == (413, "body_too_large")
    assert setup.gateway.buffered_bytes == 0


async def test_all_bodies_together_are_bounded(setup):
    setup.gateway.max_buffered_bytes = 1_000
    answer = await raw(setup, HEAD + b"Content-Length: 5000\r\n\r\n" + b"x" * 2_000)
    assert status_and_code(answer) == (503, "gateway_full")
    assert setup.gateway.buffered_bytes == 0


@pytest.mark.parametrize("sent", [b"", b"POST /v1/chat", HEAD + b"Content-Length: 100\r\n\r\n{"])
async def test_who_sends_too_slowly_is_closed(setup, monkeypatch, sent):
    for name in ("IDLE_SECONDS", "HEAD_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(callers, name, 0.2)
    began = asyncio.get_running_loop().time()
    assert await raw(setup, sent, 8) == b""
    assert asyncio.get_running_loop().time() - began < 7
    assert not setup.gateway.callers


async def test_who_reads_too_slowly_is_closed_and_pays_what_was_made(setup, monkeypatch):
    monkeypatch.setattr(callers, "SLOW_SECONDS", 0.3)
    wanted = json.dumps(setup.chat(max_tokens=40_000, stream=True)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(setup.url.rpartition(":")[2]), limit=1_024)
    writer.write(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(wanted), wanted))
    await reader.readline()
    async with asyncio.timeout(20):
        while setup.gateway.callers or setup.gateway.journal.running:
            await asyncio.sleep(0.05)
    (record,) = setup.spooled()
    assert (record.outcome, record.tokens_out) == ("client_gone", 40_000)
    writer.close()


async def test_requests_in_a_row_on_one_connection_are_answered_in_their_order(setup):
    wanted = [json.dumps(setup.chat(max_tokens=number)).encode() for number in (1, 2, 3)]
    data = b"".join(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(one), one) for one in wanted)
    answers = await raw(setup, data, 1)
    counts = [json.loads(part.partition(b"\r\n\r\n")[2])["usage"]["completion_tokens"] for part in split(answers)]
    assert counts == [1, 2, 3]


def split(answers: bytes) -> list[bytes]:
    return [b"HTTP/1.1 200" + part for part in answers.split(b"HTTP/1.1 200")[1:]]


@pytest.mark.parametrize("cut", [1, 10, 100, 250])
async def test_a_request_may_come_in_any_pieces(setup, cut):
    wanted = json.dumps(setup.chat(max_tokens=3)).encode()
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(wanted), wanted)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(setup.url.rpartition(":")[2]))
    for start in range(0, len(data), cut):
        writer.write(data[start : start + cut])
        await asyncio.sleep(0)
    assert b"200" in await reader.readline()
    writer.close()


async def test_http_1_0_and_close_are_understood(setup):
    wanted = json.dumps(setup.chat(max_tokens=2, stream=True)).encode()
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0")
    answer = await raw(setup, head + b"Content-Length: %d\r\n\r\n%b" % (len(wanted), wanted))
    assert b"chunked" not in answer and answer.endswith(b"data: [DONE]\n\n")


async def test_who_expects_a_go_ahead_gets_it(setup):
    wanted = json.dumps(setup.chat(max_tokens=2)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(setup.url.rpartition(":")[2]))
    writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(wanted))
    assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
    writer.write(wanted)
    await reader.readline()
    assert b"200" in await reader.readline()
    writer.close()
