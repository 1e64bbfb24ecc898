"""What nobody of ours would send: cursors made by hand, and ids with bytes that a database refuses."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from authz.expectations import expectations
from authz.house_of_two import SSH_KEY, House, open_house

LISTS = [e for e in expectations() if e.method == "GET" and "{" not in e.path and "/auth/" not in e.path]
AN_INSTANT = "2026-01-01T00:00:00+00:00"
FORGED = (
    [AN_INSTANT],
    [AN_INSTANT, "id", "1"],
    [AN_INSTANT, "id", "one", "more"],
    [AN_INSTANT, "a\0b"],
    [AN_INSTANT, "\ud800"],
    ["yesterday", "id"],
    ["2026-01-01T00:00:00", "id"],
    ["2026-W01-1T00:00:00+00:00", "id"],
    ["0001-01-01T00:00:00+23:59", "id"],
    ["infinity", "id"],
    ["", ""],
)


@pytest_asyncio.fixture(scope="module")
async def house(postgres_server, tmp_path_factory) -> AsyncIterator[House]:
    name = postgres_server.fresh()
    folder = Path(tmp_path_factory.mktemp("forged"))
    async with open_house(postgres_server.url(name, "aif_api_login"), postgres_server.url(name), folder) as opened:
        yield opened
    postgres_server.drop(name)


def cursor(parts: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("entry", LISTS, ids=lambda entry: entry.path)
async def test_a_forged_cursor_breaks_no_list(house, entry):
    for parts in FORGED:
        answer = await house.ask(entry.who[-1], "GET", f"{entry.path}?cursor={cursor(parts)}")
        assert answer.status_code < 500, (parts, answer.text)


async def test_a_refusal_is_audited_whatever_the_id_looks_like(house):
    """Else a byte in the path would be the way to try doors without leaving a trace."""
    before = house.audit_count()
    assert (await house.ask("viewer", "DELETE", "/api/v3/volumes/vol_%00")).status_code == 403
    assert house.audit_since(before) == [("denied", "DELETE /api/v3/volumes/{volume_id}")]


@pytest.mark.parametrize(
    ("text", "code"), [("a\0b", "unstorable_value"), ("half \ud800 a character", "string_unicode")]
)
async def test_text_that_cannot_be_stored_is_refused_and_changes_nothing(house, text, code):
    before = house.audit_count()
    body = json.dumps({"sku": "local.cpu.1", "labels": {"note": text}, "ssh_public_key": SSH_KEY})
    headers = {
        "X-Test-As": "tenant_admin",
        "Idempotency-Key": f"unstorable-{len(text)}",
        "Content-Type": "application/json",
    }
    answer = await house.public.post("/api/v3/allocations", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert house.audit_count() == before
