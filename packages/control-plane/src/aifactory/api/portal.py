"""Serves the built portal: prerendered public pages with the catalogue of the moment, the app shell, hashed assets."""

import html
import json
import logging
import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

log = logging.getLogger(__name__)

LiveCatalog = Callable[[], Awaitable[list[dict[str, Any]]]]

PUBLIC_PAGES = {"/": "index", "/catalog": "catalog", "/pricing": "pricing", "/regions": "regions", "/signin": "signin"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
SAFETY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# An address of the API that does not exist must answer like the API, never with the app shell.
NOT_THE_PORTAL = ("api", "internal", "dev-issuer", "assets", "healthz", "readyz", "metrics", "v1", "openai")
_SHELL_PATH = re.compile(rf"^/(?!(?:{'|'.join(NOT_THE_PORTAL)})(?:/|$))(?P<path>(?!.*\.json$).*)$")
_ASSET_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_LIVE_REGION = re.compile(r"<!--live:catalog-->.*?<!--/live:catalog-->", re.DOTALL)
_LIVE_DATA = re.compile(r'(<script type="application/json" id="live-data">).*?(</script>)', re.DOTALL)


def mount_portal(app: FastAPI, dist_dir: Path, live_catalog: LiveCatalog) -> None:
    """Adds the portal's routes behind all that are there already. `live_catalog` answers with catalogue items.

    Raises FileNotFoundError when the portal in `dist_dir` is not built completely.
    """
    shell = (dist_dir / "index.html").read_text(encoding="utf-8")
    for path, name in PUBLIC_PAGES.items():
        page = (dist_dir / "public" / f"{name}.html").read_text(encoding="utf-8")
        app.router.routes.append(Route(path, _public_page(page, live_catalog), methods=["GET"], name=f"portal_{name}"))
    app.router.routes.append(Route("/assets/{name}", _asset(dist_dir / "assets"), methods=["GET"], name="portal_asset"))
    app.router.routes.append(_shell_route(shell))


def with_live_catalog(page: str, items: list[dict[str, Any]]) -> str:
    """The page with the catalogue as a table to read and as data for the app. Every value is escaped for its place."""
    table, data = catalog_table(items), json_for_html({"catalog": items})
    page = _LIVE_REGION.sub(lambda _: f"<!--live:catalog-->{table}<!--/live:catalog-->", page)
    return _LIVE_DATA.sub(lambda found: f"{found[1]}{data}{found[2]}", page)


def catalog_table(items: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(_row(item) for item in items)
    if not rows:
        return "<p>Nothing is on sale yet. As soon as a node is enrolled, its hardware and price appear here.</p>"
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Product", "SKU", "Region", "Price per hour", "Free now")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def json_for_html(value: object) -> str:
    """JSON that cannot end the element it stands in, nor open a comment or another script."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _row(item: Mapping[str, Any]) -> str:
    price = item.get("price") or {}
    amount = f"{price.get('amount', '?')} {price.get('currency', '')}"
    cells = (item.get("sku"), item.get("region_id"), amount, _free(item))
    name = html.escape(str(item.get("name") or item.get("sku") or ""))
    values = "".join(f"<td>{html.escape(str(cell or ''))}</td>" for cell in cells)
    return f'<tr><th scope="row">{name}</th>{values}</tr>'


def _free(item: Mapping[str, Any]) -> str:
    available, capacity = int(item.get("available") or 0), int(item.get("capacity") or 0)
    if available > 0:
        return f"{available} of {capacity}"
    return str(
        item.get("unavailable_reason") or (f"All {capacity} are in use" if capacity else "No node offers this yet")
    )


def _public_page(page: str, live_catalog: LiveCatalog) -> Callable[[Request], Awaitable[Response]]:
    live = bool(_LIVE_REGION.search(page))

    async def serve(request: Request) -> Response:
        return _html(await _filled(page, live_catalog) if live else page)

    return serve


async def _filled(page: str, live_catalog: LiveCatalog) -> str:
    """A catalogue that cannot be read must not take the front page down: the page then says where prices are."""
    try:
        return with_live_catalog(page, await live_catalog())
    except Exception:
        log.exception("the catalogue for the public pages cannot be read")
        return page


def _shell_route(shell: str) -> Route:
    async def serve(request: Request) -> Response:
        return _html(shell)

    route = Route("/{path:path}", serve, methods=["GET"], name="portal_shell")
    route.path_regex = _SHELL_PATH
    return route


def _html(text: str) -> Response:
    return Response(text, media_type="text/html", headers={**SAFETY_HEADERS, "Cache-Control": "no-store"})


def _asset(folder: Path) -> Callable[[Request], Awaitable[Response]]:
    files = {path.name: path for path in folder.iterdir() if path.is_file()}

    async def serve(request: Request) -> Response:
        name = str(request.path_params["name"])
        path = files.get(name) if _ASSET_NAME.match(name) and not name.endswith(".gz") else None
        if path is None:
            raise HTTPException(404, "This file belongs to another version of the portal. Reload the page.")
        return _file(path, files.get(f"{name}.gz") if "gzip" in request.headers.get("accept-encoding", "") else None)

    return serve


def _file(path: Path, packed: Path | None) -> Response:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {**SAFETY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response((packed or path).read_bytes(), media_type=kind, headers=headers)
