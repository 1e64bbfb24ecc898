"""Models, the upstreams that serve them, and the routes between the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page


@dataclass(frozen=True)
class ModelRow:
    id: str
    region_id: str
    name: str
    description: str
    capabilities: list[str]
    context_tokens: int
    max_output_tokens: int
    state: str
    generation: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class UpstreamRow:
    id: str
    name: str
    region_id: str
    url: str
    usage_path: str
    max_requests: int
    connect_seconds: float
    first_byte_seconds: float
    between_bytes_seconds: float
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class RouteRow:
    model_id: str
    upstream_id: str
    upstream_model: str


MODEL_COLUMNS = """
    id, region_id, name, description, capabilities, context_tokens, max_output_tokens, state, generation, created_at, updated_at
"""
MODEL = f"select {MODEL_COLUMNS} from app_platform.models where id = %(id)s"
LOCK_MODEL = f"select {MODEL_COLUMNS} from app_platform.models where id = %(id)s for update"
MODELS = f"""
    select {MODEL_COLUMNS} from app_platform.models
    where (%(state)s::text is null or state = %(state)s) and (%(region_id)s::text is null or region_id = %(region_id)s)
    order by id limit 1000
"""
INSERT_MODEL = """
    insert into app_platform.models (id, region_id, name, description, capabilities, context_tokens, max_output_tokens)
    values (%(id)s, %(region_id)s, %(name)s, %(description)s, %(capabilities)s, %(context_tokens)s, %(max_output_tokens)s)
    on conflict (id) do nothing
"""
EDIT_MODEL = """
    update app_platform.models set name = %(name)s, description = %(description)s, capabilities = %(capabilities)s,
        context_tokens = %(context_tokens)s, max_output_tokens = %(max_output_tokens)s, state = %(state)s,
        generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""
COUNT_MODELS = "select count(*) from app_platform.models"

ROUTES = """
    select r.model_id, r.upstream_id, r.upstream_model from app_platform.model_routes r
    where %(model_ids)s::text[] is null or r.model_id = any(%(model_ids)s) order by r.model_id, r.position
"""
CLEAR_ROUTES = "delete from app_platform.model_routes where model_id = %(model_id)s"
INSERT_ROUTE = """
    insert into app_platform.model_routes (model_id, upstream_id, upstream_model, position)
    values (%(model_id)s, %(upstream_id)s, %(upstream_model)s, %(position)s)
"""
MODELS_ON = """
    select r.model_id from app_platform.model_routes r join app_platform.models m on m.id = r.model_id
    where r.upstream_id = %(upstream_id)s and m.state = 'offered' order by r.model_id
"""

UPSTREAM_COLUMNS = """
    id, name, region_id, url, usage_path, max_requests, connect_seconds, first_byte_seconds, between_bytes_seconds,
    generation, created_at, updated_at, deleted_at
"""
UPSTREAM = f"select {UPSTREAM_COLUMNS} from app_platform.upstreams where id = %(id)s and deleted_at is null"
LOCK_UPSTREAM = UPSTREAM + " for update"
UPSTREAMS = f"""
    select {UPSTREAM_COLUMNS} from app_platform.upstreams
    where deleted_at is null
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""
UPSTREAMS_OF_REGION = f"""
    select {UPSTREAM_COLUMNS} from app_platform.upstreams where region_id = %(region_id)s and deleted_at is null order by id
"""
UPSTREAM_NAMED = "select id from app_platform.upstreams where name = %(name)s and deleted_at is null"
MOVE_UPSTREAM = """
    update app_platform.upstreams set url = %(url)s, updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s and url <> %(url)s and deleted_at is null
"""
INSERT_UPSTREAM = """
    insert into app_platform.upstreams
        (id, name, region_id, url, usage_path, max_requests, connect_seconds, first_byte_seconds, between_bytes_seconds)
    values (%(id)s, %(name)s, %(region_id)s, %(url)s, %(usage_path)s, %(max_requests)s, %(connect_seconds)s,
            %(first_byte_seconds)s, %(between_bytes_seconds)s)
    on conflict do nothing
