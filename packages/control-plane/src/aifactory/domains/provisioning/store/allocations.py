"""Rows of allocations: typed for decisions, as JSON text for lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.domains.provisioning.allocation import Allocation, State
from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

_COLUMNS = ", ".join(Allocation.__dataclass_fields__)

INSERT = """
    insert into provisioning.allocations
        (id, tenant_id, project_id, region_id, name, labels, sku, mode, image, authorized_keys, volumes,
         price_amount, price_currency, quote_id)
    values (%(id)s, kernel.tenant(), %(project_id)s, %(region_id)s, %(name)s, %(labels)s, %(sku)s, %(mode)s, %(image)s,
            %(authorized_keys)s, %(volumes)s, %(price_amount)s, %(price_currency)s, %(quote_id)s)
"""

ONE = f"select {_COLUMNS} from provisioning.allocations where id = %(id)s"
LOCK = ONE + " for update"

ENTER = """
    update provisioning.allocations
    set state = %(state)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and state <> %(state)s
"""

PLACED = """
    update provisioning.allocations
    set node_id = %(node_id)s, slot_id = %(slot_id)s, isolation = %(isolation)s, updated_at = kernel.now()
    where id = %(id)s
"""

REPORTED = """
    update provisioning.allocations
    set reported_access = %(access)s, isolation = coalesce(%(isolation)s, isolation), updated_at = kernel.now()
    where id = %(id)s
"""

ACTIVATE = """
    update provisioning.allocations
    set state = 'active', activated_at = %(at)s, access = %(access)s, generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and release_requested_at is null
"""

REQUEST_RELEASE = """
    update provisioning.allocations
    set desired_state = 'released', release_requested_at = %(at)s, release_reason = %(reason)s, access = null,
        generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and release_requested_at is null
"""

END = """
    update provisioning.allocations
    set state = %(state)s, access = null, refusal = coalesce(%(refusal)s, refusal), failure = coalesce(%(failure)s, failure),
        released_at = case when %(state)s = 'released' then kernel.now() end,
        generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s
"""

LIVE_IN_REGION = """
    select id, tenant_id from provisioning.allocations
    where region_id = %(region_id)s and state not in ('released', 'refused', 'failed') and release_requested_at is null
    order by id
"""

SET_CONDITIONS = """
    update provisioning.allocations set conditions = %(conditions)s, updated_at = kernel.now() where id = %(id)s
"""

# Which rows, in which version: what every list asks. The texts of versions that are known are not built again.
VERSIONS = """
    select coalesce(array_agg(a.version order by a.created_at desc, a.id desc), '{}') as versions,
           coalesce(array_agg(a.id) filter (where a.metered), '{}') as metered
    from (
        select id || '.' || xmin as version, created_at, id, activated_at is not null and state <> 'released' as metered
        from provisioning.allocations
        where (%(visible)s::text[] is null or project_id = any(%(visible)s))
          and (%(project_id)s::text is null or project_id = %(project_id)s)
          and (%(state)s::text is null or state = %(state)s)
          and (%(name)s::text is null or name = %(name)s)
          and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
        order by created_at desc, id desc limit %(limit)s + 1
    ) a
"""

# row_to_json over plain columns costs PostgreSQL half of what json_build_object with as many arguments does.
TEXTS = """
    select a.version, row_to_json(w)::text as text
    from (select id || '.' || xmin as version, * from provisioning.allocations where id = any(%(ids)s)) a
    cross join lateral (
        select a.id, a.tenant_id, a.project_id, a.region_id, a.name, a.labels, a.state, a.conditions, a.generation,
               a.created_at, a.updated_at, a.deleted_at, a.sku, a.mode, a.image, a.node_id, a.slot_id, a.desired_state,
               a.access, a.volumes, a.isolation,
               json_build_object('amount', trim_scale(a.price_amount)::text, 'currency', a.price_currency) as price,
               a.quote_id, a.activated_at, a.release_requested_at, a.release_reason, a.released_at, a.refusal, a.failure,
               null as running_cost
    ) w
