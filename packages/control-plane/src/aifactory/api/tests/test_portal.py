"""What the portal's server side promises: escaped live prices, strict headers, and never a shell where the API answers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aifactory.api.portal import catalog_table, json_for_html, mount_portal, with_live_catalog

PAGE = (
    "<title>x</title><!--live:catalog-->loading<!--/live:catalog-->"
    '<script type="application/json" id="live-data">{}</script>'
)
NASTY = "</script><!--/live:catalog--><b>&\\1"
ITEM: dict[str, Any] = {
    "sku": "a.b", "name": NASTY, "region_id": "local", "price": {"amount": "0.12", "currency": "EUR"}, "available": 1, "capacity": 2,
}  # fmt: skip


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "public").mkdir()
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("the shell")
    for name in ("index", "catalog", "pricing", "regions", "signin"):
        (tmp_path / "public" / f"{name}.html").write_text(PAGE)
    (tmp_path / "assets" / "a-1.js").write_text("1")
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(b"packed")

    async def live_catalog() -> list[dict[str, Any]]:
        return [ITEM]

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    mount_portal(app, tmp_path, live_catalog)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


def test_a_name_can_neither_end_the_script_nor_the_region() -> None:
    page = with_live_catalog(PAGE, [ITEM])
    assert page.count("</script>") == 1
    assert page.count("<!--/live:catalog-->") == 1
    assert "<b>" not in page


def test_without_items_the_table_says_so() -> None:
    assert "Nothing is on sale yet" in catalog_table([])


def test_the_reason_replaces_the_number_when_nothing_is_free() -> None:
    assert "in repair" in catalog_table([ITEM | {"available": 0, "unavailable_reason": "in repair"}])


def test_json_stays_json() -> None:
    assert json_for_html({"a": "<&>"}) == '{"a":"\\u003c\\u0026\\u003e"}'


@pytest.mark.parametrize("path", ["/", "/catalog", "/pricing", "/regions"])
async def test_public_pages_carry_live_prices_and_a_strict_policy(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert "0.12 EUR" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


async def test_any_other_address_is_the_shell_but_never_one_of_the_api(client: httpx.AsyncClient) -> None:
    assert (await client.get("/allocations/alloc_1")).text == "the shell"
    for path in ("/api/v3/nothing", "/internal/v3/x", "/healthz", "/openapi.json", "/assets/gone-2.js", "/v1/models"):
        assert (await client.get(path)).status_code == 404, path


async def test_assets_are_kept_for_ever_and_packed_when_the_browser_can_unpack(client: httpx.AsyncClient) -> None:
    packed = await client.get("/assets/a-1.js", headers={"accept-encoding": "identity"})
    assert packed.text == "1" and "immutable" in packed.headers["cache-control"]
    async with client.stream("GET", "/assets/a-1.js", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
    for name in ("..%2findex.html", "a-1.js.gz", ".hidden"):
        assert (await client.get(f"/assets/{name}")).status_code == 404


async def test_a_catalogue_that_fails_does_not_take_the_front_page_down(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("the shell")
    for name in ("index", "catalog", "pricing", "regions", "signin"):
        (tmp_path / "public" / f"{name}.html").write_text(PAGE)

    async def broken() -> list[dict[str, Any]]:
        raise ConnectionError("no database")

    app = FastAPI(openapi_url=None)
    mount_portal(app, tmp_path, broken)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/")
    assert (answer.status_code, "loading" in answer.text) == (200, True)