"""
DELETE_UPSTREAM = """
    update app_platform.upstreams set deleted_at = kernel.now(), updated_at = kernel.now(), generation = generation + 1
    where id = %(id)s and deleted_at is null
"""
COUNT_UPSTREAMS = "select count(*) from app_platform.upstreams where deleted_at is null"


async def model(tx: Tx, model_id: str) -> ModelRow | None:
    return await tx.one(MODEL, {"id": model_id}, into=ModelRow)


async def lock_model(tx: Tx, model_id: str) -> ModelRow | None:
    return await tx.one(LOCK_MODEL, {"id": model_id}, into=ModelRow)


async def models(tx: Tx, state: str | None = None, region_id: str | None = None) -> list[ModelRow]:
    return await tx.all(MODELS, {"state": state, "region_id": region_id}, into=ModelRow)


async def insert_model(tx: Tx, **values: Any) -> bool:
    """False when there is one of this id, offered or withdrawn."""
    return await tx.run(INSERT_MODEL, values) == 1


async def edit_model(tx: Tx, **values: Any) -> None:
    await tx.run(EDIT_MODEL, values)


async def count_models(tx: Tx) -> int:
    return int(await tx.value(COUNT_MODELS))


async def routes(tx: Tx, model_ids: Sequence[str] | None = None) -> list[RouteRow]:
    """In the order in which a gateway tries them; None: of all models."""
    return await tx.all(ROUTES, {"model_ids": None if model_ids is None else list(model_ids)}, into=RouteRow)


async def put_routes(tx: Tx, model_id: str, rows: Sequence[RouteRow]) -> None:
    """In place of those there were."""
    await tx.run(CLEAR_ROUTES, {"model_id": model_id})
    for position, row in enumerate(rows):
        await tx.run(INSERT_ROUTE, vars(row) | {"position": position})


async def models_on(tx: Tx, upstream_id: str) -> list[str]:
    """The offered models that this upstream serves."""
    return [row[0] for row in await tx.all(MODELS_ON, {"upstream_id": upstream_id})]


async def upstream(tx: Tx, upstream_id: str) -> UpstreamRow | None:
    return await tx.one(UPSTREAM, {"id": upstream_id}, into=UpstreamRow)


async def lock_upstream(tx: Tx, upstream_id: str) -> UpstreamRow | None:
    return await tx.one(LOCK_UPSTREAM, {"id": upstream_id}, into=UpstreamRow)


async def upstreams(tx: Tx, page: Page) -> list[UpstreamRow]:
    """One more than the page holds."""
    after_at, after_id = page.after or (None, None)
    values = {"limit": page.limit + 1, "after_at": after_at, "after_id": after_id}
    return await tx.all(UPSTREAMS, values, into=UpstreamRow)


async def upstreams_of_region(tx: Tx, region_id: str) -> list[UpstreamRow]:
    return await tx.all(UPSTREAMS_OF_REGION, {"region_id": region_id}, into=UpstreamRow)


async def upstream_named(tx: Tx, name: str) -> str | None:
    """Its id."""
    return await tx.value(UPSTREAM_NAMED, {"name": name})  # type: ignore[no-any-return]


async def move_upstream(tx: Tx, upstream_id: str, url: str) -> bool:
    """False when it is there already."""
    return await tx.run(MOVE_UPSTREAM, {"id": upstream_id, "url": url}) == 1


async def insert_upstream(tx: Tx, **values: Any) -> bool:
    """False when the name is taken."""
    return await tx.run(INSERT_UPSTREAM, values) == 1


async def delete_upstream(tx: Tx, upstream_id: str) -> None:
    await tx.run(DELETE_UPSTREAM, {"id": upstream_id})


async def count_upstreams(tx: Tx) -> int:
    return int(await tx.value(COUNT_UPSTREAMS))