"""


@dataclass(frozen=True)
class VersionsRow:
    """Newest first; `metered`: the ids whose meter has run and is not settled."""

    versions: list[str]
    metered: list[str]


@dataclass(frozen=True)
class AllocationTexts:
    """Newest first, each a JSON object that ends with an empty `running_cost`."""

    items: list[str]
    metered: list[str]


@dataclass(frozen=True)
class AllocationFilter:
    """What a list shows; None means all."""

    project_id: str | None = None
    state: str | None = None
    name: str | None = None
    visible: list[str] | None = None  # the projects that the caller may see; the facade sets it


async def insert(tx: Tx, **row: Any) -> None:
    await tx.run(INSERT, row | {name: Jsonb(row[name]) for name in ("labels", "authorized_keys", "volumes")})


async def one(tx: Tx, allocation_id: str) -> Allocation | None:
    return await tx.one(ONE, {"id": allocation_id}, into=Allocation)


async def lock(tx: Tx, allocation_id: str) -> Allocation:
    """Raises LookupError when it is not there: a flow without its subject is a defect, not a request."""
    row = await tx.one(LOCK, {"id": allocation_id}, into=Allocation)
    if row is None:
        raise LookupError(f"allocation {allocation_id} is gone")
    return row


async def live_in_region(tx: Tx, region_id: str) -> list[tuple[str, str]]:
    """Operator role: (allocation, tenant) of all that runs or will run there."""
    return [(row[0], row[1]) for row in await tx.all(LIVE_IN_REGION, {"region_id": region_id})]


async def enter(tx: Tx, allocation_id: str, state: State) -> None:
    await tx.run(ENTER, {"id": allocation_id, "state": str(state)})


async def placed(tx: Tx, allocation_id: str, node_id: str, slot_id: str, isolation: dict[str, Any]) -> None:
    params = {"id": allocation_id, "node_id": node_id, "slot_id": slot_id, "isolation": Jsonb(isolation)}
    await tx.run(PLACED, params)


async def reported(tx: Tx, allocation_id: str, access: dict[str, Any], isolation: dict[str, Any] | None) -> None:
    params = {"id": allocation_id, "access": Jsonb(access), "isolation": Jsonb(isolation) if isolation else None}
    await tx.run(REPORTED, params)


async def activate(tx: Tx, allocation_id: str, at: datetime, access: dict[str, Any]) -> bool:
    """False when a release was asked for in between."""
    return await tx.run(ACTIVATE, {"id": allocation_id, "at": at, "access": Jsonb(access)}) == 1


async def request_release(tx: Tx, allocation_id: str, at: datetime, reason: str) -> bool:
    """False when it was asked for before: the first instant counts."""
    return await tx.run(REQUEST_RELEASE, {"id": allocation_id, "at": at, "reason": reason}) == 1


async def end(
    tx: Tx,
    allocation_id: str,
    state: State,
    *,
    refusal: dict[str, Any] | None = None,
    failure: dict[str, Any] | None = None,
) -> None:
    await tx.run(
        END,
        {
            "id": allocation_id,
            "state": str(state),
            "refusal": Jsonb(refusal) if refusal else None,
            "failure": Jsonb(failure) if failure else None,
        },
    )


async def set_conditions(tx: Tx, allocation_id: str, conditions: list[dict[str, Any]]) -> None:
    await tx.run(SET_CONDITIONS, {"id": allocation_id, "conditions": Jsonb(conditions)})


def _params(page: Page, only: AllocationFilter) -> dict[str, Any]:
    after = page.after or (None, None)
    params = {"visible": only.visible, "project_id": only.project_id, "state": only.state, "name": only.name}
    return params | {"limit": page.limit, "after_at": after[0], "after_id": after[-1]}


async def list_json(tx: Tx, page: Page, only: AllocationFilter) -> AllocationTexts:
    """One more than the page holds, when there is one more."""
    found = await tx.one(VERSIONS, _params(page, only), into=VersionsRow)
    assert found is not None  # aggregates answer one row
    texts = tx.row_texts.of(found.versions)
    if None in texts:
        missing = [_id(version) for version, text in zip(found.versions, texts, strict=True) if text is None]
        newest = {}
        for version, text in await tx.all(TEXTS, {"ids": missing}):
            tx.row_texts.keep(version, text)
            newest[_id(version)] = text
        texts = [text or newest.get(_id(version)) for version, text in zip(found.versions, texts, strict=True)]
    return AllocationTexts([text for text in texts if text is not None], found.metered)


def _id(version: str) -> str:
    return version.partition(".")[0]
