"""The base that the API is compared with: a plain FastAPI + asyncpg list of 50 rows, without sessions, authorization or
row-level security, run by the benchmark in an environment of its own against the same PostgreSQL.

    fastapi_asyncpg.py PORT DATABASE_URL TENANT
"""

import sys
from datetime import datetime
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

PORT, URL, TENANT = int(sys.argv[1]), sys.argv[2], sys.argv[3]
app = FastAPI()


class Row(BaseModel):
    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    desired_state: str
    conditions: list[dict[str, Any]]
    generation: int
    created_at: datetime
    updated_at: datetime
    sku: str
    mode: str
    image: str
    node_id: str | None
    slot_id: str | None
    volumes: list[dict[str, Any]]
    access: dict[str, Any] | None
    isolation: dict[str, Any] | None
    activated_at: datetime | None
    released_at: datetime | None


class Rows(BaseModel):
    items: list[Row]
    next_cursor: str | None


async def _json(connection: asyncpg.Connection) -> None:
    import json

    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@app.on_event("startup")
async def start() -> None:
    app.state.pool = await asyncpg.create_pool(URL, min_size=2, max_size=12, init=_json)


@app.get("/list")
async def list_rows() -> Rows:
    columns = ", ".join(Row.model_fields)
    rows = await app.state.pool.fetch(
        f"select {columns} from provisioning.allocations where tenant_id = $1 order by created_at desc, id desc limit 50",
        TENANT,
    )
    return Rows(items=[Row(**dict(row)) for row in rows], next_cursor=None)


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
