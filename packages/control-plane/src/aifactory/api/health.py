"""Health, metrics and the published contracts: plain routes without a tenant, outside the versioned API."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aifactory.kernel.db import Database
from aifactory.kernel.wakeups import NatsWakeups


def add_health(app: FastAPI, database: Database, wakeups: NatsWakeups) -> None:
    """/healthz: this process lives. /readyz: it can serve, which needs the database; NATS only makes it faster."""

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return Response('{"status":"ok"}', media_type="application/json")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        try:
            async with database.tx("tenant") as tx:
                await tx.now()
        except Exception:
            return Response('{"status":"unavailable","database":false}', 503, media_type="application/json")
        return Response(
            json.dumps({"status": "ok", "database": True, "nats": wakeups.client.is_connected}),
            media_type="application/json",
        )

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def add_contracts(app: FastAPI, openapi: Callable[[], dict[str, Any]], asyncapi: Callable[[], dict[str, Any]]) -> None:
    """The bundles, made once on first use, on a thread: that takes a quarter of a second, in which all others would wait."""
    made: dict[str, bytes] = {}
    making = asyncio.Lock()

    async def serve(name: str, make: Callable[[], dict[str, Any]]) -> Response:
        async with making:
            if name not in made:
                made[name] = await asyncio.to_thread(_bundle, make)
        return Response(made[name], media_type="application/json")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> Response:
        return await serve("openapi", openapi)

    @app.get("/asyncapi.json", include_in_schema=False)
    async def asyncapi_json() -> Response:
        return await serve("asyncapi", asyncapi)


def _bundle(make: Callable[[], dict[str, Any]]) -> bytes:
    return json.dumps(make(), separators=(",", ":")).encode()
